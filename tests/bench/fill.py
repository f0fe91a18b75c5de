"""Puts many drops into a data folder by the product's own models: `python -m tests.bench.fill DATA USERNAME COUNT`."""

from __future__ import annotations

import hashlib
import sys
from datetime import timedelta
from typing import Any

from bulletdrop.config import load_config
from bulletdrop.core.database import transaction, using
from bulletdrop.core.models import Blob, Upload, User, new_id, random_text
from bulletdrop.core.site import open_site

BATCH = 300


def main(data: str, username: str, count: int) -> None:
    """Insert the rows; the bytes behind them are nowhere, since a list does not read them."""
    site = open_site(load_config({"data": data}))
    with using(site.db), transaction(site.db):
        owner = User.get(User.username == username).id
        now = site.clock.now()
        for start in range(0, count, BATCH):
            blobs: list[dict[str, Any]] = []
            uploads: list[dict[str, Any]] = []
            for number in range(start, min(count, start + BATCH)):
                slug, blob, moment = random_text(10), new_id(), now - timedelta(seconds=number)
                digest = hashlib.sha256(slug.encode()).hexdigest()
                blobs.append(
                    {
                        "id": blob,
                        "sha256": digest,
                        "size": 1000,
                        "mime": "image/png",
                        "ext": "png",
                        "key": f"uploads/2026/01/01/{slug}.png",
                    }
                    | {"width": 2560, "height": 1440, "refs": 1, "state": "ready", "created_at": moment}
                )
                uploads.append(
                    {"id": new_id(), "slug": slug, "owner": owner, "blob": blob, "filename": f"{slug}.png"}
                    | {"original_filename": "Screenshot.png", "created_at": moment}
                )
            Blob.insert_many(blobs).execute()
            Upload.insert_many(uploads).execute()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
