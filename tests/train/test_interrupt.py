"""Ctrl-C and SIGTERM end a run between two steps."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from weightlab.train.interrupt import deferred_interrupt

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@BOTH
def test_the_first_is_noted(number: signal.Signals) -> None:
    with deferred_interrupt() as asked:
        assert not asked()
        send(number)
        assert asked()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@BOTH
@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_the_second_interrupts_at_once(first: signal.Signals, number: signal.Signals) -> None:
    with deferred_interrupt() as asked:
        send(first)
        with pytest.raises(KeyboardInterrupt):
            send(number)
        assert asked()


def test_a_sigterm_that_is_like_ctrl_c_is_noted_too() -> None:
    """As the command line has it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with deferred_interrupt() as asked:
        send(signal.SIGTERM)
        assert asked()
    assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler


@BOTH
def test_what_others_handle_stays_theirs(number: signal.Signals) -> None:
    heard: list[int] = []
    signal.signal(number, lambda got, frame: heard.append(got))
    with deferred_interrupt() as asked:
        send(number)
        assert not asked()
    assert heard == [number]


def test_deaf_to_ctrl_c_as_a_background_job_is_it_heeds_sigterm() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with deferred_interrupt() as asked:
        send(signal.SIGINT)
        assert not asked()
        send(signal.SIGTERM)
        assert asked()


def test_other_threads_change_nothing() -> None:
    found: list[object] = []

    def run() -> None:
        with deferred_interrupt() as asked:
            found.extend([asked(), signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)])

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [False, signal.SIG_DFL, signal.default_int_handler]
