"""Texts of drops: read for being shown, and cut into the pieces that have colours."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

from bulletdrop.core.drops.languages import LANGUAGES, PLAIN, guess
from bulletdrop.core.drops.pictures import on_disk
from bulletdrop.core.models import Upload
from bulletdrop.core.site import Site
from bulletdrop.errors import BadPicture, Unavailable

MIME = "text/plain"
# In bytes. Of a longer text the beginning is shown, and one beyond the second has no colours.
MOST_SHOWN = 1024 * 1024
MOST_COLOURED = 512 * 1024
# What finding the colours may take of the processor, and the longest wait for a child that does it, in seconds.
_CPU_SECONDS = 1
_WAIT_SECONDS = 1.0


@dataclass(frozen=True)
class Text:
    """A drop's text as it is shown.

    content: all of it, or its beginning where `is_cut`.
    language: one of LANGUAGES.
    """

    content: str
    language: str
    is_cut: bool

    @property
    def has_colours(self) -> bool:
        """True where a lexer has something to find, and the text is not too long for it."""
        return self.language != PLAIN and not self.is_cut and len(self.content.encode()) <= MOST_COLOURED


def is_text(upload: Upload) -> bool:
    """True for a drop that is shown as text."""
    return bool(upload.blob.mime == MIME)


def read_text(site: Site, upload: Upload) -> Text:
    """What is shown of a drop that is a text, and in which language. Raises NotFound for missing bytes."""
    with site.storage.open(upload.blob.key) as file:
        data: bytes = file.read(MOST_SHOWN + 1)
    is_cut = len(data) > MOST_SHOWN
    # Proved as UTF-8 when it came; only the cut can go through a character.
    content = data[:MOST_SHOWN].decode("utf-8", "ignore" if is_cut else "replace")
    language = upload.language if upload.language in LANGUAGES else guess(content, upload.original_filename)
    return Text(content, language, is_cut)


def pieces_of(site: Site, upload: Upload, text: Text) -> list[Any] | None:
    """A text in pieces: kind, text, kind, text…; see `media/decoding/colours`. None for one that takes too long.

    Raises: Unavailable when no child could do it now; MissingObject.
    """
    target = site.temporary / f"{secrets.token_hex(8)}.colours.part"
    try:
        with on_disk(site, upload.blob) as source:
            site.decoder.colour(
                source, target, language=text.language, seconds=_CPU_SECONDS, wait_seconds=_WAIT_SECONDS
            )
        pieces: list[Any] = json.loads(target.read_text(encoding="utf-8"))
    except BadPicture:
        return None
    except (OSError, ValueError) as error:
        raise Unavailable("The colours of this text cannot be found now.") from error
    finally:
        target.unlink(missing_ok=True)
    # A child is not to be trusted with what a page says.
    return pieces if "".join(pieces[1::2]) == text.content else None
