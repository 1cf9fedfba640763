"""Code of others: found by an import path or file, and run behind a guard."""

__all__: list[str] = []
