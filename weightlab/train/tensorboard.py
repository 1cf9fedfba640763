"""A run's numbers for TensorBoard (the extra `weightlab[tensorboard]`): the first user of `log`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from weightlab.errors import InputError
from weightlab.files import AnyPath, as_path

__all__ = ["tensorboard_log"]


@contextmanager
def tensorboard_log(folder: AnyPath) -> Iterator[Callable[[dict[str, float], int], None]]:
    """Inside, `log(values, step)` writes scalars into event files in `folder`; for `train(..., log=log)`.

    Raises InputError where TensorBoard is not installed.
    """
    path = as_path("folder", folder)
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise InputError("--tensorboard needs TensorBoard: pip install 'weightlab[tensorboard]'") from error
    writer = SummaryWriter(str(path))

    def log(values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, step)

    try:
        yield log
    finally:
        writer.close()
