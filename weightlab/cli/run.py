"""Running a command line: its exit code, and how whatever goes wrong is said in one line."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from itertools import chain, pairwise
from typing import TextIO

import typer
from typer.exceptions import Abort, Exit, TyperException

from weightlab.errors import InputError, RunError, nearest, one_line, reason, shown

__all__ = ["Stopped", "run"]

_NO_MEMORY = ("can't allocate memory", "out of memory", "not enough memory")


class Stopped(KeyboardInterrupt):
    """Ctrl-C or SIGTERM, with what can be done next."""


def run(app: typer.Typer, name: str, arguments: list[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 a run failed or was stopped, 2 bad input, with one line on standard error.

    name: what is typed to start it. arguments: without them, the process's own. With `--debug` ahead of the command a
    traceback stands before that line.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = arguments[:1] == ["--debug"]
    if f"_{name}_COMPLETE".replace("-", "_").upper() in os.environ:
        app(arguments, prog_name=name)  # a shell asks how a word may go on
    closed = _prepare_streams()
    with _terminated_as_interrupted():
        try:
            if closed:
                raise RunError("standard output is closed")
            code = _invoke(app, name, arguments[debug:])
        except BaseException as error:  # a stranger's code may raise anything, pyo3's panics are no Exception
            code = _answer(name, error, arguments, debug=debug)
        code = _flush(name, code)
    sys.exit(code)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Inside, SIGTERM does what Ctrl-C does, where nobody else handles it."""
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if ours:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _invoke(app: typer.Typer, name: str, arguments: list[str]) -> int:
    """Typer's own `app()` without its answers: it has 130 for Ctrl-C, and Abort for the end of any file."""
    command = typer.main.get_command(app)
    try:
        with command.make_context(name, list(arguments)) as context:
            _call(lambda: command.invoke(context))
    except Exit as asked:
        return asked.exit_code
    except SystemExit as asked:  # of options that answer and end, such as --show-completion
        return asked.code if isinstance(asked.code, int) else 0
    return 0


def _call(command: Callable[[], object]) -> None:
    try:
        command()
    except SystemExit as left:
        if isinstance(left.__context__, BrokenPipeError):  # rich's answer to a reader that has gone
            raise left.__context__ from None
        raise RunError(f"something in it called sys.exit({left.code!r})") from left


def _answer(name: str, error: BaseException, arguments: list[str], *, debug: bool) -> int:
    """Say an error in one line; the exit code."""
    if debug:
        traceback.print_exception(error)
    if isinstance(error, TyperException):
        return _say(name, _usage(name, error, arguments), 2)
    if isinstance(error, InputError):
        return _say(name, str(error) or "this can't be used", 2)
    if isinstance(error, KeyboardInterrupt | Abort):
        return _say(name, f"stopped; {error}" if isinstance(error, Stopped) else "stopped", 1)
    if isinstance(error, BrokenPipeError):
        return 1  # a reader that has seen enough, as in `| head`, needs no word
    if isinstance(error, OSError) and _broken(sys.stdout) is not None:
        return 1  # which `_flush` says
    return _say(name, _failure(name, error), 1)


def _usage(name: str, error: TyperException, arguments: list[str]) -> str:
    """What is wrong with a command line, with the value that typer leaves out, and names that are really near."""
    context, message = getattr(error, "ctx", None), " ".join(error.format_message().split())
    if not message or message.startswith("Usage: "):  # a group without a command: its whole help, in a line
        return f"give a command; see {context.command_path if context else name} --help"
    option = getattr(error, "option_name", None)
    if option is not None and context is not None:
        names = {each.strip("-"): each for each in chain.from_iterable(p.opts for p in context.command.params)}
        near = nearest(option.strip("-"), names)
        return f"No such option: {option}: " + (
            f"did you mean '{names[near]}'?" if near else f"see {context.command_path} --help"
        )
    message = message.replace("Value error, ", "")
    options = getattr(getattr(error, "param", None), "opts", ())
    values = [shown(value) for option in options for value in _given(option, arguments)]
    return message if not values or values[-1] in message else f"{message}, not {values[-1]}"


def _given(option: str, arguments: list[str]) -> list[str]:
    """The values of an option: --steps 5 or --steps=5."""
    apart = [value for name, value in pairwise(arguments) if name == option]
    return apart + [text.partition("=")[2] for text in arguments if text.startswith(f"{option}=")]


def _failure(name: str, error: BaseException) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, RunError):
        return f"failed: {text}"
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename is not None else ""
        return f"failed: {error.strerror or reason(error)}{where}"
    if isinstance(error, MemoryError) or any(words in text for words in _NO_MEMORY):
        return f"failed: out of memory ({reason(error)})"
    return f"a fault of weightlab's own: {reason(error)}; please report it; {name} --debug … shows the traceback"


def _say(name: str, message: str, code: int) -> int:
    with suppress(OSError):  # nobody listens
        print(f"{name}: {one_line(message)}", file=sys.stderr)
    return code


def _prepare_streams() -> bool:
    """Make standard output and error such that they can be written to, whatever a line holds.

    Characters that their encoding lacks are escaped. Whether standard output is closed; what is closed leads nowhere,
    so that no file that is opened later takes its place.
    """
    closed = sys.stdout is None
    for number, stream in ((0, sys.stdin), (1, sys.stdout), (2, sys.stderr)):
        if stream is None:
            _open_nowhere(number)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    return closed


def _open_nowhere(number: int) -> None:
    with suppress(OSError):
        os.fstat(number)
        return
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)


def _flush(name: str, code: int) -> int:
    """Write out what is left, before the interpreter does, which would complain at length; the exit code."""
    error = _broken(sys.stdout)
    if error is not None:
        code = max(code, 1)
        if error.errno != errno.EPIPE:
            _say(name, f"failed: can't write to standard output: {error.strerror}", code)
        _silence(sys.stdout)
    if _broken(sys.stderr) is not None:
        _silence(sys.stderr)
    return code


def _broken(stream: TextIO) -> OSError | None:
    """Why what is written to a stream does not arrive."""
    try:
        stream.flush()
    except OSError as error:
        return error
    except ValueError:  # closed by somebody else
        return OSError(errno.EBADF, os.strerror(errno.EBADF))
    return None


def _silence(stream: TextIO) -> None:
    """Lead a broken stream nowhere, where the interpreter's last flush succeeds."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
