"""User agents in words: which browser on which system, as far as they say."""

from __future__ import annotations

# In this order: Chrome says that it is Safari, and Edge that it is Chrome.
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("ShareX/", "ShareX"),
    ("BulletDrop", "BulletDrop"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("macOS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def in_words(user_agent: str) -> str:
    """`Firefox on Windows`; the first word of what we do not know; "An unknown program" for nothing."""
    browser, system = _named(_BROWSERS, user_agent), system_of(user_agent)
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or (user_agent.split("/")[0].split(" ")[0][:40] if user_agent else "An unknown program")


def system_of(user_agent: str) -> str:
    """`Windows`, `Linux`, …, one of our own words; empty for what does not say, or says something else."""
    return _named(_SYSTEMS, user_agent)


def _named(signs: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for sign, name in signs if sign in user_agent), "")
