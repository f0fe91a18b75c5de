"""Words that can be nobody's slug, username or custom name."""

from __future__ import annotations

import unicodedata

from bulletdrop.core.shapes import username_shape

# The first parts of our own paths, of paths that browsers and robots ask for, and words that would mislead people.
RESERVED: frozenset[str] = frozenset(
    [
        "a",
        "about",
        "account",
        "admin",
        "albums",
        "analytics",
        "api",
        "app",
        "apple-touch-icon",
        "assets",
        "auth",
        "avatars",
        "billing",
        "cdn",
        "clients",
        "d",
        "dashboard",
        "delete",
        "device",
        "devices",
        "docs",
        "domains",
        "download",
        "drops",
        "embed",
        "reset",
        "forgot",
        "email",
        "error",
        "export",
        "favicon",
        "files",
        "health",
        "help",
        "home",
        "i",
        "import",
        "info",
        "invite",
        "keys",
        "l",
        "legal",
        "links",
        "login",
        "logout",
        "manifest",
        "me",
        "metrics",
        "new",
        "null",
        "oembed",
        "pair",
        "password",
        "ping",
        "plans",
        "privacy",
        "profile",
        "public",
        "ready",
        "register",
        "robots",
        "root",
        "s",
        "search",
        "secret",
        "secrets",
        "security",
        "service-worker",
        "session",
        "sessions",
        "settings",
        "setup",
        "share",
        "sharex",
        "signin",
        "signout",
        "signup",
        "sitemap",
        "static",
        "stats",
        "status",
        "support",
        "sw",
        "system",
        "tag",
        "tags",
        "teams",
        "terms",
        "trash",
        "tus",
        "u",
        "undefined",
        "upload",
        "uploads",
        "user",
        "users",
        "verify",
        "view",
        "views",
        "www",
        "well-known",
        ".well-known",
        "index",
        "content",
        "album",
        "request",
        "requests",
        "unlock",
        "shorten",
        "short",
        "pastes",
        "paste",
        "raw",
        "go",
        "t",
        "p",
        "e",
        "qr",
        "q",
        "r",
    ]
)

# Only those that somebody could pretend to be: `1` reads like `l` and harms nobody.
_TRUSTED = frozenset(
    username_shape(word)
    for word in ("admin", "billing", "help", "legal", "privacy", "root", "security", "service", "status", "support",
                 "system", "moderator", "administrator", "bulletdrop")
)  # fmt: skip


def is_reserved(word: str) -> bool:
    """True for a word that is ours, in any case and width of letters, with or without an ending."""
    if len(word) > 300:
        # None of ours is as long, and normalising takes time by the square of a run of combining marks.
        return False
    folded = unicodedata.normalize("NFKC", word).casefold().strip()
    return folded in RESERVED or folded.split(".", 1)[0] in RESERVED


def looks_reserved(word: str) -> bool:
    """True for a username that reads like one of ours that people would trust, such as `adm1n` or `supp0rt`."""
    return username_shape(word) in _TRUSTED
