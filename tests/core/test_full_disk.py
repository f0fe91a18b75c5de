"""A full disk: what was acknowledged is served, and the owner can sign in to delete."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.config import load_config
from bulletdrop.core.database import using
from bulletdrop.core.drops import uploads
from bulletdrop.core.drops.pictures import SIZES, ensure_decoded, make_thumbnails
from bulletdrop.core.models import Blob
from bulletdrop.core.people import sessions
from bulletdrop.core.people.accounts import find_user
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site, close_site, open_site
from bulletdrop.errors import DiskFull
from tests.core.drops_kit import keep, stored
from tests.faults.fulldisk import small_disk
from tests.support.needs import needs_root
from tests.support.pictures import screenshot


@pytest.fixture
def site(tmp_path: Path, database_url: str, clock: ManualClock) -> Iterator[Site]:
    """A site on a disk of 12 MB."""
    needs_root()
    environ = {"BULLETDROP_DATABASE_URL": database_url} if database_url else {}
    with small_disk(tmp_path / "disk", size_mb=12) as disk:
        config = load_config({"data": disk / "data", "min_free_disk": 0}, environ=environ)
        opened = open_site(config, clock=clock)
        with using(opened.db):
            yield opened
        close_site(opened)


def fill(site: Site) -> Path:
    """Use all that is free, to the last byte."""
    ballast = site.config.data.with_name("ballast")
    with pytest.raises(OSError, match="No space"), ballast.open("ab", buffering=0) as file:  # noqa: PT012
        while True:
            file.write(bytes(4096))
    return ballast


def test_a_picture_that_was_not_decoded_yet_is_served_from_a_full_disk(site: Site, alice: Caller) -> None:
    data = screenshot(width=1200, height=800)
    upload = keep(site, alice, data)
    ballast = fill(site)
    blob = ensure_decoded(site, upload.blob, wait_seconds=20)
    assert (blob.state, blob.width) == ("ready", 1200)
    assert stored(site, upload) == data
    fill(site)
    with pytest.raises(DiskFull):
        make_thumbnails(site, blob.id, urgent=True)
    assert list(site.temporary.iterdir()) == []
    ballast.unlink()
    make_thumbnails(site, blob.id)
    assert len(list(site.storage.keys("thumbnails/"))) == len(SIZES)
    assert Blob.get_by_id(blob.id).state == "ready"


def test_on_a_full_disk_the_owner_signs_in_goes_on_and_deletes(site: Site, alice: Caller) -> None:
    upload, user = keep(site, alice), find_user(site, "alice")
    # The tables' own free space is used up as well, before the room kept for deletions is needed.
    fill(site)
    for _ in range(30):
        tokens = sessions.open_session(site, user, user_agent="browser" * 40, address="127.0.0.1")
        assert tokens.refresh_token
        assert sessions.refresh(site, tokens.refresh_token, user_agent="browser", address="127.0.0.1").refresh_token
    uploads.trash_upload(site, sessions.check_access(site, tokens.access_token), upload.id)
    sessions.close_session(site, tokens.session_id)
