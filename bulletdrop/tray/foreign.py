"""Uploads to somebody else's host, by its custom uploader (.sxcu): the same calls as `Client`, over the same wire.

No other host knows our idempotency keys, so a file whose answer was lost may be there twice after it was sent again:
nothing here is exactly once. Nor does one hand out links before their bytes, or know albums, expiry and privacy.
"""

from __future__ import annotations

import mimetypes
import os
import re
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode, urljoin, urlsplit

from bulletdrop.errors import BulletDropError, Invalid, Rejected
from bulletdrop.tray import answers, sxcu_codes
from bulletdrop.tray.answers import Answer, Unreachable
from bulletdrop.tray.client import Uploaded, safe_name
from bulletdrop.tray.sxcu import Recipe, read_recipe
from bulletdrop.tray.sxcu_syntax import Facts, Reply, read, work_out
from bulletdrop.tray.wire import Body, Progress, Target, Wire

_MOST_REDIRECTS = 5
_MOST_MESSAGE = 300
# After the first kind the answer is fetched from there, after the second the file is sent there (RFC 9110, 15.4).
_SEE_OTHER, _SAME_AGAIN = frozenset({301, 302, 303}), frozenset({307, 308})


class AnswerUnread(Rejected):
    """The host took the file, but its answer does not say where it is: sent again, it would only be there twice."""

    code = "answer_unread"
    title = "The host's answer cannot be read"


@dataclass(frozen=True, slots=True)
class _Place:
    """An address in the parts that a request needs."""

    origin: str
    path: str

    @classmethod
    def of(cls, address: str) -> _Place:
        try:
            parts = urlsplit(address)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            raise Invalid(f"“{address[:100]}” is no address.") from error
        whole = bool(host) and str(host).isprintable() and " " not in str(host)
        if parts.scheme not in ("http", "https") or not whole or parts.username is not None:
            raise Invalid(f"“{address[:100]}” is no address.")
        # Whatever a function has brought: no line may end early, and nothing but ASCII goes into a request.
        path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
        query = quote(parts.query, safe="/%:@!$&'()*+,;=~-._?")
        return cls(f"{parts.scheme}://{parts.netloc}", path + (f"?{query}" if query else ""))


class Uploader:
    """A host that takes files as its .sxcu says. Safe to share between threads. Made by `parse`.

    Args:
        recipe: what the file says.
        connect_seconds, answer_seconds, environ: as of `Client`.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        connect_seconds: float = 10.0,
        answer_seconds: float = 60.0,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.recipe = recipe
        self._seconds = (connect_seconds, answer_seconds)
        self._environ = environ
        self._lock = threading.Lock()
        self._wires: dict[str, Wire] = {}
        self._closed = False

    @property
    def name(self) -> str:
        """What it calls itself."""
        return self.recipe.name

    @property
    def host(self) -> str:
        """Where it sends to."""
        return self.recipe.host

    def upload(
        self, source: Path | BinaryIO, name: str, *, size: int | None = None, progress: Progress | None = None
    ) -> Uploaded:
        """Send one file, read from disk piece by piece.

        Returns: `link`, `deletion_url` and `fields["thumbnail_url"]` as the host's answer gives them; "" for none.
        Raises: Unreachable; a `Rejected` or `Busy` by the answer's status, with the host's own words where it has
            some; AnswerUnread; FileCut, OSError as `Client.upload`.
        """
        name = safe_name(name)
        address = self._address(name)
        headers = self._filled(self.recipe.headers, name)
        with Body.open(source, size, progress) as body:
            kind = self._wrap(body, name)
            sent = _with_defaults(headers, kind)
            reply, status = self._exchange(_Place.of(address), sent, body)
        if not 200 <= status < 300:
            raise self._refused(reply, status, name)
        return self._uploaded(reply, name)

    def reach(self) -> None:
        """Ask the host for a sign of life; whatever it answers is one. Leaves a warm connection. Raises Unreachable."""
        place = _Place.of(self._address("health"))
        self._wire(place.origin).exchange("HEAD", "/", _with_defaults({}, ""), None)

    def close(self) -> None:
        """Close all connections, for good; a request under way fails with Unreachable."""
        with self._lock:
            self._closed = True
            wires, self._wires = list(self._wires.values()), {}
        for wire in wires:
            wire.close()

    def _address(self, name: str) -> str:
        address = work_out(self.recipe.address, Facts(name, quoted=True))
        parameters = self._filled(self.recipe.parameters, name)
        if not parameters:
            return address
        return f"{address}{'&' if '?' in address else '?'}{urlencode(parameters, quote_via=quote)}"

    def _filled(self, values: Mapping[str, str], name: str) -> dict[str, str]:
        # The local time, as the program that made the file would take it.
        now = datetime.now().astimezone()
        return {key: work_out(read(sxcu_codes.replaced(value, now), key), Facts(name)) for key, value in values.items()}

    def _wrap(self, body: Body, name: str) -> str:
        """Bring the body into the form that is asked for. Returns its content type."""
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        if self.recipe.body == "Binary":
            return kind
        boundary = secrets.token_hex(16)
        start = f"--{boundary}\r\nContent-Disposition: form-data; name="
        parts = [
            f'{start}"{_quoted(key)}"\r\n\r\n{value}\r\n'
            for key, value in self._filled(self.recipe.arguments, name).items()
        ]
        parts.append(f'{start}"{_quoted(self.recipe.file_field)}"; filename="{_quoted(name)}"\r\n')
        parts.append(f"Content-Type: {kind}\r\n\r\n")
        body.before = "".join(parts).encode()
        body.after = f"\r\n--{boundary}--\r\n".encode()
        return f"multipart/form-data; boundary={boundary}"

    def _exchange(self, place: _Place, headers: dict[str, str], body: Body) -> tuple[Reply, int]:
        """Send it, and follow where the host leads. The key in the headers goes to no other host than the file's."""
        method: str = self.recipe.method
        sent: Body | None = body
        first = place.origin
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self._wire(place.origin).exchange(method, place.path, headers, sent)
            where = answer.headers.get("location")
            if answer.status not in _SEE_OTHER | _SAME_AGAIN or not where:
                return _reply(answer, place), answer.status
            place = _led(place, where)
            if answer.status in _SEE_OTHER:
                method, sent = "GET", None
                headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
            if place.origin != first:
                headers = {name: value for name, value in headers.items() if name in _HARMLESS}
        raise Unreachable(f"{self.host} leads from one address to the next without an end.")

    def _wire(self, origin: str) -> Wire:
        with self._lock:
            if self._closed:
                raise Unreachable("This client was closed.")
            if origin not in self._wires:
                connect, answer = self._seconds
                target = Target.parse(origin, self._environ)
                self._wires[origin] = Wire(target, connect_seconds=connect, answer_seconds=answer)
            return self._wires[origin]

    def _uploaded(self, reply: Reply, name: str) -> Uploaded:
        facts = Facts(name, reply, quoted=True)
        try:
            link = work_out(self.recipe.link, facts).strip()
        except Invalid as error:
            raise AnswerUnread(f"{self.host} took the file, but no link came back: {error.message}") from error
        if not answers.is_link(link):
            raise AnswerUnread(f"{self.host} took the file, but what came back is no link: “{_line(link)[:100]}”.")
        thumbnail, deletion = (_link_or_none(text, facts) for text in (self.recipe.thumbnail, self.recipe.deletion))
        fields = {"url": link, "thumbnail_url": thumbnail, "deletion_url": deletion, "host": self.host}
        return Uploaded(id="", link=link, direct_url=link, deletion_url=deletion, fields=fields)

    def _refused(self, reply: Reply, status: int, name: str) -> BulletDropError:
        try:
            said = _line(work_out(self.recipe.error, Facts(name, reply, quoted=True)))
        except Invalid:
            said = ""
        busy = status >= 500 or status in answers.WAIT_STATUSES
        kind = answers.BY_STATUS.get(status) or (answers.ServerFault if busy else Rejected)
        message = said or f"{kind.title} ({self.host} answered {status})."
        answer = Answer(status, reply.headers, b"")
        return kind(message, retry_after=answers.retry_after(answer, datetime.now().astimezone()))


def _led(place: _Place, where: str) -> _Place:
    """Where a redirect leads. Raises AnswerUnread for nowhere: the host may have taken the file all the same."""
    try:
        return _Place.of(urljoin(f"{place.origin}{place.path}", where))
    except (Invalid, ValueError) as error:
        raise AnswerUnread(
            f"{urlsplit(place.origin).netloc} leads to “{_line(where)[:100]}”, which is no address."
        ) from error


_HARMLESS = frozenset({"User-Agent", "Accept", "Content-Type"})


def parse(text: str, **options: Any) -> Uploader:
    """The uploader that the text of a .sxcu file describes. `options` go to `Uploader`.

    Raises: Invalid with a sentence for the person; nothing else, whatever the text.
    """
    return Uploader(read_recipe(text), **options)


class ForeignClient:
    """Somebody else's host in the place of `Client`, as the engine uses one. There are no reservations.

    Args:
        text: the text of a .sxcu file, as `Preferences.foreign` keeps it.

    Raises: Invalid as `parse`.
    """

    # What can be relied on: the same bytes sent twice may be there twice, and no link comes before its bytes.
    exactly_once = False
    reserves = False

    def __init__(self, text: str, **options: Any) -> None:
        self.uploader = parse(text, **options)
        self.server_url = f"{_scheme(self.uploader)}://{self.uploader.host}"

    def upload(
        self,
        source: Path | BinaryIO,
        name: str,
        *,
        size: int | None = None,
        sha256: str | None = None,
        idempotency_key: str | None = None,
        origin: str = "tray",
        wishes: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> Uploaded:
        """As `Client.upload`. Wishes are not for this host: those that it would break in silence are refused.

        Raises: as `Uploader.upload`; Rejected for what shall stay private, or end by itself.
        """
        asked, host = {**(wishes or {}), **(query or {})}, self.uploader.host
        if asked.get("is_public", "true").lower() in ("false", "0", "no", "off"):
            raise Rejected(f"{host} cannot keep this private. Change the folder's rule, or send it to your own server.")
        if asked.get("expires_at"):
            raise Rejected(f"{host} does not end links. Change the folder's rule, or send it to your own server.")
        return replace(self.uploader.upload(source, name, size=size, progress=progress), server=self.server_url)

    def health(self) -> Mapping[str, Any]:
        """Whether anything answers there. Raises Unreachable. Leaves a warm connection behind."""
        began = time.monotonic()
        self.uploader.reach()
        return {"status": "ok", "host": self.uploader.host, "seconds": round(time.monotonic() - began, 3)}

    def warm(self) -> None:
        """Open this thread's connection now. Never raises."""
        try:
            self.health()
        except BulletDropError:
            return

    def close(self) -> None:
        """Close the connections of all threads, for good."""
        self.uploader.close()


def _scheme(uploader: Uploader) -> str:
    first = uploader.recipe.address[0]
    return urlsplit(first if isinstance(first, str) else "").scheme


def _with_defaults(headers: Mapping[str, str], kind: str) -> dict[str, str]:
    """The headers of a request. Of a form the type is ours: it holds the boundary."""
    given = {name.lower(): name for name in headers}
    made = {"Accept": "*/*", "User-Agent": "BulletDrop"}
    made = {name: value for name, value in made.items() if name.lower() not in given}
    for name, value in headers.items():
        if name.lower() == "content-type" and kind.startswith("multipart/"):
            continue
        if re.search(r"[\r\n\0]", value):
            raise Invalid(f"The header {name} would hold a line break.", field="Headers")
        # http.client takes Latin-1 alone.
        made[name] = value.encode("utf-8").decode("latin-1")
    if kind and not any(name.lower() == "content-type" for name in made):
        made["Content-Type"] = kind
    return made


def _reply(answer: Answer, place: _Place) -> Reply:
    return Reply(answer.body.decode("utf-8", "replace"), f"{place.origin}{place.path}", answer.headers)


def _quoted(name: str) -> str:
    """A name within the quotes of a form's part (HTML, 4.10.22.8)."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _link_or_none(text: Any, facts: Facts) -> str:
    """The drop is there, whatever else cannot be found in the answer."""
    try:
        found = work_out(text, facts).strip()
    except Invalid:
        return ""
    return found if answers.is_link(found) else ""


def _line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text[:_MOST_MESSAGE]).strip()
