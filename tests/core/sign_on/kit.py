"""What the tests of signing in by a provider share: a site that offers one, the way there and back, what was kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bulletdrop.core.models import Audit, Identity, Session, Ticket, User
from bulletdrop.core.people import accounts, identities, sign_on
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.people.sign_on import Begun
from bulletdrop.core.people.signing_in import Half
from bulletdrop.core.site import Site
from tests.support.oidc_provider import CLIENT, SECRET, OidcProvider, query_of

PUBLIC = "http://127.0.0.1:9"
PASSWORD = "correct horse battery"
AGENT, ADDRESS = "Firefox/140.0 (X11; Linux)", "192.0.2.7"


def now() -> datetime:
    """The provider's tokens are made by the machine's clock."""
    return datetime.now(UTC)


def settings(provider: OidcProvider, **more: object) -> dict[str, object]:
    """The settings of a server that offers this provider."""
    return {
        "public_url": PUBLIC,
        "registration": "open",
        "oidc_name": "Hall",
        "oidc_issuer": provider.url,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SECRET,
        **more,
    }


def change(site: Site, **values: Any) -> None:
    """Other settings from now on, as if the server had been started with them."""
    site.live.config = replace(site.config, **values)


@dataclass(frozen=True)
class Kept:
    """What stays behind of a sign-in."""

    users: int
    identities: int
    sessions: int
    tickets: int


def kept() -> Kept:
    return Kept(*(kind.select().count() for kind in (User, Identity, Session, Ticket)))


def alice_of(site: Site) -> User:
    return accounts.create_user(site, username="alice", email="alice@example.org", password=PASSWORD, is_admin=True)


def set_out(site: Site, name: str = "oidc", **wishes: object) -> Begun:
    return sign_on.begin(site, name, browser=None, **wishes)  # type: ignore[arg-type]


def come_back(
    site: Site, answer: str | dict[str, str], browser: str | None, name: str = "oidc", caller_id: str | None = None
) -> Tokens | Half | Identity:
    """Bring the provider's answer back, as a browser does."""
    params = query_of(answer) if isinstance(answer, str) else answer
    returned = sign_on.finish(site, name, params, browser=browser, address=ADDRESS)
    return identities.come_in(site, returned, caller_id=caller_id, user_agent=AGENT, address=ADDRESS)


def sign_in(site: Site, provider: OidcProvider, subject: str, name: str = "oidc") -> Tokens | Half | Identity:
    """All of it: there, the provider's own form, and back."""
    begun = set_out(site, name)
    return come_back(site, provider.sign_in(begun.url, subject), begun.browser, name)


def link(site: Site, provider: OidcProvider, subject: str, user: User) -> Identity:
    """Somebody who is signed in links a login."""
    begun = set_out(site, user=user)
    linked = come_back(site, provider.sign_in(begun.url, subject), begun.browser, caller_id=user.id)
    assert isinstance(linked, Identity)
    return linked


def refusals() -> list[str]:
    """The security events of refused answers."""
    rows = Audit.select().where((Audit.action == "sign-on.refused") & (Audit.category == "security"))
    return [row.detail for row in rows]
