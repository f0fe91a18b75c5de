"""Who is a robot by what it calls itself: every recorded one, and no browser, whatever app or phone it is in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bulletdrop.web.robots import names_robot

CLIENTS = Path(__file__).with_name("clients")
CHATS = ("discord", "slack", "telegram", "mastodon", "whatsapp", "imessage", "bluesky")
PEOPLE = [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 13; CUBOT X70) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36 [Pinterest/Android]",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) Mobile/15E148 Instagram 250.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 discord/1.0.9200 Chrome/134.0 Electron/35.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Teams/24.1 Edg/126.0 Safari/537.36",
    "curl/8.14.1",
    "",
]


@pytest.mark.parametrize("chat", CHATS)
def test_each_chats_robot_is_known(chat: str) -> None:
    recorded = json.loads((CLIENTS / f"{chat}.json").read_text(encoding="utf-8"))["requests"]
    agents = [one["headers"]["User-Agent"] for one in recorded if one["asks"] == "link"]
    assert agents
    assert all(names_robot(agent) for agent in agents)


@pytest.mark.parametrize("agent", PEOPLE)
def test_no_person_is_taken_for_a_robot(agent: str) -> None:
    assert not names_robot(agent)


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; some new thing; +https://example.org/about)",
        "Synapse (bot; +https://github.com/matrix-org/synapse)",
        "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
        "Mattermost-Bot/1.1",
    ],
)
def test_robots_by_convention_are_known(agent: str) -> None:
    assert names_robot(agent)
