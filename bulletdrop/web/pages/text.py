"""The text of a drop as its page shows it: in lines with numbers, in colours where there are some."""

from __future__ import annotations

from dataclasses import dataclass, replace

from markupsafe import Markup
from sanic import Request

from bulletdrop.core.drops import texts
from bulletdrop.core.drops.languages import LANGUAGES
from bulletdrop.core.drops.texts import Text
from bulletdrop.core.models import Upload
from bulletdrop.core.site import Site
from bulletdrop.errors import BulletDropError, NotFound
from bulletdrop.log import get_logger
from bulletdrop.web.context import web_of
from bulletdrop.web.texts import Marked, escaped, fitting, joined, mark, mark_plain
from bulletdrop.web.threads import in_picture_thread, in_thread

log = get_logger("texts")


@dataclass(frozen=True)
class TextShown:
    """What `text-part.html` shows.

    markup: the text, each letter of it escaped.
    language: for people, such as "Python".
    line_count: 0 where the lines have no numbers.
    digits: of the largest number, 1 to 5: a class of the style sheet.
    is_cut: it is the beginning alone.
    """

    markup: Markup
    language: str
    line_count: int
    digits: int
    is_cut: bool


async def text_of(request: Request, upload: Upload) -> TextShown | None:
    """The text of a drop whose page somebody was let in to; None for what is no text, and for missing bytes."""
    if not texts.is_text(upload):
        return None
    try:
        text = await in_thread(request, _read, upload)
    except NotFound:
        return None
    marked = await _coloured(request, upload, text) if text.has_colours else None
    if marked is None:
        marked = await in_thread(request, _plain, text)
    count = len(marked.lines) if marked is not None else 0
    markup = await in_thread(request, _markup, text, marked)
    return TextShown(markup, LANGUAGES[text.language][0], count, len(str(count)), text.is_cut)


async def _coloured(request: Request, upload: Upload, text: Text) -> Marked | None:
    """The text in colours, from those that were asked for before or anew; None where there are none, or not now."""
    kept = web_of(request).texts
    key = (upload.blob.sha256, text.language)
    known, marked = kept.get(key)
    if known:
        return marked
    try:
        marked = await in_picture_thread(request, _find, upload, text)
    except BulletDropError as error:
        # Colours are no reason to keep a text from anybody.
        log.info("a text is shown without colours", extra={"reason": error.message})
        return None
    kept.put(key, marked)
    return marked


def _read(site: Site, upload: Upload) -> Text:
    text = texts.read_text(site, upload)
    content = fitting(text.content)
    return text if len(content) == len(text.content) else replace(text, content=content, is_cut=True)


def _find(site: Site, upload: Upload, text: Text) -> Marked | None:
    pieces = texts.pieces_of(site, upload, text)
    return None if pieces is None else mark(pieces)


def _plain(site: Site, text: Text) -> Marked | None:
    return mark_plain(text.content)


def _markup(site: Site, text: Text, marked: Marked | None) -> Markup:
    return Markup(escaped(text.content) if marked is None else joined(marked.lines))
