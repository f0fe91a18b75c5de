"""Ask something that may never answer: a call in a thread of its own, and a limit."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def within(seconds: float, question: Callable[[], T], *, name: str = "question") -> T:
    """Run `question` in a thread and wait at most `seconds` for what it returns or raises.

    Raises: TimeoutError when there is no answer in time; the thread is then left to itself.

    A daemon thread and not an executor: an executor's threads are joined when the program ends, and one that hangs
    in a password dialog would keep it alive for ever.
    """
    answer: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answer.put((True, question()))
        except BaseException as error:  # handed over, not swallowed
            answer.put((False, error))

    threading.Thread(target=run, name=name, daemon=True).start()
    try:
        worked, value = answer.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if not worked:
        raise value
    result: T = value
    return result
