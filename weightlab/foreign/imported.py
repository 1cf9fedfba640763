"""What an import path or file names: others' code, or one's own."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os.path
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from weightlab.errors import InputError, printable, unknown
from weightlab.foreign.guarded import guarded, guarded_import
from weightlab.literals import Literal, read_arguments

__all__ = ["ImportPath", "Sought", "arguments", "construct", "find", "is_path", "kind_of"]

_NAME = r"[^\W\d]\w*"
_NAMED = re.compile(rf"\s*(?P<name>{_NAME})\s*(?P<call>\(.*\))?\s*", re.DOTALL)
_OTHER_FILES = {".ipynb": "a notebook", ".pyc": "a compiled file"}


@dataclass(frozen=True)
class Sought:
    """What a path is to name.

    what: a noun, "loss".
    could_be: whether something that a module holds could be one.
    lacking: what a module without one lacks, "no function and no class of one".
    form: how it is written, "package.module:Class(argument=literal)".
    example: of arguments, "(margin=0.1)".
    """

    what: str
    could_be: Callable[[object], bool]
    lacking: str
    form: str
    example: str


@dataclass(frozen=True)
class ImportPath:
    """A text that names something in a module.

    source: the module, dotted, or a file that ends in .py.
    name: of what is meant; empty where the text ends with the source.
    call: the arguments in their brackets; None without.
    """

    source: str
    name: str
    call: str | None

    @classmethod
    def of(cls, text: str) -> ImportPath | None:
        """What "package.module:Class(arg=1)", "folder/file.py:function" or "file.py" says; None for another text.

        A file's path may have colons and brackets of its own. Where it could end in several places, it ends where there
        is a file.
        """
        text = text.strip()
        found = [cls.after(text[:end], text[end + 1 :]) for end in _ends(text)]
        paths = [path for path in found if path is not None]
        return next((path for path in paths if _is_file(path.source)), paths[0] if paths else None)

    @classmethod
    def after(cls, source: str, rest: str) -> ImportPath | None:
        """From what stands before a colon and behind it."""
        if not source.strip():
            return None
        if not rest.strip():
            return cls(source.strip(), "", None)
        match = _NAMED.fullmatch(rest)
        return cls(source.strip(), match["name"], match["call"]) if match else None

    @property
    def title(self) -> str:
        """Name and arguments."""
        return self.name + (self.call or "")

    @property
    def place(self) -> str:
        """Source and name."""
        return f"{self.source}:{self.name}"


def is_path(text: str) -> bool:
    """Whether a text is such a path, and no name: it has a colon that is not in a name's brackets, or a file's form."""
    return ":" in text.partition("(")[0] or ImportPath.of(text) is not None


def find(text: str, sought: Sought) -> tuple[ImportPath, Any]:
    """The path that a text is, and what it names, imported; nothing is called.

    Raises InputError for what is no path, for a module that can't be imported, and for a name that it does not have or
    that is a module; for a path without a name, with the names of what is sought there.
    """
    path = ImportPath.of(text)
    if path is None:
        raise InputError(f"can't read '{text}': write {sought.form}")
    module = _module(path, sought)
    if not path.name:
        names = _names(module, sought)
        if not names:
            raise InputError(f"{path.source} has nothing that could be a {sought.what}: {sought.lacking}")
        raise InputError(f"{path.source} has {', '.join(names)}: write {path.source}:{names[0]}")
    return path, _attribute(module, path, sought)


def arguments(path: ImportPath, sought: Sought, *, words: bool = False) -> tuple[list[Literal], dict[str, Literal]]:
    """Those of a path's brackets, by position and by name; words: whether a bare word is a text.

    Raises InputError where they are no literals.
    """
    try:
        return read_arguments(path.call or "()", words=words)
    except InputError as error:
        raise InputError(f"{path.place}: arguments must be literals, such as {sought.example}; {error}") from error


def construct(target: type, path: ImportPath, positional: list[Any], named: dict[str, Any]) -> Any:  # noqa: ANN401
    """An instance of the class that a path names. Raises InputError where that fails, whatever it raises."""
    with guarded_import(f"{path.source}:{path.title}"):
        return target(*positional, **named)


def kind_of(found: object) -> str:
    """What something is, in words."""
    if inspect.isroutine(found):
        return "a function"
    return "a module" if inspect.ismodule(found) else f"of type {printable(type(found).__name__)}"


def _ends(text: str) -> list[int]:
    """Where the source may end: behind any .py; of a text that has none at its first colon, or where it has the form of
    a source alone.
    """
    files = [match.end() for match in re.finditer(r"\.py(?=\s*(?::|$))", text)]
    if files:
        return [text.index(":", end) if ":" in text[end:] else len(text) for end in files]
    colon = text.partition("(")[0].find(":")
    if colon >= 0:
        return [colon] if text[colon + 1 :].strip() else []
    is_source = (
        "/" in text or "\\" in text or Path(text).suffix in _OTHER_FILES or re.fullmatch(rf"{_NAME}(\.{_NAME})+", text)
    )
    return [len(text)] if is_source else []


def _module(path: ImportPath, sought: Sought) -> ModuleType:
    source = path.source
    if source.endswith(".py"):
        return _module_of_file(source)
    if kind := _OTHER_FILES.get(Path(source).suffix):
        raise InputError(f"{source} is {kind}: put the {sought.what} into a file that ends in .py")
    if not re.fullmatch(rf"{_NAME}(\.{_NAME})*", source):
        kind = "a folder" if os.path.isdir(source) else "no module's name and does not end in .py"
        raise InputError(f"can't import {source}: it is {kind}; write {sought.form}")
    with guarded_import(f"importing {source} fails"):
        try:
            return importlib.import_module(source)
        except ModuleNotFoundError as error:
            if not f"{source}.".startswith(f"{error.name}."):
                raise  # for something that the module itself wants
            raise InputError(f"can't import {source}: there is no module {error.name}{_hint(path)}") from error


def _hint(path: ImportPath) -> str:
    """What may have been meant by a module that is not there."""
    beside = f"{path.source.replace('.', '/')}.py"
    if _is_file(beside):
        return f"; did you mean {beside}:{path.name}?"
    kind = "a folder" if os.path.isdir(path.source) else "a file that does not end in .py"
    return f"; {path.source} is {kind}" if os.path.exists(path.source) else ""


def _module_of_file(source: str) -> ModuleType:
    path = Path(source)
    if not _is_file(source):
        raise InputError(f"{source} is a folder" if os.path.isdir(source) else f"there is no file {source}")
    if not os.path.isfile(path):
        path = path.expanduser()
    # under a name of its own, lest a file called random.py takes the place of Python's
    spec = importlib.util.spec_from_file_location(f"{path.stem} ({path})", path)
    assert spec is not None  # it has a suffix that Python knows
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses in it look themselves up there
    with guarded_import(f"importing {source} fails"):
        spec.loader.exec_module(module)
    return module


def _is_file(source: str) -> bool:
    """Also of a path in one's home, ~/file.py."""
    return os.path.isfile(source) or os.path.isfile(os.path.expanduser(source))


def _attribute(module: ModuleType, path: ImportPath, sought: Sought) -> Any:  # noqa: ANN401
    with guarded(f"{path.place} fails"):
        found = getattr(module, path.name, None)
    if found is None:
        names = _names(module, sought)
        raise (
            unknown(f"name in {path.source}", path.name, names)
            if names
            else InputError(f"{path.source} has no {path.name}, and nothing that could be a {sought.what}")
        )
    if inspect.ismodule(found):
        raise InputError(f"{path.place} is a module, not a {sought.what}")
    return found


def _names(module: ModuleType, sought: Sought) -> list[str]:
    """The names of what is sought in a module: of its own, or where it has none, of what it imports."""
    names = {name: found for name, found in vars(module).items() if not name.startswith("_") and sought.could_be(found)}
    own = [name for name, found in names.items() if _is_from(found, module.__name__)]
    return own or list(names)


def _is_from(found: object, module: str) -> bool:
    """Whether it is defined in a module or package; an instance is where it has its name."""
    if not (inspect.isclass(found) or inspect.isfunction(found)):
        return True
    return f"{found.__module__}.".startswith(f"{module}.")
