"""What an import path or file names: a loss of others, or one's own."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os.path
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import BuiltinFunctionType, ModuleType
from typing import Any

from weightlab.decompose.foreign.guarded import guarded, guarded_import
from weightlab.errors import InputError, printable, unknown
from weightlab.lazy import torch
from weightlab.literals import read_arguments

__all__ = ["ImportPath", "is_path", "load"]

_NAME = r"[^\W\d]\w*"
_NAMED = re.compile(rf"\s*(?P<name>{_NAME})\s*(?P<call>\(.*\))?\s*", re.DOTALL)
_FORM = "write package.module:Class(argument=literal) or file.py:function"
_OTHER_FILES = {".ipynb": "a notebook", ".pyc": "a compiled file"}


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


def is_path(text: str) -> bool:
    """Whether a text is such a path, and no name: it has a colon that is not in a name's brackets, or a file's form."""
    return ":" in text.partition("(")[0] or ImportPath.of(text) is not None


def load(text: str) -> Any:  # noqa: ANN401 (whatever is there)
    """What "package.module:Class(arg=1)" or "folder/file.py:function" names, imported.

    A class that can be a loss (a torch module, or with `weights` or `value`) is called with the arguments, literals
    only, or without any; a function or an instance is taken as it is and never called with arguments from the text.
    Raises InputError for a module that can't be imported, for what is no loss, and for arguments that are no literals
    or that the class does not take; for a module without a name, with the names that it has.
    """
    path = ImportPath.of(text)
    if path is None:
        raise InputError(f"can't read '{text}': {_FORM}")
    module = _module(path)
    if not path.name:
        names = _losses_of(module)
        if not names:
            raise InputError(f"{path.source} has nothing that could be a loss: no function and no class of one")
        raise InputError(f"{path.source} has {', '.join(names)}: write {path.source}:{names[0]}")
    target = _attribute(module, path)
    if inspect.isclass(target):
        return _constructed(target, path)
    if path.call is not None:
        raise InputError(
            f"{path.source}:{path.name} is {_kind(target)}, which is asked for its loss and not called with "
            f"{path.call}: leave the brackets out, only a class takes arguments"
        )
    if isinstance(target, BuiltinFunctionType):
        raise InputError(f"{path.source}:{path.name} is a function that is not written in Python: wrap it in one")
    return target


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


def _module(path: ImportPath) -> ModuleType:
    source = path.source
    if source.endswith(".py"):
        return _module_of_file(source)
    if kind := _OTHER_FILES.get(Path(source).suffix):
        raise InputError(f"{source} is {kind}: put the loss into a file that ends in .py")
    if not re.fullmatch(rf"{_NAME}(\.{_NAME})*", source):
        kind = "a folder" if os.path.isdir(source) else "no module's name and does not end in .py"
        raise InputError(f"can't import {source}: it is {kind}; {_FORM}")
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


def _attribute(module: ModuleType, path: ImportPath) -> Any:  # noqa: ANN401
    with guarded(f"{path.source}:{path.name} fails"):
        found = getattr(module, path.name, None)
    if found is None:
        names = _losses_of(module)
        raise (
            unknown(f"name in {path.source}", path.name, names)
            if names
            else InputError(f"{path.source} has no {path.name}, and nothing that could be a loss")
        )
    if inspect.ismodule(found) or not (inspect.isclass(found) or _can_weigh(found) or callable(found)):
        raise InputError(f"{path.source}:{path.name} is {_kind(found)}, not a loss")
    return found


def _constructed(target: type, path: ImportPath) -> Any:  # noqa: ANN401
    if not (_can_weigh(target) or _is_module_class(target)):
        raise InputError(
            f"{path.source}:{path.name} is a class that can't be a loss, being no torch.nn.Module and having neither "
            "weights nor value: name an instance of it that the module holds, or a function"
        )
    try:
        positional, named = read_arguments(path.call or "()")
    except InputError as error:
        raise InputError(
            f"{path.source}:{path.name}: arguments must be literals, such as (margin=0.1); {error}"
        ) from error
    with guarded_import(f"{path.source}:{path.title}"):
        return target(*positional, **named)


def _losses_of(module: ModuleType) -> list[str]:
    """The names of what could be a loss in a module: of its own, or where it has none, of what it imports."""
    names = {name: found for name, found in vars(module).items() if not name.startswith("_") and _could_be_loss(found)}
    own = [name for name, found in names.items() if _is_from(found, module.__name__)]
    return own or list(names)


def _could_be_loss(found: object) -> bool:
    if inspect.isclass(found):
        return _can_weigh(found) or _is_module_class(found)
    if inspect.isfunction(found):
        return True
    is_instance = type(found).__module__ not in ("builtins", "typing")
    return is_instance and (_can_weigh(found) or callable(found))


def _is_from(found: object, module: str) -> bool:
    """Whether it is defined in a module or package; an instance is where it has its name."""
    if not (inspect.isclass(found) or inspect.isfunction(found)):
        return True
    return f"{found.__module__}.".startswith(f"{module}.")


def _can_weigh(found: object) -> bool:
    return any(inspect.getattr_static(found, name, None) is not None for name in ("weights", "value"))


def _is_module_class(found: type) -> bool:
    return issubclass(found, torch.nn.Module)


def _kind(found: object) -> str:
    if inspect.isroutine(found):
        return "a function"
    return "a module" if inspect.ismodule(found) else f"of type {printable(type(found).__name__)}"
