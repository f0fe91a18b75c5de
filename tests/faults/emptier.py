"""Another process over a data folder that empties its trash without pause: `python -m tests.faults.emptier DATA`."""

from __future__ import annotations

import sys
import time

from bulletdrop.config import load_config
from bulletdrop.core.database import using
from bulletdrop.core.drops.deletion import empty_trash
from bulletdrop.core.site import open_site


def main(data: str) -> None:
    """Empty the trash until killed."""
    site = open_site(load_config({"data": data}))
    while True:
        with using(site.db):
            empty_trash(site)
        time.sleep(0.002)


if __name__ == "__main__":
    main(sys.argv[1])
