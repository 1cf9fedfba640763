"""Faults that the tests must find: `make mutants` seeds each one alone and says which of them survive."""
