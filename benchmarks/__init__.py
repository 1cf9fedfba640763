"""Benchmarks: what takes how long, on the machine at hand."""
