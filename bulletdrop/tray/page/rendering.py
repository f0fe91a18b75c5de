"""Templates become replies; what was built from the page's sources is handed out."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bulletdrop.errors import NotFound
from bulletdrop.tray.control_http import Reply, Request
from bulletdrop.tray.face import spoken_need
from bulletdrop.tray.page.looking import Look
from bulletdrop.tray.page.saying import Times, size, state_words
from bulletdrop.tray.words import spoken, t
from bulletdrop.tray.words_said import check_name, said

_HERE = Path(__file__).parent
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_NAME = re.compile(r"/static/([a-z0-9-]{1,40}\.(?:css|js|svg))")


def render(template: str, look: Look | None, **context: Any) -> Reply:
    """A page as a reply. With a look, it has the bar and knows who looks; a live request gets it only if it changed."""
    shared: dict[str, Any] = {"look": look, "language": spoken()}
    if look is not None:
        report, need = look.steering.report(), look.steering.need()
        shared |= {
            "csrf": look.visit.csrf,
            "said": [] if look.is_live else look.visit.take_said(),
            "report": report,
            "need": need,
            "need_words": spoken_need(need.words) if need is not None else "",
            "state_words": state_words(report, look.clock.now()),
            "time": Times(look.clock.now()),
        }
    text = _environment().get_template(template).render({**shared, **context}).encode("utf-8", "replace")
    if look is None or not look.is_live:
        return Reply(200, text)
    tag = f'"{hashlib.sha256(text).hexdigest()[:24]}"'
    if look.request.headers.get("if-none-match") == tag:
        return Reply(304, headers={"ETag": tag})
    return Reply(200, text, headers={"ETag": tag})


def static(request: Request) -> Reply:
    """A built file. Asked for anew each time, and sent again only when it is another. Raises NotFound."""
    found = _NAME.fullmatch(request.path)
    path = _HERE / "static" / found[1] if found else None
    try:
        data = path.read_bytes() if path is not None else None
    except OSError:
        data = None
    if path is None or data is None:
        raise NotFound(t("There is nothing at this address."))
    headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()[:24]}"', "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Reply(304, headers=headers)
    return Reply(200, data, _KINDS[path.suffix], headers)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["t"] = t
    made.filters |= {"size": size, "said": said, "check_name": check_name}
    made.filters["safe_link"] = safe_link
    made.filters["moment"] = _moment
    return made


def safe_link(link: str | None) -> str:
    """An address that a page may lead to; "" for any other: what a server says is not believed to be harmless."""
    return link if link is not None and re.match(r"https?://", link) else ""


def _moment(value: datetime) -> str:
    return value.isoformat(timespec="seconds")
