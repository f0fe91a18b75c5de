"""The tray's and the command line's side of HTTP: one thin client over `http.client`, safe to share between threads.

Each thread keeps one connection open and reuses it (measured 1.5 ms faster per 500 KB screenshot than httpx). Foreign
exceptions become ours here and nowhere else: what the server said by its error `code`, everything else by status;
what never reached a BulletDrop is `Unreachable`.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode

from bulletdrop.clock import parse_moment
from bulletdrop.errors import BulletDropError, Gone, Invalid, NotFound
from bulletdrop.tray import answers
from bulletdrop.tray.answers import Answer, Unreachable
from bulletdrop.tray.holding import Holder, Reserved
from bulletdrop.tray.wire import Body, FileCut, Progress, Target, Wire

__all__ = ["Asked", "Client", "FileCut", "Paired", "Unreachable", "Uploaded", "safe_name", "sha256_of"]

MAX_NAME_BYTES = 200


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What the server keeps now. `fields` is the whole answer as the API documents it, `server` whose it is."""

    id: str
    link: str
    direct_url: str
    deletion_url: str
    fields: Mapping[str, Any]
    server: str = ""


@dataclass(frozen=True, slots=True)
class Paired:
    """The key that this device may use from now on (shown by the server once) and whose it is."""

    key: str
    username: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A pairing that waits: the device's own long code, the short one to show, where its owner says yes."""

    device_code: str
    user_code: str
    page: str
    page_with_code: str
    expires_in: float
    interval: float


class Client:
    """One BulletDrop server as one user sees it.

    Args:
        server_url: `http://host:port` or `https://…`, a path before the API is kept.
        token: an API key (`bd_…`) or access token; "" sends none.
        connect_seconds, answer_seconds: limits for reaching the server, and for each silence of it afterwards.
        environ: where the proxy settings come from; loopback never goes through a proxy.
        trust: which certificates count; None = the system's.
        fingerprint: the one certificate that counts instead, see `trust.fingerprint`. Another one raises
            CertificateChanged from every method, before anything was sent.
    """

    def __init__(
        self,
        server_url: str,
        token: str = "",
        *,
        connect_seconds: float = 10.0,
        answer_seconds: float = 60.0,
        environ: Mapping[str, str] = os.environ,
        trust: ssl.SSLContext | None = None,
        fingerprint: str = "",
    ) -> None:
        self.server_url = server_url.rstrip("/")
        self._target = Target.parse(server_url, environ, trust, fingerprint)
        self._wire = Wire(self._target, connect_seconds=connect_seconds, answer_seconds=answer_seconds)
        self._token = token

    def health(self) -> Mapping[str, Any]:
        """What `/health` says: status, instance, version. Raises Unreachable. Leaves a warm connection behind."""
        answer = self._wire.exchange("GET", "/health", self._headers(signed=False), None)
        return self._fields(answer)

    def warm(self) -> None:
        """Open this thread's connection now, so that the next upload does not wait for it. Never raises."""
        try:
            self.health()
        except BulletDropError:
            return

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
        """Send one file, read from disk piece by piece.

        Args:
            source: a path, or an open file (sent from its present position).
            name: the file's name as the server shall see it.
            size: bytes to send; None = the path's size, or chunked encoding for an open file.
            sha256: hex digest of those bytes; the server refuses anything else.
            idempotency_key: the same key makes the server answer with the upload it already has.
            origin: tray, cli, web or api.
            wishes: form fields `custom_name`, `expires_at`, `is_public`, `tags`, `team`.
            query: wishes that may stand in an address (`slug`, `expires_at`, `is_public`): the body stays the file.
            progress: called with (bytes sent, total or None); a FileCut that it raises ends the upload.

        Raises: Unreachable; any `Rejected` or `Busy` that the server answers; FileCut when the file shrinks or
        cannot be read while it is sent; OSError when it cannot be opened.
        """
        headers = self._headers(signed=True) | {"X-BulletDrop-Source": origin}
        if sha256:
            headers["X-SHA256"] = sha256
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        with Body.open(source, size, progress) as body:
            name = safe_name(name)
            if wishes:
                headers["Content-Type"] = body.wrap_as_form(name, wishes)
                method, path = "POST", "/api/v1/uploads"
            else:
                headers["Content-Type"] = "application/octet-stream"
                asked = f"?{urlencode(query)}" if query else ""
                method, path = "PUT", f"/api/v1/uploads/{quote(name, safe='')}{asked}"
            answer = self._wire.exchange(method, path, headers, body)
        return self._uploaded(answer)

    def _uploaded(self, answer: Answer) -> Uploaded:
        fields = self._fields(answer)
        if not isinstance(fields.get("id"), str):
            raise answers.not_ours(self.server_url, answer)
        return Uploaded(
            id=fields["id"],
            # As its owner likes them: the page, or the file itself. Older servers know the page alone.
            link=self._link(fields.get("link") or fields.get("url"), answer),
            direct_url=self._link(fields.get("direct_url") or fields.get("url"), answer),
            deletion_url=self._link(fields["deletion_url"], answer) if fields.get("deletion_url") else "",
            fields=fields,
            server=self.server_url,
        )

    def _link(self, value: object, answer: Answer) -> str:
        """A link of an answer, which goes on clipboards and is opened. Raises Unreachable for what is none."""
        if not isinstance(value, str) or not answers.is_link(value):
            raise answers.not_ours(self.server_url, answer)
        return value

    @property
    def holder(self) -> Holder:
        """To whom this server hands slugs out."""
        return Holder.of(self.server_url, self._token)

    def reserve(self, count: int, store: str = "") -> list[Reserved]:
        """Have links handed out for what is not there yet.

        Args:
            store: a mark of where they are kept.
        Raises: NotFound from a server that does not know this; Unreachable; any `Rejected` or `Busy` that it answers.
        """
        answer = self._send("POST", "/reservations", {"count": count, "store": store})
        try:
            return [
                Reserved(
                    str(one["slug"]),
                    self._link(one["url"], answer),
                    self._link(one["direct_base"], answer),
                    parse_moment(str(one["expires_at"])),
                    one.get("link_ending") is True,
                )
                for one in self._fields(answer)["items"][:count]
            ]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise answers.not_ours(self.server_url, answer) from error

    def reserved(self, store: str) -> list[str]:
        """The slugs that were handed out to this store and are not filled yet. Raises as `reserve`."""
        answer = self._send("GET", "/reservations")
        try:
            return [str(one["slug"]) for one in self._fields(answer)["items"] if one["store"] == store]
        except (KeyError, TypeError) as error:
            raise answers.not_ours(self.server_url, answer) from error

    def end_reservation(self, slug: str, code: str, message: str) -> None:
        """Say that nothing will come to a reserved slug, and why. Raises as `reserve`."""
        self._done(self._send("DELETE", f"/reservations/{quote(slug, safe='')}", {"code": code, "message": message}))

    def find(self, idempotency_key: str) -> Uploaded | None:
        """What an upload with this key became, if its bytes came. Raises as `reserve`.

        An upload of nothing: a key that is known is answered before the body counts, any other is refused as empty.
        """
        headers = self._headers(signed=True) | {"Idempotency-Key": idempotency_key}
        headers["Content-Type"] = "application/octet-stream"
        with Body.open(io.BytesIO(), 0, None) as body:
            answer = self._wire.exchange("PUT", "/api/v1/uploads/recall", headers, body)
        try:
            return self._uploaded(answer)
        except (Invalid, NotFound, Gone):
            return None

    def look_at(self, upload_id: str) -> Uploaded:
        """What the server has under this id, by its own account. Raises as `reserve`; NotFound if it is not there."""
        return self._uploaded(self._send("GET", f"/uploads/{quote(upload_id, safe='')}"))

    def greet(self) -> None:
        """Show the token, and change nothing. Raises as `reserve`; NotSignedIn where it is not taken (any longer)."""
        answer = self._send("GET", "/uploads?limit=1")
        if answer.status != 403:  # then it was taken, and may only upload
            self._fields(answer)

    def delete(self, upload_id: str) -> None:
        """Put a drop into the trash, where its links end at once. Raises as `reserve`; NotFound if it is not there."""
        self._done(self._send("DELETE", f"/uploads/{quote(upload_id, safe='')}"))

    def publish(self, upload_id: str) -> None:
        """Let everybody with the link see a drop. Raises as `reserve`; NotFound if it is not there."""
        self._done(self._send("PATCH", f"/uploads/{quote(upload_id, safe='')}", {"is_public": True}))

    def add_to_album(self, album_id: str, upload_id: str) -> None:
        """Put a drop into an album; once is enough. Raises as `reserve`; NotFound if one of them is not there."""
        self._done(self._send("POST", f"/albums/{quote(album_id, safe='')}/items", {"ids": [upload_id]}))

    def _send(self, method: str, path: str, value: Mapping[str, Any] | None = None) -> Answer:
        headers = self._headers(signed=True)
        data = b"" if value is None else json.dumps(value).encode()
        if value is not None:
            headers["Content-Type"] = "application/json"
        with Body.open(io.BytesIO(data), len(data), None) as body:
            return self._wire.exchange(method, f"/api/v1{path}", headers, body if data else None)

    def _done(self, answer: Answer) -> None:
        if answer.status != 204:
            self._fields(answer)

    def make_secret(self, wishes: Mapping[str, str], file: Path | None = None) -> Mapping[str, Any]:
        """Make a secret of a text, or of a file on disk. Returns the server's whole answer; its `url` is the link.

        Args:
            wishes: fields `content`, `note`, `passphrase`, `max_views`, `expires_at`, `team`.
            file: sent piece by piece, and encrypted by the server as it comes.
        Raises: Unreachable; any `Rejected` or `Busy` that the server answers; FileCut; OSError.
        """
        with Body.open(file or io.BytesIO(), None if file else 0, None) as body:
            headers = self._headers(signed=True)
            headers["Content-Type"] = body.wrap_as_form(safe_name(file.name) if file else "", wishes)
            answer = self._wire.exchange("POST", "/api/v1/secrets", headers, body)
        fields = self._fields(answer)
        if not isinstance(fields.get("url"), str):
            raise answers.not_ours(self.server_url, answer)
        return fields

    def make(
        self, path: str, wishes: Mapping[str, Any], *, idempotency_key: str, link: str = "url"
    ) -> Mapping[str, Any]:
        """Make something of what a JSON object says, such as a paste. Returns the server's whole answer.

        Args:
            path: after `/api/v1`.
            link: the field of the answer that is the link; an answer without it is no BulletDrop's.
        Raises: Unreachable; any `Rejected` or `Busy` that the server answers.
        """
        headers = self._headers(signed=True) | {"X-BulletDrop-Source": "cli", "Idempotency-Key": idempotency_key}
        headers["Content-Type"] = "application/json"
        data = json.dumps(wishes, ensure_ascii=False).encode()
        with Body.open(io.BytesIO(data), len(data), None) as body:
            answer = self._wire.exchange("POST", f"/api/v1{path}", headers, body)
        fields = self._fields(answer)
        if not isinstance(fields.get(link), str):
            raise answers.not_ours(self.server_url, answer)
        return fields

    def pair_begin(self, device_name: str) -> Asked:
        """Ask a server elsewhere to be paired. Raises Unreachable, TooMany, and what the server answers."""
        answer = self._wire.exchange_json("POST", "/api/v1/devices/code", {"device_name": device_name})
        fields = self._fields(answer)
        try:
            # A stranger's server says this, perhaps: it is shown, opened and slept by.
            expires_in, interval = (min(3600.0, max(1.0, float(fields[name]))) for name in ("expires_in", "interval"))
            if not str(fields["user_code"]).isprintable():
                raise ValueError
            return Asked(
                device_code=str(fields["device_code"]),
                user_code=str(fields["user_code"])[:40],
                page=self._link(fields["verification_uri"], answer),
                page_with_code=self._link(fields["verification_uri_complete"], answer),
                expires_in=expires_in,
                interval=interval,
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise answers.not_ours(self.server_url, answer) from error

    def pair_poll(self, device_code: str) -> Paired:
        """Ask whether the owner said yes. Raises Pending, SlowDown, Denied, ExpiredCode, Unreachable."""
        answer = self._wire.exchange_json("POST", "/api/v1/devices/token", {"device_code": device_code})
        return self._paired(answer)

    def pair_local(self, secret: str, device_name: str) -> Paired:
        """Get a key from a server on this machine by the secret in its data folder.

        Raises: NotSetUp before the first admin exists, Forbidden for a stale secret, Unreachable.
        """
        asked = {"secret": secret, "device_name": device_name}
        return self._paired(self._wire.exchange_json("POST", "/api/v1/devices/local", asked))

    def pair_with_code(self, code: str, device_name: str) -> Paired:
        """Use a code that the owner made on the server's page.

        Raises: ExpiredCode for one that is wrong, used up or too old; TooMany; Unreachable.
        """
        asked = {"code": code, "device_name": device_name}
        return self._paired(self._wire.exchange_json("POST", "/api/v1/devices/redeem", asked))

    def _paired(self, answer: Answer) -> Paired:
        fields = self._fields(answer)
        key, user = fields.get("key"), fields.get("user")
        if not isinstance(key, str) or not isinstance(user, Mapping):
            raise answers.not_ours(self.server_url, answer)
        return Paired(key=key, username=str(user.get("username", "")))

    def close(self) -> None:
        """Close the connections of all threads, for good; a request under way fails with Unreachable."""
        self._wire.close()

    def _headers(self, *, signed: bool) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": "BulletDrop"}
        if signed and self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        return headers

    def _fields(self, answer: Answer) -> Mapping[str, Any]:
        """The JSON object of a 2xx answer; anything else raised as the error it means."""
        if not 200 <= answer.status < 300:
            raise answers.error_of(self.server_url, answer)
        fields = answer.json()
        if fields is None:
            raise answers.not_ours(self.server_url, answer)
        return fields


def safe_name(name: str) -> str:
    """The file name without what a server must refuse: control and direction characters, slashes, too many bytes."""
    hidden = {*range(0x20), *range(0x7F, 0xA0), *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
    name = "".join("_" if ord(char) in hidden or char in "/\\" else char for char in name)
    name = name.encode("utf-8", "replace").decode("utf-8").strip().lstrip(".") or "screenshot"
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix) > 10:
        stem, dot, suffix = name, "", ""
    room = MAX_NAME_BYTES - len((dot + suffix).encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + dot + suffix


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
