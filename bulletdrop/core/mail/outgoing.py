"""Outgoing: mails in their table, from the moment they are written until they were sent or are over."""

from __future__ import annotations

from datetime import timedelta

from bulletdrop.core import queue
from bulletdrop.core.mail.letters import write
from bulletdrop.core.mail.sending import MAIL
from bulletdrop.core.models import Mail, User
from bulletdrop.core.site import Site
from bulletdrop.core.text import is_visible
from bulletdrop.errors import Invalid


def post(
    site: Site, purpose: str, *, to: str, user: User | None = None, link: str = "", lives: timedelta, **values: str
) -> None:
    """Write a mail inside the caller's transaction: it goes out if, and only if, that is committed.

    Without `smtp_host` it waits in the table, where the admin finds its link to hand over.

    Args:
        purpose: a row of MAILS.
        to: the address.
        user: whose it is: greeted by name, and the mail is gone with the account. None for somebody without one.
        link: an address of this server, built from `public_base`.
        lives: how long the link works; after it the mail is over, and is neither sent nor shown.
        values: what the purpose's texts name, such as `team=`; `username=` greets somebody who is no `user`.
    Raises: KeyError for an unknown purpose or a missing value, ValueError for a link that leads elsewhere, Invalid for
        an address that is none.
    """
    if not is_visible(to) or "@" not in to or any(letter.isspace() for letter in to):
        raise Invalid("This is no email address.", field="email")
    username = values.pop("username", user.username if user is not None else "")
    letter = write(site, purpose, username=username, link=link, lives=lives, values=values)
    now = site.clock.now()
    mail = Mail.create(
        user=user,
        purpose=purpose,
        recipient=to,
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        link=link,
        created_at=now,
        expires_at=now + lives,
    )
    if site.config.smtp_host:
        queue.enqueue(site, MAIL, mail.id)
        site.wake.set()


def waiting(site: Site) -> list[Mail]:
    """Mails that are not sent, newest first: those to hand over, and those that the mail server did not take."""
    return list(Mail.select().where(Mail.expires_at > site.clock.now()).order_by(Mail.created_at.desc(), Mail.id))


def forget_mails(site: Site) -> str:
    """Remove mails whose links are over."""
    return f"{Mail.delete().where(Mail.expires_at <= site.clock.now()).execute()} removed"
