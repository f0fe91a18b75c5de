"""Ask something that may never answer: a call in a thread of its own, and a limit."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

# Threads that did not answer in time, by name. What still hangs is not asked again: one stuck thread, not one a minute.
_hanging: dict[str, threading.Thread] = {}


def within(seconds: float, question: Callable[[], T], *, name: str = "question") -> T:
    """Run `question` in a thread and wait at most `seconds` for what it returns or raises.

    Raises: TimeoutError when there is no answer in time; the thread is then left to itself. Also at once, while an
    earlier question of the same name still hangs.

    A daemon thread and not an executor: an executor's threads are joined when the program ends, and one that hangs
    in a password dialog would keep it alive for ever.
    """
    stuck = _hanging.get(name)
    if stuck is not None and stuck.is_alive():
        raise TimeoutError("it still does not answer")
    answer: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answer.put((True, question()))
        except BaseException as error:  # handed over, not swallowed
            answer.put((False, error))

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        worked, value = answer.get(timeout=seconds)
    except queue.Empty:
        _hanging[name] = thread
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if not worked:
        raise value
    result: T = value
    return result
