"""Pictures after their arrival: the one full decode, their thumbnails, and what becomes of broken ones."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from bulletdrop.core.models import Blob
from bulletdrop.core.reserve import with_reserve
from bulletdrop.core.site import Site
from bulletdrop.errors import BadPicture, DiskFull, MissingObject, NotFound, Unavailable
from bulletdrop.log import get_logger
from bulletdrop.media.decoding import posters
from bulletdrop.media.decoding.pool import SIZES, Decoded, is_full

__all__ = ["SIZES", "ensure_decoded", "has_thumbnails", "make_thumbnails", "scaled", "thumbnail_key"]

log = get_logger("pictures")

# Somebody who waits gives the background's own run of the same picture so long, in seconds: alone on the machine it is
# done by then; on a busy one it has the lowest priority, and doing the work twice is the faster way.
_WAIT_FOR_BACKGROUND = 0.5


def thumbnail_key(blob: Blob, size: str) -> str:
    """The storage key of a blob's thumbnail: beside the uploads, under the same date and slug.

    Args:
        size: a name in SIZES.
    """
    if size not in SIZES:
        raise ValueError(f"no thumbnail size: {size}")
    stem = blob.key.removeprefix("uploads/").rpartition(".")[0]
    return f"thumbnails/{stem}.{size}.webp"


def has_thumbnails(blob: Blob) -> bool:
    """Whether this file has thumbnails, or will have: every picture, and a video of which a poster could be made."""
    return blob.mime.startswith("image/") or (blob.mime.startswith("video/") and blob.placeholder is not None)


def scaled(blob: Blob, longest: int) -> tuple[int, int] | None:
    """Width and height of a thumbnail whose longest side is at most `longest` pixels; never larger than the picture.

    Returns: None for what has no dimensions.
    """
    if not blob.width or not blob.height:
        return None
    factor = min(1.0, longest / max(blob.width, blob.height))
    return max(1, round(blob.width * factor)), max(1, round(blob.height * factor))


def ensure_decoded(site: Site, blob: Blob, *, wait_seconds: float) -> Blob:
    """The blob after its one full decode, which is made now, with priority, when it has not been yet.

    Args:
        wait_seconds: the longest to wait for a free decoding child.

    Returns: the blob in state 'ready' or 'broken'.
    Raises: NotFound when it was deleted meanwhile; Unavailable, DiskFull.
    """
    if blob.state != "new":
        return blob
    return make_thumbnails(site, blob.id, urgent=True, wait_seconds=wait_seconds)


def make_thumbnails(site: Site, blob_id: str, *, urgent: bool = False, wait_seconds: float | None = None) -> Blob:
    """Decode a picture once and keep its four thumbnails; bytes first, row second.

    Safe to be killed at any point and to be run again, here or in another process: what is there is left as it is,
    what is missing is made. A picture that fails is withdrawn: state 'broken', with the reason in `problem`.

    On a full disk a new picture is 'ready' without thumbnails, so that its bytes are served; they are made when
    somebody asks for them and there is room.

    Args:
        urgent: somebody waits for it.
        wait_seconds: the longest to wait for a free decoding child; left out, as long as it takes.

    Returns: the blob as it is now; 'ready' or 'broken'.
    Raises: NotFound for a blob that is gone; MissingObject when its bytes are; BadPicture when a picture that once was
        decoded no longer can be; Unavailable, DiskFull.
    """
    with site.decoder.alone(f"blob {blob_id}", seconds=_WAIT_FOR_BACKGROUND if urgent else -1):
        blob = _get(blob_id)
        if not blob.mime.startswith(("image/", "video/")) or blob.state == "broken":
            return blob
        missing = [size for size in SIZES if not _exists(site, thumbnail_key(blob, size))]
        if blob.state == "ready" and not missing:
            return blob
        try:
            with on_disk(site, blob) as source, _picture_of(site, blob, source) as (picture, mime):
                decoded = site.decoder.thumbnails(
                    picture, mime=mime, folder=site.temporary, urgent=urgent, wait_seconds=wait_seconds
                )
        except _NoPoster:
            return blob
        except BadPicture as error:
            if blob.state == "ready":
                raise
            _withdraw(site, blob, error)
            return _get(blob_id)
        if not _keep(site, blob, decoded) and blob.state == "ready":
            raise DiskFull("The server's disk is full. There is no room for a preview.", retry_after=60)
        return _get(blob_id)


def _get(blob_id: str) -> Blob:
    blob: Blob | None = Blob.get_or_none(Blob.id == blob_id)
    if blob is None:
        raise NotFound("This picture was deleted.")
    return blob


def _exists(site: Site, key: str) -> bool:
    try:
        return site.storage.size(key) > 0
    except MissingObject:
        return False


@contextlib.contextmanager
def on_disk(site: Site, blob: Blob) -> Iterator[Path]:
    """A path to the blob's bytes: the storage's own, or a copy for the time being. Raises MissingObject."""
    path = site.storage.local_path(blob.key)
    if path is not None and site.decoder.may_read(path):
        site.storage.size(blob.key)
        yield path
        return
    copy = site.temporary / f"{secrets.token_hex(8)}.copy.part"
    try:
        try:
            with site.storage.open(blob.key) as reader, copy.open("xb") as writer:
                shutil.copyfileobj(reader, writer, 1024 * 1024)
        except OSError as error:
            if is_full(error.errno):
                raise DiskFull(retry_after=60) from error
            raise Unavailable(retry_after=30) from error
        yield copy
    finally:
        copy.unlink(missing_ok=True)


class _NoPoster(Exception):
    """This video goes without thumbnails."""


@contextlib.contextmanager
def _picture_of(site: Site, blob: Blob, source: Path) -> Iterator[tuple[Path, str]]:
    """The picture to make thumbnails of, and its type: the file itself, or a video's poster. Raises _NoPoster."""
    if not blob.mime.startswith("video/"):
        yield source, blob.mime
        return
    ffmpeg = posters.find_ffmpeg()
    if ffmpeg is None:
        raise _NoPoster
    poster = site.temporary / f"{secrets.token_hex(8)}.poster.part"
    seconds, memory_mb = site.config.decode_seconds, site.config.decode_memory_mb
    try:
        try:
            posters.draw_poster(ffmpeg, source, poster, mime=blob.mime, seconds=seconds, memory_mb=memory_mb)
        except BadPicture as error:
            log.info("no poster", extra={"blob": blob.id, "reason": error.message})
            raise _NoPoster from error
        yield poster, "image/png"
    finally:
        poster.unlink(missing_ok=True)


def _keep(site: Site, blob: Blob, decoded: Decoded) -> bool:
    """Put the thumbnails that are missing, then say in the row that the picture is whole.

    Returns: False when the disk had no room for the thumbnails.
    """
    kept = bool(decoded.files)
    try:
        for size, path in decoded.files.items():
            key = thumbnail_key(blob, size)
            if not _exists(site, key):
                # Another process that made the same thumbnail meanwhile made it as well.
                with contextlib.suppress(FileExistsError):
                    site.storage.put(key, path, size=path.stat().st_size)
    except DiskFull:
        kept = False
    finally:
        for path in decoded.files.values():
            path.unlink(missing_ok=True)
    if blob.mime.startswith("video/"):
        changes = Blob.update(placeholder=decoded.placeholder).where(Blob.id == blob.id)
    else:
        found: dict[str, object] = {"width": decoded.width, "height": decoded.height, "frames": decoded.frames}
        found |= {"placeholder": decoded.placeholder, "state": "ready", "problem": None}
        changes = Blob.update(**found).where((Blob.id == blob.id) & (Blob.state == "new"))
    with_reserve(site.config.data, changes.execute)
    if not Blob.select(Blob.id).where(Blob.id == blob.id).exists():
        # Deleted while we worked: the deletion saw no thumbnails, so they are ours to remove.
        for size in SIZES:
            site.storage.delete(thumbnail_key(blob, size))
    return kept


def _withdraw(site: Site, blob: Blob, error: BadPicture) -> None:
    problem = error.message.rstrip(".")
    changes = Blob.update(state="broken", problem=problem).where((Blob.id == blob.id) & (Blob.state == "new"))
    with_reserve(site.config.data, changes.execute)
    log.warning("a picture was withdrawn", extra={"blob": blob.id, "problem": problem})
