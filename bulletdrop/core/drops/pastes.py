"""Pastes: a text that was typed or pasted becomes a drop. It is kept as the text that it is, whatever it looks like."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace

from bulletdrop.core.drops.intake import Kept, keep
from bulletdrop.core.drops.languages import check_language, guess, is_filename
from bulletdrop.core.drops.preparing import Prepared, Stored
from bulletdrop.core.drops.texts import MIME
from bulletdrop.core.drops.wishes import Wishes, check_wishes
from bulletdrop.core.names.slugs import check_filename
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.quotas import check_upload
from bulletdrop.core.site import Site
from bulletdrop.core.text import size_in_words
from bulletdrop.errors import DiskFull, Forbidden, Invalid, TooBig
from bulletdrop.media.formats.kinds import has_binary

_NAME = "paste.txt"


def create_paste(
    site: Site, caller: Caller, content: str, *, wishes: Wishes, language: str = "", filename: str = ""
) -> Kept:
    """Keep a text as a drop, whatever types of file the server takes; the setting `pastes` decides.

    Args:
        content: the text. Kept to the letter, but for a byte order mark before it.
        language: whose colours it is shown in; "" for one to be guessed.
        filename: where the text is a file's: its name, which also tells the language. Without one a title does that
            looks like a file's name.
    Returns: the drop; for an idempotency key that was used before, the first one.
    Raises: Forbidden where pastes are off; Invalid with the field for no text, for bytes that no text has, or an
        unknown language; TooBig beyond `paste_max_bytes`; what `intake.keep` raises.
    """
    if site.config.pastes == "off":
        raise Forbidden("This server takes no texts. The admin can change that.")
    data = _encoded(content)
    if len(data) > site.config.paste_max_bytes:
        most, has = size_in_words(site.config.paste_max_bytes), size_in_words(len(data))
        raise TooBig(f"Too long. A text has at most {most}; this one has {has}.", field="content")
    name = check_filename(filename or _NAME)
    # What somebody calls a text tells as much as a file's name, where it looks like one.
    called = name if filename or not is_filename(wishes.title or "") else wishes.title or ""
    wishes = check_wishes(site, replace(wishes, language=check_language(language) or guess(content, called)))
    check_upload(site, caller.user_id, team_id=wishes.team_id, size=len(data))
    path = site.temporary / f"{secrets.token_hex(11)}.part"
    try:
        path.write_bytes(data)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise DiskFull("The server's disk is full. Nothing was kept; try again later.", retry_after=60) from error
    stored = Stored(path, len(data), hashlib.sha256(data).hexdigest(), MIME, "txt", None, None, 1)
    return keep(site, caller, Prepared(stored, name), wishes)


def _encoded(content: str) -> bytes:
    try:
        data = content.removeprefix("\ufeff").encode()
    except UnicodeEncodeError as error:
        raise Invalid("The text is no UTF-8.", field="content") from error
    if not data.strip():
        raise Invalid("There is no text in it.", field="content")
    if has_binary(data):
        raise Invalid("The text holds bytes that no text has, such as NUL.", field="content")
    return data
