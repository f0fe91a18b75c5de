"""Letters: a purpose and its values become a subject, a text and its HTML, all saying the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from bulletdrop.core.mail.purposes import MAILS
from bulletdrop.core.origin import public_base
from bulletdrop.core.site import Site
from bulletdrop.core.text import cleaned

_LONGEST_VALUE = 200


@dataclass(frozen=True)
class Letter:
    """A mail's words."""

    subject: str
    text: str
    html: str


def write(site: Site, purpose: str, *, username: str, link: str, lives: timedelta, values: dict[str, str]) -> Letter:
    """Write a mail.

    Args:
        username: whom it greets; empty for somebody without an account.
        link: empty, or an address of this server.
        values: what the purpose's texts name.
    Raises: KeyError for an unknown purpose or a value that is missing, ValueError for a link that leads elsewhere.
    """
    words = MAILS[purpose]
    base = public_base(site.config)
    if link and not link.startswith(f"{base}/"):
        raise ValueError("a mail links to this server alone")
    known = {"site": site.config.site_name, "username": username, "lives": span(lives), **values}
    known = {name: _one_line(value) for name, value in known.items()}
    shown: dict[str, Any] = {
        "subject": cleaned(words.subject.format_map(known), most=_LONGEST_VALUE),
        "greeting": f"Hello {known['username']}," if username else "Hello,",
        "paragraphs": [text.format_map(known) for text in words.paragraphs],
        "button": words.button,
        "note": words.note.format_map(known),
        "link": link if words.button else "",
        "site": known["site"],
        "base": base,
    }
    return Letter(shown["subject"], *(_template(name).render(shown) for name in ("mail.txt", "mail.html")))


def span(lives: timedelta) -> str:
    """A length of time in words: "1 hour", "7 days"."""
    minutes = max(1, round(lives.total_seconds() / 60))
    units = ((1440, "day"), (60, "hour"), (1, "minute"))
    # 90 minutes stay minutes: "2 hours" would promise too much.
    length, unit = next(pair for pair in units if minutes % pair[0] == 0 or minutes >= 3 * pair[0])
    count = minutes // length
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _one_line(value: str) -> str:
    """A value as a mail may show it: one line, and no address that a mail program would turn into a link."""
    return cleaned(value.replace("://", " "), most=_LONGEST_VALUE)


@lru_cache(maxsize=2)
def _template(name: str) -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        keep_trailing_newline=True,
    )
    return made.get_template(name)
