"""Wishes: what a sender asks for beside the bytes, and the form in which it is kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bulletdrop.core.expiry import check_expiry
from bulletdrop.core.models import Domain, User
from bulletdrop.core.names import domains
from bulletdrop.core.names.chosen import MAIN, is_taken
from bulletdrop.core.names.slugs import check_custom_name, check_style
from bulletdrop.core.people.accounts import fold
from bulletdrop.core.site import Site
from bulletdrop.core.text import line_of, lines_of
from bulletdrop.errors import BadName, Invalid, NameTaken, TooBig

MOST_TAGS = 20
LONGEST_TAG = 50
LONGEST_TITLE = 200
LONGEST_DESCRIPTION = 4000


@dataclass(frozen=True)
class Wishes:
    """What the sender asked for beside the bytes."""

    custom_name: str | None = None
    expires_at: datetime | None = None
    is_public: bool = True
    tags: tuple[str, ...] = ()
    title: str = ""
    description: str = ""
    # Never the password itself: see `sharing.limits.check_terms`.
    password_hash: str | None = None
    max_views: int | None = None
    # The name or id of a domain that the sender has claimed; "" is the main address, None their primary one.
    domain: str | None = None
    # One that was handed to the sender's device before: its link was given away already.
    slug: str | None = None
    # None: as the sender's account says. Says nothing where there is a slug.
    slug_style: str | None = None
    # A text is kept as a paste would be, also where the server takes no text files.
    is_paste: bool = False
    # Of a text: whose colours it is shown in (see `languages`).
    language: str = ""
    source: str = "api"
    idempotency_key: str | None = None
    # For a team's gallery; whether the sender may put something there is asked before.
    team_id: str | None = None
    # Room that was taken for the bytes before they were read (see `people/quotas`).
    hold: str | None = None


def check_wishes(site: Site, wishes: Wishes) -> Wishes:
    """The wishes in the form to keep: can be asked before a byte is read. The database is not asked.

    Raises: BadName, NameReserved, Invalid, each with its field.
    """
    name = check_custom_name(wishes.custom_name) if wishes.custom_name else None
    expires_at = check_expiry(site, wishes.expires_at)
    if wishes.idempotency_key is not None and not 1 <= len(wishes.idempotency_key) <= 200:
        raise Invalid("An Idempotency-Key has 1 to 200 characters.", field="Idempotency-Key")
    if wishes.slug_style is not None:
        check_style(wishes.slug_style)
    return replace(
        wishes,
        custom_name=name,
        expires_at=expires_at,
        tags=check_tags(wishes.tags),
        title=check_title(wishes.title),
        description=check_description(wishes.description),
        source=wishes.source[:20],
    )


def domain_for(site: Site, user: User, wishes: Wishes, *, size: int) -> Domain | None:
    """The domain that a new drop's links are built with; None is the main address.

    A file that the primary domain does not take goes to the main address: nobody chose the domain for this one.

    Raises: Invalid for a domain that is not the sender's; TooBig for a file that the wished domain does not take.
    """
    if wishes.domain == "":
        return None
    if wishes.domain is not None:
        domain = domains.claimed(site, user.id, wishes.domain)
        domains.check_size(domain, size)
        return domain
    primary = domains.primary_of(site, user.id)
    try:
        domains.check_size(primary, size)
    except TooBig:
        return None
    return primary


def check_free(site: Site, name: str | None, *, domain_key: str = MAIN, but: str | None = None) -> None:
    """Raise NameTaken for a custom name that somebody else has on a domain."""
    if name and is_taken(name, domain_key=domain_key, but=but, now=site.clock.now()):
        raise NameTaken("This name is taken. Take another one.", field="custom_name")


def check_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Tags folded, without doubles. Raises Invalid for more than 20, or one longer than 50 characters."""
    # Before folding, which takes time by the square of a tag's length.
    if any(len(tag) > 2 * LONGEST_TAG for tag in tags):
        raise Invalid(f"A tag has at most {LONGEST_TAG} characters, all of them visible.", field="tags")
    folded = tuple(dict.fromkeys(tag for tag in map(fold, tags[: 10 * MOST_TAGS]) if tag))
    if len(tags) > 10 * MOST_TAGS or len(folded) > MOST_TAGS:
        raise Invalid(f"A drop has at most {MOST_TAGS} tags.", field="tags")
    if any(len(tag) > LONGEST_TAG or not tag.isprintable() for tag in folded):
        raise Invalid(f"A tag has at most {LONGEST_TAG} characters, all of them visible.", field="tags")
    return folded


def check_title(value: Any) -> str:
    """A title without space around it. Raises BadName for more than 200 characters, or ones that cannot be seen."""
    return line_of(value, what="A title", field="title", most=LONGEST_TITLE, error=BadName)


def check_description(value: Any) -> str:
    """A description, of one line or several. Raises BadName for more than 4,000 characters, or unseen ones."""
    return lines_of(value, what="A description", field="description", most=LONGEST_DESCRIPTION, error=BadName)
