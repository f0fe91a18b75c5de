"""Reads a custom uploader (.sxcu), the file by which ShareX is told of a host, and refuses in words what it cannot do.

Facts from ShareX 19's `CustomUploaderItem`: a file of version 12.3.1 or less is none; one of 13.7.1 or less has the old
syntax, in which `$` opens and closes functions, and is brought over exactly as ShareX does it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from bulletdrop.errors import Invalid
from bulletdrop.tray import sxcu_codes
from bulletdrop.tray.sxcu_syntax import Text, read

MOST_BYTES = 64 * 1024
_TOO_OLD, _OLD_SYNTAX = (12, 3, 1), (13, 7, 1)
_METHODS = ("POST", "PUT", "PATCH")
_BODIES = ("MultipartFormData", "Binary")
_DESTINATIONS = {"none", "imageuploader", "textuploader", "fileuploader", "urlshortener", "urlsharingservice"}
_TAKES_FILES = {"imageuploader", "fileuploader"}
_TEXTS = ("Version", "Name", "DestinationType", "RequestMethod", "RequestURL", "Body", "FileFormName", "Data", "URL",
          "ThumbnailURL", "DeletionURL", "ErrorMessage")  # fmt: skip
_MAPS = ("Parameters", "Headers", "Arguments")
_MOST_ROWS = 100
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What belongs to the connection, or is worked out from the body, is not the file's to say.
OURS = frozenset({"host", "connection", "content-length", "transfer-encoding", "te", "upgrade", "expect", "trailer"})


@dataclass(frozen=True)
class Recipe:
    """A custom uploader, checked: whatever can be known without an answer is known to work.

    `headers`, `arguments` and `address` may hold its key; they are left out of what is printed.
    """

    name: str
    method: str
    body: str
    file_field: str
    address: Text = field(repr=False)
    parameters: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    arguments: Mapping[str, str] = field(repr=False)
    link: Text
    thumbnail: Text
    deletion: Text
    error: Text
    host: str


def read_recipe(text: str) -> Recipe:
    """Read the text of a .sxcu file.

    Raises: Invalid with a sentence that says what is wrong, and the field of the file; nothing else, whatever the text.
    """
    values = _object(text)
    version = _version(values["Version"])
    if version <= _TOO_OLD:
        raise Invalid("This uploader is too old: it needs a Version above 12.3.1.", field="Version")
    _move_query(values)
    if version <= _OLD_SYNTAX:
        _migrate(values)
    return _recipe(values)


def _object(text: str) -> dict[str, Any]:
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise Invalid("This file is too large to be a custom uploader.")
    try:
        found = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise Invalid("This file is no custom uploader: it is no JSON.") from error
    if not isinstance(found, dict):
        raise Invalid("This file is no custom uploader: it is no JSON object.")
    # Newtonsoft reads names without regard to case.
    given = {str(name).lower(): value for name, value in found.items()}
    values: dict[str, Any] = {}
    for name in _TEXTS:
        value = given.get(name.lower())
        if value is not None and not isinstance(value, str):
            raise Invalid(f"{name} is no text.", field=name)
        values[name] = _clean(value or "", name)
    for name in _MAPS:
        value = given.get(name.lower())
        if value is not None and not (isinstance(value, dict) and all(isinstance(one, str) for one in value.values())):
            raise Invalid(f"{name} is no table of texts.", field=name)
        if len(value or ()) > _MOST_ROWS:
            raise Invalid(f"{name} has too many rows.", field=name)
        values[name] = {_clean(key, name): _clean(one, name) for key, one in (value or {}).items()}
    return values


def _clean(text: str, where: str) -> str:
    if any("\ud800" <= letter <= "\udfff" for letter in text) or "\0" in text:
        raise Invalid(f"{where} holds characters that no text has.", field=where)
    return text


def _version(text: str) -> tuple[int, ...]:
    found = re.fullmatch(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?:\.\d{1,6})?", text.strip())
    if found is None:
        raise Invalid("This file is no custom uploader: it has no Version.", field="Version")
    return tuple(int(part or 0) for part in found.groups())


def _move_query(values: dict[str, Any]) -> None:
    """The query of the address becomes parameters; those that stand there already win."""
    address, mark, query = values["RequestURL"].partition("?")
    if not mark:
        return
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_ROWS)
    except ValueError as error:
        raise Invalid("RequestURL has too many parameters.", field="RequestURL") from error
    values["RequestURL"] = address
    values["Parameters"] = {**dict(pairs), **values["Parameters"]}


def _migrate(values: dict[str, Any]) -> None:
    for name in ("RequestURL", "URL", "ThumbnailURL", "DeletionURL", "ErrorMessage"):
        values[name] = migrated(values[name])
    for name in _MAPS:
        values[name] = {key: migrated(value) for key, value in values[name].items()}


def migrated(text: str) -> str:
    """A value of the old syntax in the new one: each `$` in turn becomes `{` and `}`, and braces become plain.

    A backslash and the character after it vanish; so ShareX does it.
    """
    made: list[str] = []
    opens, skips = True, False
    for letter in text:
        if skips:
            skips = False
        elif letter == "$":
            made.append("{" if opens else "}")
            opens = not opens
        elif letter == "\\":
            skips = True
        else:
            made.append(f"\\{letter}" if letter in "{}" else letter)
    return "".join(made)


def _recipe(values: dict[str, Any]) -> Recipe:
    kinds = {part.strip().lower() for part in values["DestinationType"].split(",") if part.strip()}
    if unknown := kinds - _DESTINATIONS:
        raise Invalid(f"DestinationType “{min(unknown)[:40]}” is not known.", field="DestinationType")
    if kinds - {"none"} and not kinds & _TAKES_FILES:
        raise Invalid("This uploader takes no files: it is for texts or links alone.", field="DestinationType")
    method = values["RequestMethod"].upper() or "POST"
    if method not in _METHODS:
        raise Invalid(
            f"Files are not sent by {method[:20]}. RequestMethod is POST, PUT or PATCH.", field="RequestMethod"
        )
    by_name = {name.lower(): name for name in _BODIES}
    body = by_name.get(values["Body"].lower() or "none")
    if body is None:
        raise Invalid("Body is MultipartFormData or Binary where files are sent.", field="Body")
    if body == "MultipartFormData" and not values["FileFormName"]:
        raise Invalid("FileFormName is missing: the form's field for the file.", field="FileFormName")
    address = _address(values["RequestURL"])
    for name in _MAPS:
        for key, value in values[name].items():
            sxcu_codes.check(value, name)
            # Read now, so that what is wrong with it is said now; again at each upload, once its codes are filled in.
            read(value, f"{name}.{key[:40]}")
    return Recipe(
        name=values["Name"].strip()[:100] or _host(address),
        method=method,
        body=body,
        file_field=values["FileFormName"],
        address=address,
        parameters=values["Parameters"],
        headers=_headers(values["Headers"]),
        arguments=values["Arguments"] if body == "MultipartFormData" else {},
        link=read(values["URL"] or "{response}", "URL"),
        thumbnail=read(values["ThumbnailURL"], "ThumbnailURL"),
        deletion=read(values["DeletionURL"], "DeletionURL"),
        error=read(values["ErrorMessage"], "ErrorMessage"),
        host=_host(address),
    )


def _address(text: str) -> Text:
    text = text.strip()
    if not text:
        raise Invalid("RequestURL is missing: the address to send to.", field="RequestURL")
    if "://" not in text.partition("{")[0]:
        text = f"https://{text}"
    address = read(text, "RequestURL")
    _host(address)
    return address


def _host(address: Text) -> str:
    """The host that an address begins with. Raises Invalid for none, or for one that a function would choose."""
    plain = address[0] if address and isinstance(address[0], str) else ""
    try:
        parts = urlsplit(plain)
        host, port, user = parts.hostname or "", parts.port, parts.username
    except ValueError:
        host, port, user = "", None, None
    # A host that ends where a function begins is not all of it.
    whole = len(address) == 1 or bool(parts.path) if host else False
    if parts.scheme not in ("http", "https") or not host or not whole or not re.fullmatch(r"[\w.:%-]+", host):
        raise Invalid("RequestURL is no address such as https://host.example/upload.", field="RequestURL")
    if user is not None:
        raise Invalid("RequestURL has a name before its host. It belongs into Headers.", field="RequestURL")
    return host if port is None else f"{host}:{port}"


def _headers(given: Mapping[str, str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for name, value in given.items():
        if not _TOKEN.fullmatch(name):
            raise Invalid(f"“{name[:40]}” is no name of a header.", field="Headers")
        if name.lower() not in OURS:
            kept[name] = value
    return kept
