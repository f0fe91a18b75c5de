"""A drop as text to paste elsewhere: link, Markdown, HTML, BBCode. No name can break out of what stands around it."""

from __future__ import annotations

import html
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, urlsplit, urlunsplit

from bulletdrop.web import words

# What CommonMark 0.31 (2.4) or a common extension reads as more than itself. A backslash takes that from any ASCII
# punctuation; dots, commas and dashes mean nothing in the middle of a line and stay, so that `a-b.png` reads as such.
_MARKDOWN = frozenset("\\`*_{}[]<>()#+!|~^$&:@\"'=")
# BBCode has no way to write its own brackets, so a name's become round ones.
_BBCODE = str.maketrans("[]", "()")
# Beside the percent sign itself: what may stand in a path or query of ours and ends no destination, attribute or tag.
_SAFE = "/%?#&=+;,:@!$*~-._"


@dataclass(frozen=True)
class Form:
    """One way to paste a drop: the word for it, and the text."""

    label: str
    text: str


def forms(
    name: str, page_url: str, direct_url: str = "", *, picture: bool = False, thumb_url: str = "", embed_url: str = ""
) -> list[Form]:
    """All ways to paste a drop, the plain link first.

    Args:
        name: what it is called; a stranger may have chosen it.
        page_url: its page.
        direct_url: its bytes; empty where there are none to give away.
        picture: whether the bytes are a picture, so that Markdown, HTML and BBCode show it.
        thumb_url: a smaller picture that is shown in its place and leads to the page.
        embed_url: the page made for frames, which gets a form of its own.
    """
    name = words.name(name)
    page_url, direct_url, thumb_url = (url and _url(url) for url in (page_url, direct_url, thumb_url))
    shown = (thumb_url or direct_url) if picture else ""
    found = [Form("Link", page_url)]
    if direct_url:
        found.append(Form("Direct link", direct_url))
    found.append(Form("Markdown", _markdown(name, page_url, shown, leads_on=bool(thumb_url))))
    found.append(Form("HTML", _html(name, page_url, shown, leads_on=bool(thumb_url))))
    found.append(Form("BBCode", _bbcode(name, page_url, shown, leads_on=bool(thumb_url))))
    if embed_url:
        found.append(Form("Frame", _frame(name, _url(embed_url))))
    return found


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is, within a line."""
    return "".join(f"\\{letter}" if letter in _MARKDOWN else letter for letter in words.name(text))


def bbcode_text(text: str) -> str:
    """Text that holds no tag of BBCode."""
    return words.name(text).translate(_BBCODE)


# Drawing one takes 3 ms, most of it for the choice of the mask that reads best: more than all else on a drop's page.
@lru_cache(maxsize=256)
def qr_svg(url: str) -> str:
    """A QR code as an inline drawing, dark on light with its quiet zone whatever the page's colours: readers need both.

    Error correction M (ISO/IEC 18004): a fingerprint on the screen does no harm, and a link stays small.
    """
    import segno

    drawn: str = segno.make(url, error="m", micro=False).svg_inline(
        omitsize=True, border=4, dark="#000", light="#fff", svgclass="qr", lineclass=None
    )
    return drawn


def _markdown(name: str, page_url: str, shown: str, *, leads_on: bool) -> str:
    text = markdown_text(name)
    if not shown:
        return f"[{text}]({page_url})"
    picture = f"![{text}]({shown})"
    return f"[{picture}]({page_url})" if leads_on else picture


def _html(name: str, page_url: str, shown: str, *, leads_on: bool) -> str:
    text, page = html.escape(name), html.escape(page_url)
    if not shown:
        return f'<a href="{page}">{text}</a>'
    picture = f'<img src="{html.escape(shown)}" alt="{text}">'
    return f'<a href="{page}">{picture}</a>' if leads_on else picture


def _bbcode(name: str, page_url: str, shown: str, *, leads_on: bool) -> str:
    if not shown:
        return f"[url={page_url}]{bbcode_text(name)}[/url]"
    picture = f"[img]{shown}[/img]"
    return f"[url={page_url}]{picture}[/url]" if leads_on else picture


def _frame(name: str, embed_url: str) -> str:
    return (
        f'<iframe src="{html.escape(embed_url)}" title="{html.escape(name)}" width="640" height="400" '
        'loading="lazy" allowfullscreen></iframe>'
    )


def _url(url: str) -> str:
    """A link without what would end it early. The host stays: IPv6 has brackets, and no stranger chose it."""
    parts = urlsplit(url)
    path, query = quote(parts.path, safe=_SAFE), quote(parts.query, safe=_SAFE)
    return urlunsplit((parts.scheme, parts.netloc, path, query, quote(parts.fragment, safe=_SAFE)))
