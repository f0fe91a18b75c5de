"""A tray engine as a process of its own, to be killed: `python -m tests.tray.engine_driver DATA FOLDER URL`.

Prints one line for each link. Ends when standard input does, so that it never outlives its test.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bulletdrop.clock import SystemClock
from bulletdrop.config import Config
from bulletdrop.tray.client import Client
from bulletdrop.tray.desk import Item
from bulletdrop.tray.engine import Engine
from tests.tray.engine_kit import LIVELY, QUICK, RememberingDesk


class PrintingDesk(RememberingDesk):
    def link_ready(self, item: Item, *, late: bool) -> None:
        say(f"{item.name} {item.link} {'late' if late else 'prompt'}")


def say(line: str) -> None:
    """One line in one write: `print` from two threads mixes its pieces."""
    os.write(1, f"{line}\n".encode())


def main() -> None:
    data, folder, url = sys.argv[1:4]
    engine = Engine(
        Config(data=Path(data)),
        client=Client(url, "bd_test", answer_seconds=10),
        folders=lambda: [Path(folder)],
        desk=PrintingDesk(),
        clock=SystemClock(),
        patience=QUICK,
        rhythm=LIVELY,
    )
    engine.start()
    say("started")
    sys.stdin.read()
    engine.stop(1.0)


if __name__ == "__main__":
    main()
