"""An export has what its owner shares, and of secrets no more than that they are there."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from bulletdrop.clock import ManualClock
from bulletdrop.core.models import Album, AlbumItem, Domain, Secret, ShareLink, ShortLink, UploadRequest, UserDomain
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep.export import export
from tests.core.drops_kit import keep


def lines(archive: zipfile.ZipFile, path: str) -> list[dict[str, Any]]:
    """One kind's rows."""
    return [json.loads(line) for line in archive.read(path).splitlines()]


def share_everything(site: Site, caller: Caller, clock: ManualClock) -> str:
    """One row of each kind; returns the id of the drop."""
    made = {"owner": caller.user_id, "created_at": clock.now()}
    drop = keep(site, caller)
    album = Album.create(slug=f"trip-{caller.username}", title="Trip", updated_at=clock.now(), **made)
    AlbumItem.create(album=album, upload=drop, position=1, added_at=clock.now())
    ShareLink.create(token=f"token-{caller.username}", upload=drop, note="for mum", password_hash="$argon2", **made)
    UploadRequest.create(token=f"asks-{caller.username}", album=album, title="Send me yours", **made)
    ShortLink.create(slug=f"s-{caller.username}", url="https://example.org/long", **made)
    Secret.create(wrapped_key="wrapped-and-private", note="the door", passphrase_hash="$argon2", **made)
    domain = Domain.create(name=f"{caller.username}.example.org", created_at=clock.now())
    UserDomain.create(user=caller.user_id, domain=domain, is_primary=True, created_at=clock.now())
    return drop.id


def test_an_export_has_each_kind_that_its_owner_shares(
    site: Site, alice: Caller, bob: Caller, clock: ManualClock
) -> None:
    drop = share_everything(site, alice, clock)
    share_everything(site, bob, clock)
    with zipfile.ZipFile(io.BytesIO(b"".join(export(site, alice.user_id)))) as archive:
        (album,) = lines(archive, "albums.jsonl")
        assert (album["title"], album["uploads"]) == ("Trip", [drop])
        assert album["url"].endswith("/a/trip-alice")
        (link,) = lines(archive, "share_links.jsonl")
        assert (link["upload_id"], link["note"], link["views"]) == (drop, "for mum", 0)
        assert lines(archive, "upload_requests.jsonl")[0]["title"] == "Send me yours"
        (short,) = lines(archive, "short_links.jsonl")
        assert (short["url"], short["short_url"].rpartition("/")[2]) == ("https://example.org/long", "s-alice")
        assert [row["note"] for row in lines(archive, "secrets.jsonl")] == ["the door"]
        account = json.loads(archive.read("account.json"))
        assert account["domains"] == [{"name": "alice.example.org", "is_primary": True}]
        whole = b"".join(archive.read(name) for name in archive.namelist())
    for private in (b"$argon2", b"wrapped-and-private", b"bob"):
        assert private not in whole
