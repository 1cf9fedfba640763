"""What the arrays of a file of embeddings are for, and what they are called."""

from __future__ import annotations

from weightlab.data.source import Source
from weightlab.errors import InputError

__all__ = ["NEEDED", "ROLES", "SUFFIXES", "check_columns", "columns_of"]

NEEDED = ("embeddings", "labels")
ROLES = (*NEEDED, "split", "category", "is_query", "is_gallery", "path", "class_names", "category_names")
SUFFIXES = (".npz", ".safetensors", ".parquet")


def columns_of(source: Source) -> dict[str, str]:
    """The name of each role's array: as the options say, else the role's own."""
    return {role: source.text(role, role) for role in ROLES}


def check_columns(source: Source) -> None:
    """Raise InputError for a name that is no text, and for an array that is to be two things."""
    seen: dict[str, str] = {}
    for role, name in columns_of(source).items():
        if role in source.options and name in seen:
            raise InputError(f"{source.kind}: the array {name} can't be both {seen[name]} and {role}")
        if role in source.options or role in NEEDED:
            seen[name] = role
