"""The % codes in a custom uploader's values, such as %y-%mo-%d: replaced before anything else is read in them."""

from __future__ import annotations

import getpass
import platform
import random
import re
import string
import uuid
from collections.abc import Callable
from datetime import datetime

from bulletdrop.errors import Invalid

# Letters and digits that are not mistaken for each other, as ShareX takes them for %rna.
_BASE56 = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz"
_LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_MOST_REPEATS = 200
# The longest first: %mon2 is not %mo and then "n2".
_CODE = re.compile(
    r"%(radjective|ranimal|remoji|rf|height|width|unix|guid|GUID|mon2|mon|iAa|iaA|rna|uln|"
    r"yy|mo|mi|ms|wy|w2|pm|ia|iA|ib|iB|ix|iX|rn|ra|rx|rX|un|cn|pn|y|d|h|s|w|i|t|n)(?:\{(\d{1,4})\})?"
)
# They count uploads, look into pictures, windows and files, or draw from lists of words: none of that is here.
_NOT_HERE = frozenset({"radjective", "ranimal", "remoji", "rf", "i", "ia", "iA", "iAa", "iaA", "ib", "iB", "ix", "iX"})
_EMPTY = frozenset({"t", "pn", "width", "height"})
_REPEATED: dict[str, str] = {
    "rn": string.digits,
    "ra": _LETTERS,
    "rna": _BASE56,
    "rx": string.digits + "abcdef",
    "rX": string.digits + "ABCDEF",
}
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DATES: dict[str, Callable[[datetime], str]] = {
    "y": lambda now: str(now.year),
    "yy": lambda now: f"{now:%y}",
    "mo": lambda now: f"{now.month:02}",
    "mon": lambda now: f"{now:%B}",
    "mon2": lambda now: _MONTHS[now.month - 1],
    "d": lambda now: f"{now.day:02}",
    "mi": lambda now: f"{now.minute:02}",
    "s": lambda now: f"{now.second:02}",
    "ms": lambda now: f"{now.microsecond // 1000:03}",
    "w": lambda now: f"{now:%A}",
    "w2": lambda now: _DAYS[now.weekday()],
    "wy": lambda now: str(now.isocalendar().week),
    "pm": lambda now: "PM" if now.hour >= 12 else "AM",
    "unix": lambda now: str(int(now.timestamp())),
}


def check(text: str, where: str) -> None:
    """Raise Invalid for a value with a code that there is none of here."""
    for found in _CODE.finditer(text):
        if found[1] in _NOT_HERE:
            raise Invalid(f"{where} uses %{found[1]}, which BulletDrop does not know.", field=where)
        if found[2] and int(found[2]) > _MOST_REPEATS:
            raise Invalid(f"{where} repeats %{found[1]} too often.", field=where)


def replaced(text: str, now: datetime) -> str:
    """The value with its codes filled in; what a backslash stands before stays as it is.

    Args:
        now: the local time.
    """
    # With %pm somewhere, hours go to twelve.
    twelve = "%pm" in text

    def fill(found: re.Match[str]) -> str:
        escaped, code, times = found[1], found[2], found[3]
        if escaped:
            return found[0]
        return _value(code, min(int(times or 1), _MOST_REPEATS), now, twelve=twelve) + _kept(code, times)

    return re.sub(r"(\\.)|" + _CODE.pattern, fill, text, flags=re.DOTALL)


def _kept(code: str, times: str | None) -> str:
    """Braces after a code that takes no number are none of its own."""
    return "" if times is None or code in _REPEATED else f"{{{times}}}"


def _value(code: str, times: int, now: datetime, *, twelve: bool) -> str:
    if code in _REPEATED:
        return "".join(random.choice(_REPEATED[code]) for _ in range(times))
    if code in _DATES:
        return _DATES[code](now)
    if code == "h":
        return f"{(now.hour % 12 or 12) if twelve else now.hour:02}"
    if code in ("guid", "GUID"):
        made = str(uuid.uuid4())
        return made.upper() if code == "GUID" else made
    if code in ("un", "uln", "cn"):
        return _system(code)
    return "\n" if code == "n" else "" if code in _EMPTY else f"%{code}"


def _system(code: str) -> str:
    if code != "un":
        return platform.node()
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
