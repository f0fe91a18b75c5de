"""The least that the first promise costs: the event of a closed file, and the call that sets the clipboard.

`python -m tests.bench.floor_clipboard FOLDER` puts the name of each file that is closed in the folder on the clipboard.
"""

from __future__ import annotations

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
        copykitten.copy(os.fsdecode(getattr(event, "src_path", "")))


if __name__ == "__main__":
    observer = Observer()
    observer.schedule(Copier(), sys.argv[1], event_filter=[FileClosedEvent])
    observer.start()
    print("watching", flush=True)
    while True:
        time.sleep(60)
