"""What an import path or file names, where a loss is meant."""

from __future__ import annotations

import inspect
from types import BuiltinFunctionType
from typing import Any

from weightlab.errors import InputError
from weightlab.foreign.imported import ImportPath, Sought, arguments, construct, find, kind_of
from weightlab.lazy import torch

__all__ = ["load"]


def load(text: str) -> Any:  # noqa: ANN401 (whatever is there)
    """What "package.module:Class(arg=1)" or "folder/file.py:function" names, imported.

    A class that can be a loss (a torch module, or with `weights` or `value`) is called with the arguments, literals
    only, or without any; a function or an instance is taken as it is and never called with arguments from the text.
    Raises InputError for a module that can't be imported, for what is no loss, and for arguments that are no literals
    or that the class does not take; for a module without a name, with the names that it has.
    """
    path, target = find(text, _LOSS)
    if inspect.isclass(target):
        return _constructed(target, path)
    if not (_can_weigh(target) or callable(target)):
        raise InputError(f"{path.place} is {kind_of(target)}, not a loss")
    if path.call is not None:
        raise InputError(
            f"{path.place} is {kind_of(target)}, which is asked for its loss and not called with "
            f"{path.call}: leave the brackets out, only a class takes arguments"
        )
    if isinstance(target, BuiltinFunctionType):
        raise InputError(f"{path.place} is a function that is not written in Python: wrap it in one")
    return target


def _constructed(target: type, path: ImportPath) -> Any:  # noqa: ANN401
    if not (_can_weigh(target) or _is_module_class(target)):
        raise InputError(
            f"{path.place} is a class that can't be a loss, being no torch.nn.Module and having neither "
            "weights nor value: name an instance of it that the module holds, or a function"
        )
    return construct(target, path, *arguments(path, _LOSS))


def _could_be_loss(found: object) -> bool:
    if inspect.isclass(found):
        return _can_weigh(found) or _is_module_class(found)
    if inspect.isfunction(found):
        return True
    is_instance = type(found).__module__ not in ("builtins", "typing")
    return is_instance and (_can_weigh(found) or callable(found))


def _can_weigh(found: object) -> bool:
    return any(inspect.getattr_static(found, name, None) is not None for name in ("weights", "value"))


def _is_module_class(found: type) -> bool:
    return issubclass(found, torch.nn.Module)


_LOSS = Sought(
    what="loss",
    could_be=_could_be_loss,
    lacking="no function and no class of one",
    form="package.module:Class(argument=literal) or file.py:function",
    example="(margin=0.1)",
)
