"""Robots: programs that fetch an address to say something about it, and browsers that fetch it ahead of a wish."""

from __future__ import annotations

from sanic import Request

# Words in the user agents of those who make previews for chats and posts, as their makers document them.
_PREVIEWERS = (
    "discordbot",
    "slackbot",
    "slack-imgproxy",
    "telegrambot",
    "whatsapp",
    "mastodon",
    "twitterbot",
    "facebookexternalhit",
    "facebot",
    "linkedinbot",
    "skypeuripreview",
    "microsoft teams",
    "pinterest",
    "redditbot",
    "embedly",
    "iframely",
    "signal-desktop",
    "matrix",
    "synapse",
    "googlebot",
    "bingbot",
    "applebot",
    "duckduckbot",
    "yandexbot",
    "viber",
    "vkshare",
    "line-poker",
    "kakaotalk-scrap",
    "zulip",
    "mattermost",
    "rocket.chat",
    "misskey",
    "pleroma",
    "akkoma",
    "lemmy",
    "bluesky",
    "cardyb",
)


def is_robot(request: Request) -> bool:
    """True for a program that makes previews, by what it calls itself."""
    agent = request.headers.get("user-agent", "").lower()
    return any(word in agent for word in _PREVIEWERS)


def is_prefetch(request: Request) -> bool:
    """True for a browser that fetches what nobody has asked for yet (Sec-Purpose, and its older names)."""
    for name in ("sec-purpose", "purpose", "x-purpose", "x-moz"):
        value = request.headers.get(name, "").lower()
        if "prefetch" in value or "preview" in value or "prerender" in value:
            return True
    return False
