"""Sentences that were made elsewhere in English (the server's, the doctor's, a refusal's) in the person's language.

Whoever makes them knows no language: the server answers programs too, and the doctor speaks in a terminal. What is
shown is looked up here by its form, `{name}` standing for anything; where no form fits, an error's code says enough.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from bulletdrop.errors import BulletDropError
from bulletdrop.tray.words import TABLES, spoken
from bulletdrop.tray.words_de_codes import GERMAN_OF_CODES, GERMAN_OF_SENTENCES
from bulletdrop.tray.words_de_doctor import GERMAN_OF_CHECKS, GERMAN_OF_THE_DOCTOR
from bulletdrop.tray.words_de_hosts import GERMAN_OF_OTHER_HOSTS

SENTENCES: Mapping[str, Mapping[str, str]] = {
    "de": {**GERMAN_OF_SENTENCES, **GERMAN_OF_OTHER_HOSTS, **GERMAN_OF_THE_DOCTOR}
}
# By an error's code: a title, and a sentence.
CODES: Mapping[str, Mapping[str, tuple[str, str]]] = {"de": GERMAN_OF_CODES}
CHECKS: Mapping[str, Mapping[str, str]] = {"de": GERMAN_OF_CHECKS}

# What a stranger's server says may be of any length.
_LONGEST = 2000
# A sentence may stand in another one, and a third in that: "…: https://drop.example cannot be reached: nobody listens".
_DEEPEST = 3
_PLACE = re.compile(r"\{(\w+)\}")
_DAY = re.compile(r"(\d\d) ([A-Z][a-z]+) (\d{4}.*)")
_MONTHS = {"January": "Januar", "February": "Februar", "March": "März", "May": "Mai", "June": "Juni", "July": "Juli"}
_MONTHS |= {"October": "Oktober", "December": "Dezember"}


@dataclass(frozen=True, slots=True)
class _Form:
    """A sentence with places: `literals` stand before, between and after them."""

    literals: tuple[str, ...]
    names: tuple[str, ...]
    said: str

    def values(self, text: str) -> dict[str, str] | None:
        """What stands in the places; None for another sentence. Each literal counts where it comes first."""
        if not self.names:
            return {} if text == self.literals[0] else None
        first, *between, last = self.literals
        if not (text.startswith(first) and text.endswith(last) and len(text) >= len(first) + len(last)):
            return None
        rest, found = text[len(first) : len(text) - len(last)], []
        for literal in between:
            value, met, rest = rest.partition(literal)
            if not met:
                return None
            found.append(value)
        found.append(rest)
        return dict(zip(self.names, found, strict=True)) if all(found) else None


def said(text: str, code: str | None = None) -> str:
    """An English sentence in the chosen language.

    Args:
        code: of the error that it is the message of: what no form fits is said by that.
    """
    if spoken() not in SENTENCES:
        return text
    if (found := _by_form(text, _DEEPEST)) is not None:
        return found
    by_code = CODES[spoken()].get(code or "")
    return text if by_code is None or _is_ours(text) else by_code[1]


def told(error: BulletDropError) -> tuple[str, str]:
    """An error's title and sentence in the chosen language."""
    codes = CODES.get(spoken(), {})
    return codes[error.code][0] if error.code in codes else error.title, said(error.message, error.code)


def check_name(name: str) -> str:
    """What one of the doctor's checks is called."""
    return CHECKS.get(spoken(), {}).get(name, name)


def _is_ours(text: str) -> bool:
    """Whether a text is in the chosen language already: a refusal of our own, made of the words of the page."""
    return len(text) <= _LONGEST and any(form.values(text) is not None for form in _own_forms(spoken()))


def _by_form(text: str, depth: int) -> str | None:
    plain = SENTENCES[spoken()].get(text)
    if plain is not None or not depth or len(text) > _LONGEST:
        return plain
    for form in _forms(spoken()):
        values = form.values(text)
        if values is not None:
            return form.said.format(**{name: _value(value, depth - 1) for name, value in values.items()})
    return None


def _value(value: str, depth: int) -> str:
    if found := _DAY.fullmatch(value):
        return f"{int(found[1])}. {_MONTHS.get(found[2], found[2])} {found[3]}"
    inner = _by_form(value, depth)
    return value if inner is None else inner


@lru_cache(maxsize=4)
def _forms(language: str) -> tuple[_Form, ...]:
    """Those with places, the most exact one first."""
    made = [_form(english, meant) for english, meant in SENTENCES[language].items() if _PLACE.search(english)]
    return tuple(sorted(made, key=lambda form: -sum(map(len, form.literals))))


@lru_cache(maxsize=4)
def _own_forms(language: str) -> tuple[_Form, ...]:
    return tuple(_form(meant, meant) for meant in TABLES[language].values())


def _form(text: str, meant: str) -> _Form:
    pieces = _PLACE.split(text)
    return _Form(tuple(pieces[::2]), tuple(pieces[1::2]), meant)
