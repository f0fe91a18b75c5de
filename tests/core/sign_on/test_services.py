"""Signing in with GitHub and Discord, against stand-ins of their documented endpoints."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bulletdrop.core.models import Identity, User
from bulletdrop.core.people import oauth
from bulletdrop.core.people.oauth import Exchange, Who
from bulletdrop.core.people.providers import find_provider
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.site import Site
from bulletdrop.errors import BadSignOn, Forbidden, Unavailable
from tests.core.sign_on.kit import PUBLIC, change, come_back, kept, set_out
from tests.support.oidc_provider import query_of
from tests.support.services import Service, service

OCTOCAT = {"id": 583231, "login": "octocat", "name": "The Octocat", "email": "public@example.org"}
VERIFIER = "V" * 60


@pytest.fixture
def github(site: Site) -> Iterator[Service]:
    """The site offers a GitHub Enterprise server, where octocat has two addresses."""
    with service() as started:
        started.person = dict(OCTOCAT)
        started.emails = [
            {"email": "old@example.org", "primary": False, "verified": True},
            {"email": "octocat@example.org", "primary": True, "verified": True},
        ]
        change(site, github_url=started.url, github_client_id="id", github_client_secret="the secret")
        yield started


@pytest.fixture
def discord() -> Iterator[Service]:
    with service() as started:
        started.person = {
            "id": "80351110224678912",
            "username": "nelly",
            "global_name": "Nelly",
            "email": "nelly@example.org",
            "verified": True,
        }
        yield started


def test_github_tells_who_somebody_is(site: Site, github: Service) -> None:
    begun = set_out(site, "github")
    assert begun.url.startswith(f"{github.url}/login/oauth/authorize?")
    assert query_of(begun.url)["scope"] == "read:user user:email"
    entered = come_back(site, github.consent(begun.url), begun.browser, "github")
    assert isinstance(entered, Tokens)
    identity = Identity.get()
    assert (identity.issuer, identity.subject, identity.email) == (github.url, "583231", "octocat@example.org")
    assert (identity.user.username, identity.user.email) == ("octocat", "octocat@example.org")
    assert [path for _, path, _, _ in github.heard] == [
        "/login/oauth/access_token",
        "/api/v3/user",
        "/api/v3/user/emails",
    ]


def test_a_renamed_github_account_is_the_same_person(site: Site, github: Service) -> None:
    for login in ("octocat", "hexacat"):
        github.person["login"] = login
        begun = set_out(site, "github")
        come_back(site, github.consent(begun.url), begun.browser, "github")
    assert Identity.select().count() == 1


@pytest.mark.parametrize(
    "emails",
    [
        [],
        {},
        None,
        [{"email": "octocat@example.org", "primary": True, "verified": False}],
        [{"email": "octocat@example.org", "primary": False, "verified": True}],
        [{"email": "octocat@example.org", "primary": True}],
        ["octocat@example.org"],
    ],
)
def test_github_without_a_confirmed_address_makes_no_account(site: Site, github: Service, emails: object) -> None:
    github.emails = emails
    before = kept()
    begun = set_out(site, "github")
    with pytest.raises((Forbidden, BadSignOn)):
        come_back(site, github.consent(begun.url), begun.browser, "github")
    assert kept() == before


@pytest.mark.parametrize("person", [{}, {"id": None}, {"id": True}, {"id": ""}, {"id": "x" * 256}, {"id": ["1"]}])
def test_somebody_without_an_id_is_nobody(site: Site, github: Service, person: dict[str, object]) -> None:
    github.person = {**person, "login": "octocat"}
    begun = set_out(site, "github")
    with pytest.raises(BadSignOn):
        come_back(site, github.consent(begun.url), begun.browser, "github")
    assert not Identity.select().exists()


def test_a_code_that_github_refuses_with_200_is_refused(site: Site, github: Service) -> None:
    begun, another = set_out(site, "github"), set_out(site, "github")
    answer = query_of(github.consent(begun.url))
    with pytest.raises(BadSignOn):
        # The code of one sign-in with the verifier of another.
        come_back(site, {**answer, "state": query_of(another.url)["state"]}, another.browser, "github")
    assert User.select().count() == 1


def test_a_wrong_client_secret_says_so_without_showing_it(site: Site, github: Service) -> None:
    change(site, github_client_secret="another secret")
    begun = set_out(site, "github")
    with pytest.raises(BadSignOn, match="client id or secret is wrong") as caught:
        come_back(site, github.consent(begun.url), begun.browser, "github")
    assert "another secret" not in str(caught.value)
    assert "another secret" not in repr(find_provider(site.config, "github"))


def test_a_service_that_is_gone_is_unavailable(site: Site, github: Service) -> None:
    begun = set_out(site, "github")
    change(site, github_url="http://127.0.0.1:1")
    with pytest.raises(Unavailable):
        oauth.identify(site, find_provider(site.config, "github"), Exchange("c", VERIFIER, "n", "u"))
    assert begun.url


def test_github_itself_is_asked_at_its_own_addresses(site: Site) -> None:
    change(site, github_client_id="id")
    begun = set_out(site, "github")
    assert begun.url.startswith("https://github.com/login/oauth/authorize?")


def from_discord(site: Site, discord: Service) -> Who:
    """All of Discord's way, at the stand-in's address."""
    change(site, discord_client_id="id", discord_client_secret="the secret")
    provider = find_provider(site.config, "discord")
    assert provider.base == "https://discord.com"
    here = replace(provider, base=discord.url)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    redirect_uri = f"{PUBLIC}/api/v1/auth/discord/callback"
    url = oauth.authorization_url(site, here, redirect_uri=redirect_uri, state="s", nonce="n", challenge=challenge)
    assert url.startswith(f"{discord.url}/oauth2/authorize?")
    assert query_of(url)["scope"] == "identify email"
    code = query_of(discord.consent(url))["code"]
    return oauth.identify(site, here, Exchange(code, VERIFIER, "n", redirect_uri))


def test_discord_tells_who_somebody_is(site: Site, discord: Service) -> None:
    who = from_discord(site, discord)
    assert (who.subject, who.email, who.is_verified) == ("80351110224678912", "nelly@example.org", True)
    assert (who.name, who.wish) == ("Nelly", "nelly")
    assert [path for _, path, _, _ in discord.heard] == ["/api/oauth2/token", "/api/users/@me"]


@pytest.mark.parametrize("said", [{"verified": False}, {"verified": None}, {"verified": 1}, {"email": None}])
def test_discord_without_a_confirmed_address_is_not_vouched_for(
    site: Site, discord: Service, said: dict[str, object]
) -> None:
    discord.person.update(said)
    assert not from_discord(site, discord).is_verified
