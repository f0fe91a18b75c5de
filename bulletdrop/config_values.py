"""A setting's value in its type: texts from the environment and the page, other types from the file and flags."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bulletdrop.errors import BadConfig

_ADDRESSES = ("public_url", "content_url", "server", "oidc_issuer", "github_url")


@dataclass(frozen=True)
class Setting:
    """One row as help, docs and validation see it."""

    name: str
    type: str
    default: object
    help: str
    secret: bool
    least: float | None
    most: float | None
    live: bool
    of: tuple[str, ...]

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"BULLETDROP_{self.name.upper()}"


def convert(setting: Setting, value: object) -> object:
    """A value in its setting's type. Texts come from the environment, other types from the file or a flag."""
    kind = setting.type
    if kind == "int":
        return _integer(setting, value)
    if kind.startswith("tuple"):
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list | tuple):
            raise BadConfig(f"{setting.name} needs a list of texts.", field=setting.name)
        return tuple(str(part).strip() for part in parts if str(part).strip())
    if kind.startswith("Path"):
        return Path(str(value)).expanduser().absolute() if value else None
    if not isinstance(value, str):
        raise BadConfig(f"{setting.name} needs a text, not {value!r}.", field=setting.name)
    if setting.of:
        if value.lower() not in setting.of:
            raise BadConfig(f"{setting.name} is one of {', '.join(setting.of)}, not “{value}”.", field=setting.name)
        return value.lower()
    return _address(setting, value) if setting.name in _ADDRESSES else value


def _address(setting: Setting, value: str) -> str:
    """An address that links can be built from. Raises BadConfig for another scheme, or none, or no host."""
    try:
        parts = urlsplit(value)
        fits = not value or (parts.scheme in ("http", "https") and bool(parts.hostname))
    except ValueError:
        fits = False
    if not fits or any(character.isspace() or character in "\"'<>\\" for character in value):
        message = f"{setting.name} is an address such as https://drop.example.org, not “{value}”."
        raise BadConfig(message, field=setting.name)
    # An issuer's name counts to its last character; of the others none has a path's end.
    return value if setting.name == "oidc_issuer" else value.rstrip("/")


def check_apart(public_url: str, content_url: str) -> None:
    """Raise BadConfig for files that come from the host where people are signed in: a port keeps no cookies apart."""
    if content_url and urlsplit(content_url).hostname == urlsplit(public_url).hostname:
        raise BadConfig("content_url needs a host of its own, not the one of public_url.", field="content_url")


def _integer(setting: Setting, value: object) -> int:
    try:
        number = int(value) if isinstance(value, int | str) and not isinstance(value, bool) else None
    except ValueError:
        number = None
    if number is None:
        raise BadConfig(f"{setting.name} needs a whole number, not “{value}”.", field=setting.name)
    if setting.least is not None and number < setting.least:
        raise BadConfig(f"{setting.name} is at least {setting.least:g}; {number} was given.", field=setting.name)
    if setting.most is not None and number > setting.most:
        raise BadConfig(f"{setting.name} is at most {setting.most:,.0f}; {number} was given.", field=setting.name)
    return number
