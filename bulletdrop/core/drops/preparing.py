"""Preparing: a file that has arrived is proved whole and brought into the form to keep. The database is not asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bulletdrop.core.drops.wishes import Wishes, check_wishes
from bulletdrop.core.models import new_id
from bulletdrop.core.names.slugs import check_filename
from bulletdrop.core.site import Site
from bulletdrop.core.text import size_in_words
from bulletdrop.errors import DiskFull, TooBig, UnknownType
from bulletdrop.media import formats


@dataclass(frozen=True)
class Incoming:
    """A file that has arrived whole, in the site's temporary folder. `sha256` is of the bytes as they came."""

    path: Path
    size: int
    sha256: str
    filename: str


@dataclass(frozen=True)
class Stored:
    """The bytes as they will be kept."""

    path: Path
    size: int
    sha256: str
    mime: str
    ext: str
    width: int | None
    height: int | None
    frames: int


@dataclass(frozen=True)
class Prepared:
    """A file that was found whole and lies in the temporary folder as it will be kept."""

    stored: Stored
    filename: str

    def discard(self) -> None:
        """Remove the temporary file."""
        self.stored.path.unlink(missing_ok=True)


class NeedsChild(Exception):
    """This picture has to be converted or turned upright first, and whoever asks did not want to wait for that."""


def prepare(site: Site, incoming: Incoming, wishes: Wishes, *, patient: bool = True) -> Prepared:
    """Prove a file whole and bring it into the form to keep. Asks the database nothing; may wait for a decoding child.

    The caller's temporary file belongs to the result: `keep` it, or `discard` it. After an error it is gone.

    Args:
        patient: wait for a decoding child where one is needed.

    Raises: as `store`, but for a custom name that is taken, which `keep` finds; NeedsChild, and the file stays then.
    """
    temporary = [incoming.path]
    kept: Path | None = None
    try:
        filename = check_filename(incoming.filename)
        check_wishes(site, wishes)
        stored = _prepare(site, incoming, temporary, wishes, patient=patient)
        kept = stored.path
        return Prepared(stored, filename)
    except NeedsChild:
        kept = incoming.path
        raise
    finally:
        for path in temporary:
            if path != kept:
                path.unlink(missing_ok=True)


def _prepare(site: Site, incoming: Incoming, temporary: list[Path], wishes: Wishes, *, patient: bool) -> Stored:
    """Prove the file whole, turn it upright, strip it. Files made on the way are added to `temporary`."""
    limits = formats.Limits(site.config.max_pixels, site.config.max_total_pixels, site.config.max_frames)
    path = incoming.path
    inspection = _inspect(site, path, limits, is_paste=wishes.is_paste)
    if not patient and (inspection.needs_conversion or inspection.orientation != 1):
        raise NeedsChild
    if inspection.needs_conversion:
        target = _fresh(site, temporary)
        site.decoder.convert(path, target, mime=inspection.mime)
        path, inspection = target, _inspect(site, target, limits)
    if inspection.orientation != 1:
        target = _fresh(site, temporary)
        site.decoder.upright(path, target, mime=inspection.mime, orientation=inspection.orientation)
        path, inspection = target, _inspect(site, target, limits)
    if inspection.unchanged and path == incoming.path:
        size, sha256 = incoming.size, incoming.sha256
    else:
        target = _fresh(site, temporary)
        size, sha256 = _write_stripped(path, target, inspection)
        path = target
    return Stored(
        path, size, sha256, inspection.mime, inspection.ext, inspection.width, inspection.height, inspection.frames
    )


def _inspect(site: Site, path: Path, limits: formats.Limits, *, is_paste: bool = False) -> formats.Inspection:
    with path.open("rb") as file:
        inspection = formats.inspect(file, limits)
    if inspection.kind in site.config.accepted_types:
        return inspection
    if is_paste and inspection.kind == "text" and site.config.pastes == "on":
        if inspection.size <= site.config.paste_max_bytes:
            return inspection
        most, has = size_in_words(site.config.paste_max_bytes), size_in_words(inspection.size)
        raise TooBig(f"Too long. A text has at most {most}; this one has {has}.", field="file")
    kinds = ", ".join(site.config.accepted_types)
    raise UnknownType(f"This server does not take {inspection.kind} files. It takes: {kinds}.", field="file")


def _write_stripped(source: Path, target: Path, inspection: formats.Inspection) -> tuple[int, str]:
    try:
        with source.open("rb") as reader, target.open("xb") as writer:
            return formats.copy_pieces(reader, writer, inspection.pieces)
    except OSError as error:
        raise DiskFull("The server's disk is full. Nothing was kept; try again later.", retry_after=60) from error


def _fresh(site: Site, temporary: list[Path]) -> Path:
    path = site.temporary / f"{new_id()}.part"
    temporary.append(path)
    return path
