"""Robots: programs that fetch an address to say something about it, and browsers that fetch it ahead of a wish.

For what has a password or a number of views both kinds of mistake cost: a robot taken for a person uses up a view, a
person taken for a robot is told that there is no preview. So a name counts where robots alone have it, and not what
browsers inside of apps call themselves.
"""

from __future__ import annotations

import re

from sanic import Request

# Who fetches links for previews, as their makers document it and as it stands in servers' logs. Signal and Telegram's
# relatives call themselves WhatsApp and Twitterbot; iMessage says facebookexternalhit.
_PREVIEWERS = (
    "akkoma",
    "applebot",
    "cardyb",
    "discordbot",
    "embedly",
    "facebookexternalhit",
    "facebot",
    "googlebot",
    "google-pagerenderer",
    "iframely",
    "kakaotalk-scrap",
    "lemmy/",
    "line-poker",
    "linkedinbot",
    "mastodon/",
    "mattermost-bot",
    "meta-externalagent",
    "meta-externalfetcher",
    "microsoftpreview",
    "misskey/",
    "outlookpreview",
    "pinterestbot",
    "pleroma",
    "redditbot",
    "rocket.chat",
    "signal-desktop",
    "skypeuripreview",
    "slack-imgproxy",
    "slackbot",
    "snap url preview",
    "summalybot",
    "synapse",
    "telegrambot",
    "twitterbot",
    "viberbot",
    "vkshare",
    "whatsapp",
    "zulipurlpreview",
)
# By convention a robot says "bot" at the end of its name, or where its maker explains it ("+https://…"): no browser
# does either, but for the phones of one maker.
_CONVENTION = re.compile(
    rf"(?<!cu)bot(?![a-z])|crawler|spider|\+https?://|urlpreview|linkpreview|{'|'.join(map(re.escape, _PREVIEWERS))}"
)


def is_robot(request: Request) -> bool:
    """True for a program that makes previews or lists, by what it calls itself."""
    return names_robot(request.headers.get("user-agent", ""))


def names_robot(agent: str) -> bool:
    """True when a `User-Agent` is a robot's."""
    return _CONVENTION.search(agent.lower()) is not None


def is_prefetch(request: Request) -> bool:
    """True for a browser that fetches what nobody has asked for yet (Sec-Purpose, and its older names)."""
    for name in ("sec-purpose", "purpose", "x-purpose", "x-moz"):
        value = request.headers.get(name, "").lower()
        if "prefetch" in value or "preview" in value or "prerender" in value:
            return True
    return False
