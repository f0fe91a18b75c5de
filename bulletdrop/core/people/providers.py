"""Providers: where people may sign in with an account that they have elsewhere. One row each, from the settings."""

from __future__ import annotations

from dataclasses import dataclass, field

from bulletdrop.config import Config
from bulletdrop.errors import NotFound

GOOGLE = "https://accounts.google.com"
DISCORD = "https://discord.com"


@dataclass(frozen=True)
class Offer:
    """What a button needs: `name` goes into the address, `title` onto the button."""

    name: str
    title: str


@dataclass(frozen=True)
class Provider:
    """One provider with this server's client at it.

    Args:
        name: in our addresses, and in the table of identities.
        title: what people call it.
        kind: how it is spoken to: "oidc", "github" or "discord".
        base: the OpenID Connect issuer, or the address of the service. An identity is known by it and a subject.
        client_secret: empty for a public client.
    """

    name: str
    title: str
    kind: str
    base: str
    client_id: str
    client_secret: str = field(default="", repr=False)


def providers(config: Config) -> tuple[Provider, ...]:
    """Every provider whose settings are complete, in the order of the buttons."""
    c = config
    rows = (
        Provider("oidc", c.oidc_name, "oidc", c.oidc_issuer, c.oidc_client_id, c.oidc_client_secret),
        Provider("google", "Google", "oidc", GOOGLE, c.google_client_id, c.google_client_secret),
        Provider("github", "GitHub", "github", c.github_url, c.github_client_id, c.github_client_secret),
        Provider("discord", "Discord", "discord", DISCORD, c.discord_client_id, c.discord_client_secret),
    )
    return tuple(row for row in rows if row.client_id and row.base)


def offered(config: Config) -> tuple[Offer, ...]:
    """The buttons of the sign-in page. Cheap: nothing is imported or asked for."""
    return tuple(Offer(row.name, row.title) for row in providers(config))


def find_provider(config: Config, name: str) -> Provider:
    """The provider of this name. Raises NotFound for one that this server does not offer."""
    for row in providers(config):
        if row.name == name:
            return row
    raise NotFound("This server does not offer this way to sign in.")
