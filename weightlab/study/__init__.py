"""Studies: arms × seeds of training runs that put a claim to the test."""
