"""What an import path or file names: a loss of others, or one's own."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from weightlab.errors import InputError, reason, unknown

__all__ = ["is_path", "load"]

_PATH = re.compile(r"(?P<module>[^:()]+):(?P<name>[A-Za-z_]\w*)\s*(?P<call>\(.*\))?\s*", re.DOTALL)


def is_path(text: str) -> bool:
    """Whether a text is such a path, and no name: it has a colon that is not in a name's brackets."""
    return ":" in text.partition("(")[0] or _PATH.fullmatch(text.strip()) is not None


def load(text: str) -> Callable[..., Any]:
    """What "package.module:Class(arg=1)" or "folder/file.py:function" names, imported.

    A class is called with the arguments (literals only) or without any, a function is taken as it is.
    Raises InputError for a module that can't be imported, arguments that are no literals or that the
    class does not take.
    """
    match = _PATH.fullmatch(text.strip())
    if match is None:
        raise InputError(f"can't read '{text}': write package.module:Class(argument=literal) or file.py:function")
    target = _attribute(_module(match["module"].strip()), match["name"], text)
    if match["call"] is None and not isinstance(target, type):
        return target
    positional, named = _literals(match["call"] or "()", text)
    try:
        built: Callable[..., Any] = target(*positional, **named)
    except Exception as error:  # whatever others' constructors raise
        raise InputError(f"{text}: {reason(error)}") from error
    return built


def _module(name: str) -> ModuleType:
    if name.endswith(".py"):
        return _module_of_file(Path(name))
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(f"can't import {name}: {reason(error)}") from error
    except (Exception, SystemExit) as error:  # whatever others' modules raise
        raise InputError(f"importing {name} fails: {reason(error)}") from error


def _module_of_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    # under a name of its own, lest a file called random.py takes the place of Python's
    spec = importlib.util.spec_from_file_location(f"{path.stem} ({path})", path)
    assert spec is not None  # it has a suffix that Python knows
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses in it look themselves up there
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever the file raises
        raise InputError(f"importing {path} fails: {reason(error)}") from error
    return module


def _attribute(module: ModuleType, name: str, text: str) -> Callable[..., Any]:
    found = getattr(module, name, None)
    if found is None:
        raise unknown(
            f"name in {text.partition(':')[0]}", name, [each for each in vars(module) if not each.startswith("_")]
        )
    if not callable(found):
        raise InputError(f"{text}: {name} is a {type(found).__name__}, not a loss")
    target: Callable[..., Any] = found
    return target


def _literals(call: str, text: str) -> tuple[list[Any], dict[str, Any]]:
    try:
        node = ast.parse(f"_{call}", mode="eval").body
        assert isinstance(node, ast.Call)
        named = {str(each.arg): ast.literal_eval(each.value) for each in node.keywords}
        return [ast.literal_eval(each) for each in node.args], named
    except (SyntaxError, ValueError, AssertionError) as error:
        raise InputError(f"{text}: arguments must be literals, such as (margin=0.1)") from error
