"""Languages of texts: those that are shown in colours, and which one a text is in, as far as a glance tells."""

from __future__ import annotations

import json
import re

from bulletdrop.errors import Invalid

# Name in the API → for people, the endings of its files. The names are Pygments' own.
LANGUAGES: dict[str, tuple[str, str]] = {
    "text": ("Plain text", "txt log text"),
    "bash": ("Shell", "sh bash zsh"),
    "c": ("C", "c h"),
    "cpp": ("C++", "cpp cc cxx hpp hh"),
    "csharp": ("C#", "cs"),
    "css": ("CSS", "css"),
    "diff": ("Diff", "diff patch"),
    "docker": ("Dockerfile", "dockerfile"),
    "go": ("Go", "go"),
    "html": ("HTML", "html htm xhtml"),
    "ini": ("INI", "ini cfg conf properties"),
    "java": ("Java", "java"),
    "javascript": ("JavaScript", "js mjs cjs jsx"),
    "json": ("JSON", "json jsonl"),
    "kotlin": ("Kotlin", "kt kts"),
    "lua": ("Lua", "lua"),
    "make": ("Makefile", "mk mak"),
    "markdown": ("Markdown", "md markdown"),
    "nginx": ("nginx", "nginx"),
    "perl": ("Perl", "pl pm"),
    "php": ("PHP", "php"),
    "powershell": ("PowerShell", "ps1 psm1"),
    "python": ("Python", "py pyw pyi"),
    "pytb": ("Python traceback", "pytb"),
    "ruby": ("Ruby", "rb"),
    "rust": ("Rust", "rs"),
    "scala": ("Scala", "scala"),
    "sql": ("SQL", "sql"),
    "swift": ("Swift", "swift"),
    "toml": ("TOML", "toml"),
    "typescript": ("TypeScript", "ts tsx"),
    "xml": ("XML", "xml svg xsd xsl plist"),
    "yaml": ("YAML", "yaml yml"),
}
PLAIN = "text"
# For people to choose from: name and words; the first leaves it to `guess`.
CHOICES: tuple[tuple[str, str], ...] = (
    ("", "Found by name and beginning"),
    *((name, words) for name, (words, _) in LANGUAGES.items()),
)
_ENDINGS = {ending: name for name, (_, endings) in LANGUAGES.items() for ending in endings.split()}
_WHOLE_NAMES = {"dockerfile": "docker", "makefile": "make", "gnumakefile": "make", "nginx.conf": "nginx"}
_ALIASES = {"sh": "bash", "shell": "bash", "js": "javascript", "ts": "typescript", "py": "python", "c++": "cpp",
            "c#": "csharp", "yml": "yaml", "md": "markdown", "dockerfile": "docker", "makefile": "make",
            "plain": "text", "txt": "text", "rb": "ruby", "rs": "rust", "golang": "go"}  # fmt: skip
_PROGRAMS = re.compile(r"#!\S*/(?:env +)?(?:-S +)?(sh|bash|zsh|dash|python|perl|ruby|node|php|lua)[\d.]*\b")
_BY_PROGRAM = {"python": "python", "perl": "perl", "ruby": "ruby", "node": "javascript", "php": "php", "lua": "lua"}
_STARTS = (
    ("<?php", "php"),
    ("<?xml", "xml"),
    ("<!doctype html", "html"),
    ("<html", "html"),
    ("diff --git ", "diff"),
    ("traceback (most recent call last):", "pytb"),
)
# A JSON text is tried whole up to this many characters.
_MOST_TRIED = 64 * 1024


def check_language(name: str) -> str:
    """A language by its name, or one of the common names for it; "" for one to be guessed.

    Raises: Invalid with field `language`.
    """
    wanted = name.strip().lower()
    wanted = _ALIASES.get(wanted, wanted)
    if wanted in ("", "auto"):
        return ""
    if wanted not in LANGUAGES:
        raise Invalid(f"There are no colours for “{name[:40]}”. There are: {', '.join(LANGUAGES)}.", field="language")
    return wanted


def of_filename(filename: str) -> str:
    """The language that a file's name tells; "" for none."""
    name = filename.rpartition("/")[2].lower()
    if name in _WHOLE_NAMES:
        return _WHOLE_NAMES[name]
    return _ENDINGS.get(name.rpartition(".")[2], "") if "." in name else ""


def is_filename(title: str) -> bool:
    """True for a title that is a file's name rather than words, such as `helper.py`: one word that tells a language."""
    title = title.strip()
    return len(title.split()) == 1 and bool(of_filename(title))


def guess(text: str, filename: str = "") -> str:
    """The language of a text by its file's name, else by how it begins. PLAIN where neither tells."""
    named = of_filename(filename.strip())
    if named and named != PLAIN:
        return named
    start = text[:200].lstrip("\ufeff \t\r\n")
    if found := _PROGRAMS.match(start):
        return _BY_PROGRAM.get(found[1], "bash")
    for beginning, language in _STARTS:
        if start.lower().startswith(beginning):
            return language
    return "json" if start[:1] in ("{", "[") and _is_json(text) else PLAIN


def _is_json(text: str) -> bool:
    if len(text) > _MOST_TRIED:
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
