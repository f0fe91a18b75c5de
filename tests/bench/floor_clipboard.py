"""The least that the first promise costs: the event of a closed file, and the call that sets the clipboard.

`python -m tests.bench.floor_clipboard FOLDER` puts the name of each file that is closed in the folder on the clipboard.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time

import copykitten
from watchdog.events import FileClosedEvent, FileSystemEventHandler
from watchdog.observers import Observer


class Copier(FileSystemEventHandler):
    """Sets the clipboard in the observer's own thread."""

    def on_closed(self, event: object) -> None:
        """A file is there."""
        text = os.fsdecode(getattr(event, "src_path", ""))
        copykitten.copy(text)
        # The library empties its text at a word about the one before, which may come late: about one time in 300 here.
        for _ in range(5):
            time.sleep(0.005)
            with contextlib.suppress(copykitten.CopykittenError):
                if copykitten.paste() == text:
                    continue
            copykitten.copy(text)


if __name__ == "__main__":
    observer = Observer()
    observer.schedule(Copier(), sys.argv[1], event_filter=[FileClosedEvent])
    observer.start()
    print("watching", flush=True)
    while True:
        time.sleep(60)
