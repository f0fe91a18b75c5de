"""A picture's one full decode, as the site does it: bytes before the row, once, again after a kill, or withdrawn."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from bulletdrop.core.database import using
from bulletdrop.core.drops.pictures import SIZES, ensure_decoded, has_thumbnails, make_thumbnails, thumbnail_key
from bulletdrop.core.models import Blob, new_id
from bulletdrop.core.site import Site
from bulletdrop.errors import BadPicture, MissingObject, NotFound
from tests.media.decoder_samples import decoding_children, encoded, laborious_png, scene
from tests.support.processes import until


def keep(site: Site, data: bytes, *, mime: str = "image/png", state: str = "new") -> Blob:
    """A blob as intake leaves it."""
    name = new_id()
    path = site.temporary / f"{name}.part"
    path.write_bytes(data)
    key = f"uploads/2026/11/20/{name[:10]}.{mime.rpartition('/')[2]}"
    site.storage.put(key, path, size=len(data))
    row = {"sha256": name, "size": len(data), "mime": mime, "ext": mime.rpartition("/")[2], "key": key, "refs": 1}
    blob: Blob = Blob.create(**row, state=state, created_at=site.clock.now())
    return blob


def thumbnails_of(site: Site, blob: Blob) -> dict[str, tuple[int, int]]:
    """The sizes in pixels of the thumbnails that are in storage."""
    found = {}
    for size in SIZES:
        try:
            with site.storage.open(thumbnail_key(blob, size)) as file, Image.open(io.BytesIO(file.read())) as picture:
                found[size] = picture.size
        except MissingObject:
            continue
    return found


WHOLE = {"thumb": (320, 180), "small": (640, 360), "medium": (1280, 720), "large": (2048, 1152)}


def test_a_new_picture_becomes_ready_with_four_thumbnails(site: Site) -> None:
    blob = keep(site, encoded(scene(2560, 1440), "PNG"))
    made = make_thumbnails(site, blob.id)
    assert made.state == "ready"
    assert (made.width, made.height, made.frames) == (2560, 1440, 1)
    assert made.placeholder
    assert thumbnails_of(site, blob) == WHOLE
    assert list(site.temporary.iterdir()) == []


def test_thumbnails_lie_beside_the_uploads_under_their_date(site: Site) -> None:
    blob = keep(site, encoded(scene(), "PNG"))
    stem = blob.key.removeprefix("uploads/2026/11/20/").removesuffix(".png")
    assert thumbnail_key(blob, "thumb") == f"thumbnails/2026/11/20/{stem}.thumb.webp"
    with pytest.raises(ValueError):
        thumbnail_key(blob, "gigantic")


def test_a_broken_picture_is_withdrawn_with_the_reason(site: Site) -> None:
    blob = keep(site, encoded(scene(), "PNG")[:-500])
    made = make_thumbnails(site, blob.id)
    assert made.state == "broken"
    assert made.problem
    assert not made.problem.endswith(".")
    assert thumbnails_of(site, blob) == {}
    assert make_thumbnails(site, blob.id).state == "broken"
    assert list(site.temporary.iterdir()) == []


def test_doing_it_again_changes_nothing(site: Site) -> None:
    blob = keep(site, encoded(scene(), "PNG"))
    make_thumbnails(site, blob.id)
    path = site.storage.local_path(thumbnail_key(blob, "thumb"))
    assert path is not None
    before = path.stat().st_mtime_ns
    assert make_thumbnails(site, blob.id).state == "ready"
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize("state", ["new", "ready"])
def test_missing_thumbnails_are_made_again(site: Site, state: str) -> None:
    blob = keep(site, encoded(scene(2560, 1440), "PNG"))
    make_thumbnails(site, blob.id)
    site.storage.delete(thumbnail_key(blob, "small"))
    Blob.update(state=state).where(Blob.id == blob.id).execute()
    assert make_thumbnails(site, blob.id, urgent=True).state == "ready"
    assert thumbnails_of(site, blob) == WHOLE


def test_a_picture_that_was_whole_once_is_never_withdrawn_later(site: Site) -> None:
    blob = keep(site, encoded(scene(), "PNG")[:-500], state="ready")
    with pytest.raises(BadPicture):
        make_thumbnails(site, blob.id)
    assert Blob.get(Blob.id == blob.id).state == "ready"


def test_what_is_no_picture_stays_as_it_is(site: Site) -> None:
    blob = keep(site, b"no picture", mime="video/mp4", state="ready")
    assert make_thumbnails(site, blob.id).state == "ready"
    assert thumbnails_of(site, blob) == {}


def test_a_picture_that_is_gone_is_not_found(site: Site) -> None:
    with pytest.raises(NotFound):
        make_thumbnails(site, "nobody")
    blob = keep(site, encoded(scene(), "PNG"))
    site.storage.delete(blob.key)
    with pytest.raises(MissingObject):
        make_thumbnails(site, blob.id)
    assert Blob.get(Blob.id == blob.id).state == "new"


def test_a_picture_deleted_during_its_decode_leaves_no_thumbnails(site: Site) -> None:
    blob = keep(site, laborious_png(150))

    def delete() -> None:
        with using(site.db):
            until(lambda: any(child.cpu_times().user > 0.3 for child in decoding_children()))
            Blob.delete().where(Blob.id == blob.id).execute()
        site.db.close()

    thread = threading.Thread(target=delete)
    thread.start()
    try:
        with pytest.raises(NotFound):
            make_thumbnails(site, blob.id, urgent=True)
    finally:
        thread.join()
    assert list(site.storage.keys("thumbnails/")) == []


def test_many_who_ask_at_once_share_one_decode(site: Site) -> None:
    blob = keep(site, encoded(scene(1200, 900), "PNG"))

    def ask(urgent: bool) -> str:
        try:
            with using(site.db):
                return make_thumbnails(site, blob.id, urgent=urgent).state
        finally:
            site.db.close()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, [True, False] * 4)) == {"ready"}
    assert len(thumbnails_of(site, blob)) == 4
    assert list(site.temporary.iterdir()) == []


def test_whoever_comes_early_has_it_decoded_at_once(site: Site) -> None:
    blob = keep(site, encoded(scene(), "PNG"))
    decoded = ensure_decoded(site, blob, wait_seconds=10)
    assert decoded.state == "ready"
    assert ensure_decoded(site, decoded, wait_seconds=0) is decoded


WORKER = """
import sys
from pathlib import Path
from bulletdrop.config import load_config
from bulletdrop.core.database import using
from bulletdrop.core.drops.pictures import make_thumbnails
from bulletdrop.core.site import open_site
site = open_site(load_config({"data": Path(sys.argv[1])}, environ={}))
with using(site.db):
    print("ready", flush=True)
    make_thumbnails(site, sys.argv[2])
"""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("after", [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4])
def test_a_worker_killed_at_any_moment_leaves_work_that_the_next_one_finishes(site: Site, after: float) -> None:
    blob = keep(site, encoded(scene(2560, 1440), "PNG"))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(site.config.data), blob.id], stdout=subprocess.PIPE, env=environment
    )
    with worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
        time.sleep(after)
        worker.send_signal(signal.SIGKILL)
    left = Blob.get(Blob.id == blob.id)
    assert left.state == "new" or thumbnails_of(site, blob) == WHOLE
    assert make_thumbnails(site, blob.id).state == "ready"
    assert thumbnails_of(site, blob) == WHOLE


FFMPEG = """#!{python}
import shutil, sys
source = sys.argv[sys.argv.index("-i") + 1].removeprefix("file:")
assert sys.argv[sys.argv.index("-f") + 1] == "mov", "the reader is named, never guessed"
if open(source, "rb").read() != b"a film":
    sys.exit(1)
shutil.copy("{poster}", sys.argv[-1].removeprefix("file:"))
"""


@pytest.fixture
def ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program called ffmpeg that knows one film."""
    folder = tmp_path / "bin"
    folder.mkdir()
    poster = tmp_path / "poster.png"
    poster.write_bytes(encoded(scene(1920, 1080), "PNG"))
    program = folder / "ffmpeg"
    program.write_text(FFMPEG.format(python=sys.executable, poster=poster))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.usefixtures("ffmpeg")
def test_a_video_gets_a_poster_where_ffmpeg_is(site: Site) -> None:
    blob = keep(site, b"a film", mime="video/mp4", state="ready")
    assert not has_thumbnails(blob)
    made = make_thumbnails(site, blob.id)
    assert has_thumbnails(made)
    assert thumbnails_of(site, blob) == {**WHOLE, "large": (1920, 1080)}
    assert list(site.temporary.iterdir()) == []


@pytest.mark.usefixtures("ffmpeg")
def test_a_video_that_ffmpeg_cannot_read_goes_without_a_poster(site: Site) -> None:
    blob = keep(site, b"another film", mime="video/mp4", state="ready")
    made = make_thumbnails(site, blob.id)
    assert made.state == "ready"
    assert not has_thumbnails(made)
