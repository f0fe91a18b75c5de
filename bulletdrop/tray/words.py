"""The tray's words in the person's language: English stands in the code, other languages in one table each."""

from __future__ import annotations

import locale
import os
from collections.abc import Mapping

from bulletdrop.tray.words_de import GERMAN
from bulletdrop.tray.words_de_page import GERMAN_OF_THE_PAGE

TABLES: Mapping[str, Mapping[str, str]] = {"de": {**GERMAN, **GERMAN_OF_THE_PAGE}}

_language = "en"


def t(text: str, **values: object) -> str:
    """An English text in the chosen language, with `{name}` filled in. What has no translation stays English.

    Call it with a literal, so that a test can find all texts: `t("{count} waiting", count=3)`.
    """
    found = TABLES.get(_language, {}).get(text, text)
    return found.format(**values) if values else found


def speak(language: str, environ: Mapping[str, str] = os.environ) -> str:
    """Choose the language from now on; "" is the system's. Returns its two letters."""
    global _language
    _language = language or system_language(environ)
    return _language


def spoken() -> str:
    """The two letters of the language that is spoken now."""
    return _language


def system_language(environ: Mapping[str, str] = os.environ) -> str:
    """The system's language, where there is a table for it; else "en" (POSIX order: LC_ALL, LC_MESSAGES, LANG)."""
    named = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    if not named:
        named = locale.getlocale()[0] or ""
    letters = named[:2].lower()
    return letters if letters in TABLES else "en"
