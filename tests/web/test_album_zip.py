"""An album of five thousand files as one zip: nothing of it is held whole, it begins at once, and it ends with its
client."""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import httpx
import pytest
from PIL import Image

from bulletdrop.config import load_config
from bulletdrop.core.database import using
from bulletdrop.core.drops import albums
from bulletdrop.core.models import Album, Blob, Upload, User, new_id
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site, close_site, open_site
from tests.bench.memory import Peak
from tests.support.server import Server
from tests.web.kit import raw, upload

COUNT = 5000
# Most files of a phone are of few names.
NAMES = ("Screenshot.png", "screenshot.PNG", "Bild ä.png", "日本.png")
MB = 1024 * 1024


def picture(random: Random) -> bytes:
    """A picture of about 20 KB that is like no other."""
    buffer = io.BytesIO()
    Image.frombytes("RGB", (80, 80), random.randbytes(80 * 80 * 3)).save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()


def fill(server: Server, count: int) -> tuple[str, list[str]]:
    """An album of alice's with so many drops, made by the models on a server that is stopped meanwhile.

    Returns: its slug, and the SHA-256 of its files in order.
    """
    server.key_of("alice")
    server.stop()
    opened = open_site(load_config({"data": server.data, "min_free_disk": 0}, environ={}))
    try:
        with using(opened.db):
            slug, hashes = _fill(opened, server.data, count)
    finally:
        close_site(opened)
    server.start()
    return slug, hashes


def _fill(site: Site, data: Path, count: int) -> tuple[str, list[str]]:
    user, random, now, hashes = User.get(), Random(7), site.clock.now(), []
    alice, ids = Caller(user.id, user.username, is_admin=True), []
    (data / "uploads" / "zip").mkdir(parents=True)
    for start in range(0, count, 250):
        blobs, uploads = [], []
        for number in range(start, min(start + 250, count)):
            bits = picture(random)
            hashes.append(hashlib.sha256(bits).hexdigest())
            key = f"uploads/zip/{number}.png"
            (data / key).write_bytes(bits)
            blob = {"id": new_id(), "sha256": hashes[-1], "size": len(bits), "mime": "image/png", "ext": "png"}
            blobs.append(
                {**blob, "key": key, "width": 80, "height": 80, "refs": 1, "state": "ready", "created_at": now}
            )
            name = NAMES[number % len(NAMES)]
            row = {"id": new_id(), "slug": f"z{number}", "owner": user.id, "blob": blob["id"], "created_at": now}
            uploads.append({**row, "filename": name, "original_filename": name, "is_public": False})
        with site.db.atomic():
            Blob.insert_many(blobs).execute()
            Upload.insert_many(uploads).execute()
        ids += [str(row["id"]) for row in uploads]
    album = albums.create_album(site, alice, title="Everything")
    albums.add_items(site, alice, album.id, ids)
    return str(Album.get_by_id(album.id).slug), hashes


def download(server: Server, path: str, target: Path) -> tuple[float, float]:
    """Save what is at an address. Returns: seconds to the first byte of its body, and to the last."""
    began = time.perf_counter()
    first = 0.0
    with (
        httpx.Client(base_url=server.url, timeout=120, trust_env=False) as visitor,
        visitor.stream("GET", path) as answer,
        target.open("wb") as file,
    ):
        assert answer.status_code == 200
        for piece in answer.iter_raw():
            first = first or time.perf_counter() - began
            file.write(piece)
    return first, time.perf_counter() - began


@pytest.mark.alone
def test_five_thousand_files_come_as_one_zip_that_begins_at_once_and_is_never_in_memory(
    server: Server, tmp_path: Path
) -> None:
    slug, hashes = fill(server, COUNT)
    target = tmp_path / "album.zip"
    # What is loaded once is no growth of this one: a zip of another album, and a page.
    small, _ = warm(server)
    download(server, f"/a/{small}/zip", target)
    peak = Peak(server.pid)
    with peak.measured():
        first, whole = download(server, f"/a/{slug}/zip", target)
    size = target.stat().st_size
    print(f"\n{COUNT} files, {size / MB:.0f} MB: first byte after {first * 1000:.0f} ms, whole after {whole:.1f} s, "
          f"memory +{peak.growth:.1f} MB")  # fmt: skip
    assert size > 90 * MB
    assert peak.growth < 32
    assert first < 1.5
    with zipfile.ZipFile(target) as archive:
        infos = archive.infolist()
        assert [hashlib.sha256(archive.read(info)).hexdigest() for info in infos] == hashes
        assert len({info.filename.casefold() for info in infos}) == COUNT
        assert {info.compress_type for info in infos} == {zipfile.ZIP_STORED}
        assert all(Path(info.filename).name == info.filename for info in infos)


def warm(server: Server) -> tuple[str, str]:
    """A small album of alice's, and the id of its drop."""
    drop = upload(server.alice)
    made = server.alice.post("/api/v1/albums", json={"title": "Small"}).json()
    server.alice.post(f"/api/v1/albums/{made['id']}/items", json={"ids": [drop["id"]]}).raise_for_status()
    return made["slug"], drop["id"]


def test_a_client_that_leaves_in_the_middle_ends_the_zip_and_leaves_no_file_open(server: Server) -> None:
    slug, _ = fill(server, 400)
    for _ in range(3):
        with raw(server, receive_buffer=4096) as line:
            line.send(f"GET /a/{slug}/zip HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert line.head()[0] == 200
            assert line.body(10_000)
    assert until(lambda: not open_files(server)), open_files(server)
    assert server.anonymous.get(f"/a/{slug}/zip").status_code == 200, "and the server goes on"


def open_files(server: Server) -> list[str]:
    """The files of drops that the server holds open."""
    found = []
    for entry in Path(f"/proc/{server.pid}/fd").iterdir():
        try:
            found.append(str(entry.readlink()))
        except FileNotFoundError:
            continue
    return [path for path in found if "/uploads/" in path]


def until(done: Callable[[], bool], *, seconds: float = 30) -> bool:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.05)
    return done()


def test_what_is_taken_away_while_the_zip_runs_is_left_out_and_the_rest_is_whole(server: Server) -> None:
    slug, hashes = fill(server, 300)
    files = sorted((server.data / "uploads" / "zip").iterdir())
    for path in files[:5]:
        path.unlink()
    answer = server.anonymous.get(f"/a/{slug}/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        inside = {hashlib.sha256(archive.read(info)).hexdigest() for info in archive.infolist()}
    assert inside == set(hashes) - {hashes[int(path.stem)] for path in files[:5]}


def test_bytes_of_a_zip_count_for_the_albums_owner_and_a_silent_owners_album_is_not_given(server: Server) -> None:
    slug, _ = fill(server, 40)
    me = server.alice.get("/api/v1/auth/me").json()
    limits = {"limits": {"bandwidth_per_month": 500_000}}
    server.alice.patch(f"/api/v1/admin/users/{me['id']}", json=limits).raise_for_status()
    assert server.anonymous.get(f"/a/{slug}/zip").status_code == 200
    assert until(lambda: server.anonymous.get(f"/a/{slug}/zip").status_code == 429)
    assert server.anonymous.get(f"/a/{slug}").status_code == 429
    assert server.alice.get(f"/a/{slug}/zip").status_code == 200
