"""A strict interpreter of ShareX's custom uploaders (.sxcu), written from the description of the format alone.

It does what ShareX 19 does with a file when somebody uploads by it, and raises `Broken` where ShareX would misread the
file, ask a question, or show an error of its own. It shares nothing with the tray's reader of the same files.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode
from xml.etree import ElementTree

import httpx

FIELDS = {
    "Version": str, "Name": str, "DestinationType": str, "RequestMethod": str, "RequestURL": str, "Parameters": dict,
    "Headers": dict, "Body": str, "Arguments": dict, "FileFormName": str, "Data": str, "URL": str, "ThumbnailURL": str,
    "DeletionURL": str, "ErrorMessage": str,
}  # fmt: skip
DESTINATIONS = {"ImageUploader", "TextUploader", "FileUploader", "URLShortener", "URLSharingService"}
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
BODIES = {"None", "MultipartFormData", "FormURLEncoded", "JSON", "XML", "Binary"}
# Which bodies each destination can send.
FOR_FILES = {"MultipartFormData", "Binary"}
PERCENT = re.compile(
    r"%(yy|y|mon2|mon|mo|w2|wy|w|d|h|mi|ms|s|pm|unix|iAa|ia|ib|ix|i|rna|rn|ra|rx|guid|radjective|ranimal|remoji|rf|"
    r"width|height|uln|un|cn|pn|t|n)"
)


class Broken(Exception):
    """ShareX would not do with this file what its maker meant."""


@dataclass(frozen=True)
class Result:
    """What ShareX has afterwards: links for the clipboard and the history, or an error to show."""

    status: int
    url: str = ""
    thumbnail: str = ""
    deletion: str = ""
    error: str = ""


@dataclass(frozen=True)
class _Known:
    """What the functions speak of."""

    filename: str
    typed: str
    response: httpx.Response | None = None


class Sxcu:
    """A file that ShareX takes. Raises Broken for one that it would not."""

    def __init__(self, text: str) -> None:
        values = json.loads(text)
        unknown = set(values) - set(FIELDS)
        if unknown:
            raise Broken(f"no such fields: {unknown}")
        for name, value in values.items():
            if not isinstance(value, FIELDS[name]):
                raise Broken(f"{name} is no {FIELDS[name].__name__}")
        self.values: dict[str, Any] = values
        version = tuple(int(part) for part in self._text("Version").split("."))
        if version <= (13, 7, 1):
            raise Broken("ShareX would migrate this file, and break what is new in it")
        self.destinations = {part.strip() for part in self._text("DestinationType").split(",")}
        if not self.destinations <= DESTINATIONS:
            raise Broken(f"no such destinations: {self.destinations - DESTINATIONS}")
        if self._text("RequestMethod") not in METHODS or self._text("Body") not in BODIES:
            raise Broken("no such method or body")
        if not self._text("RequestURL").startswith(("http://", "https://")):
            raise Broken("ShareX would put a scheme of its own in front")
        for name in ("URL", "ThumbnailURL", "DeletionURL", "ErrorMessage", "RequestURL"):
            _check_whole(self._text(name), name)

    def _text(self, name: str) -> str:
        return str(self.values.get(name, ""))

    def upload(self, client: httpx.Client, data: bytes, filename: str, *, as_kind: str = "ImageUploader") -> Result:
        """Upload a picture or file; a text with `as_kind="TextUploader"`, which other bodies can carry too."""
        if as_kind not in self.destinations:
            raise Broken(f"this file is not for {as_kind}")
        if as_kind != "TextUploader" and self._text("Body") not in FOR_FILES:
            raise Broken("Unsupported request format")
        if self._text("Body") == "MultipartFormData" and not self._text("FileFormName"):
            raise Broken("File form name must be configured")
        return self._send(client, _Known(filename, data.decode() if as_kind == "TextUploader" else ""), data)

    def shorten(self, client: httpx.Client, url: str) -> Result:
        """Shorten an address."""
        if "URLShortener" not in self.destinations or self._text("Body") == "Binary":
            raise Broken("this file shortens nothing")
        return self._send(client, _Known("", url), b"")

    def _send(self, client: httpx.Client, known: _Known, data: bytes) -> Result:
        address, _, query = self._text("RequestURL").partition("?")
        parameters = {**dict(parse_qsl(query)), **self.values.get("Parameters", {})}
        address = _evaluate(address, known, encode=True)
        if parameters:
            pairs = {name: _evaluate(_percent(value), known) for name, value in parameters.items()}
            address += "?" + urlencode(pairs)
        headers = {name: _evaluate(_percent(value), known) for name, value in self.values.get("Headers", {}).items()}
        typed = {"JSON": "application/json", "XML": "application/xml", "Binary": "application/octet-stream"}
        if kind := typed.get(self._text("Body")):
            headers["Content-Type"] = kind
        answer = client.request(
            self._text("RequestMethod"), address, headers=headers, follow_redirects=True, **self._body(known, data)
        )
        seen = _Known(known.filename, "", answer)
        if not answer.is_success:
            return Result(answer.status_code, error=_evaluate(self._text("ErrorMessage"), seen, encode=True))
        if self._text("URL"):
            url = _evaluate(self._text("URL"), seen, encode=True)
        else:
            url = answer.text
        thumbnail, deletion = (
            _evaluate(self._text(name), seen, encode=True) for name in ("ThumbnailURL", "DeletionURL")
        )
        return Result(answer.status_code, url, thumbnail, deletion)

    def _body(self, known: _Known, data: bytes) -> dict[str, Any]:
        kind = self._text("Body")
        fields = {n: _evaluate(_percent(value), known) for n, value in self.values.get("Arguments", {}).items()}
        if kind == "MultipartFormData":
            return {"data": fields, "files": {self._text("FileFormName"): (known.filename, data)}}
        if kind == "FormURLEncoded":
            return {"data": fields}
        if kind == "Binary":
            return {"content": data}
        if kind in ("JSON", "XML"):
            return {"content": self._data(known, kind).encode()}
        return {}

    def _data(self, known: _Known, kind: str) -> str:
        def coded(text: str) -> str:
            return json.dumps(text, ensure_ascii=False)[1:-1] if kind == "JSON" else html.escape(text)

        text = _percent(self._text("Data"))
        values = {"{input}": coded(known.typed), "{filename}": coded(known.filename)}
        return re.sub(r"\{(input|filename)\}", lambda found: values[found[0].lower()], text, flags=re.IGNORECASE)


def _check_whole(text: str, name: str) -> None:
    """ShareX ends at a brace or bar that nothing has opened, and loses the rest without a word."""
    _, end = _parse(text, 0, _Known("", ""), inside=False, dry=True, encode=False)
    if end < len(text):
        raise Broken(f"in {name} all after place {end} is lost")
    if re.search(r"\$(json|xml|regex|response|header|filename)", text):
        raise Broken(f"{name} has the syntax of before 13.7.1")


def _percent(text: str) -> str:
    # Ours has none. One that came in by a name would be another value each time.
    if PERCENT.search(text):
        raise Broken(f"a code stands in {text!r}")
    return text


def _evaluate(text: str, known: _Known, *, encode: bool = False) -> str:
    value, _ = _parse(text, 0, known, inside=False, dry=False, encode=encode)
    return value


def _parse(text: str, at: int, known: _Known, *, inside: bool, dry: bool, encode: bool) -> tuple[str, int]:
    """`{` opens, `}` closes, the first `:` starts parameters, `|` parts them, a backslash escapes one character."""
    out: list[str] = []
    parameters: list[str] = []
    escaped = False
    while at < len(text):
        letter = text[at]
        if not escaped:
            if letter == "{":
                value, at = _parse(text, at + 1, known, inside=True, dry=dry, encode=encode)
                out.append(value)
                at += 1
                continue
            if letter == "}" or (letter == "|" and not inside):
                break
            if letter == "\\":
                escaped = True
                at += 1
                continue
            if inside and letter in ":|":
                value, at = _parse(text, at + 1, known, inside=False, dry=dry, encode=encode)
                parameters.append(value)
                continue
        escaped = False
        out.append(letter)
        at += 1
    if not inside:
        return "".join(out), at
    if at >= len(text):
        raise Broken(f"a function is not closed in {text!r}")
    return _function("".join(out).lower(), parameters, known, dry=dry, encode=encode), at


def _function(name: str, given: list[str], known: _Known, *, dry: bool, encode: bool) -> str:
    needed = {"json": 1, "xml": 1, "regex": 1, "header": 1, "random": 2, "base64": 1, "response": 0, "responseurl": 0,
              "input": 0, "filename": 0}  # fmt: skip
    if name in ("select", "inputbox", "prompt", "outputbox"):
        raise Broken(f"{{{name}}} asks a question")
    if name not in needed:
        raise Broken(f"Invalid function name: {name}")
    if len(given) < needed[name]:
        raise Broken(f"Minimum parameter count for function {name} is {needed[name]}")
    if dry:
        return ""
    if name in ("input", "filename"):
        value = known.typed if name == "input" else known.filename
        return quote(value, safe="") if encode else value
    if name == "base64":
        return base64.b64encode(given[0].encode()).decode()
    if name == "random":
        return given[0]
    return _of_response(name, given, known)


def _of_response(name: str, given: list[str], known: _Known) -> str:
    if known.response is None:
        raise Broken(f"{{{name}}} before there is an answer")
    text = known.response.text
    if name == "response":
        return text
    if name == "responseurl":
        return str(known.response.url)
    if name == "header":
        return str(known.response.headers.get(given[0], ""))
    if name == "json":
        return _json(*(given if len(given) > 1 else (text, given[0])))
    if name == "xml":
        source, path = given if len(given) > 1 else (text, given[0])
        found = ElementTree.fromstring(f"<top>{source}</top>").find("." + path)
        return "" if found is None else found.text or ""
    found_match = re.search(given[0], text) if len(given) < 3 else re.search(given[1], given[0])
    group = (given[1] if len(given) == 2 else given[2]) if len(given) > 1 else "0"
    return "" if found_match is None else str(found_match[int(group) if group.isdigit() else group])


def _json(source: str, path: str) -> str:
    """Newtonsoft: a text that is no JSON throws, a path that leads nowhere is empty, an object or list throws."""
    try:
        value: Any = json.loads(source)
    except ValueError as error:
        raise Broken(f"Invalid response content, expected response content is JSON: {source[:80]!r}") from error
    for name, place in re.findall(r"([^.\[\]$]+)|\[(\d+)\]", path):
        if name:
            value = value.get(name) if isinstance(value, Mapping) else None
        else:
            value = value[int(place)] if isinstance(value, list) and int(place) < len(value) else None
    if isinstance(value, dict | list):
        raise Broken(f"{path} is no single value")
    return "" if value is None else str(value)
