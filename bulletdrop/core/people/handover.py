"""Handover: mails that no mail server took, because there is none or because it refused; the admin passes them on."""

from __future__ import annotations

from bulletdrop.core import mail
from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.models import Mail, User
from bulletdrop.core.people.administration import By
from bulletdrop.core.people.directory import get_user
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid, NotFound


def to_hand_over(site: Site) -> list[Mail]:
    """Mails with a link that somebody waits for, newest first; with a mail server, those that it did not take."""
    found = mail.waiting(site)
    return [one for one in found if (one.error if site.config.smtp_host else one.link)]


def handed_over(site: Site, by: By, mail_id: str) -> None:
    """Take a mail off the list: its link was passed on. Raises NotFound."""
    with transaction(site.db):
        found: Mail | None = None if "\0" in mail_id else Mail.get_or_none(Mail.id == mail_id)
        if found is None:
            raise NotFound("There is no such mail. Perhaps its time is over.")
        Mail.delete().where(Mail.id == found.id).execute()
        _record(site, by, "mail.handed-over", found.recipient, found.purpose)


def test_mail(site: Site, by: By) -> str:
    """Send a test to the admin's own address. Returns the address.

    Raises: Invalid without a mail server or for the command line; mail's Refused and Unavailable with the reason.
    """
    if by.actor is None:
        raise Invalid("A test goes to an admin's own address.")
    user: User = get_user(site, by.actor)
    _record(site, by, "mail.test", user.email, "")
    mail.send_test(site, user.email)
    return user.email


def _record(site: Site, by: By, action: str, subject: str, detail: str) -> None:
    record(site, action, actor=by.actor, subject=subject, address=by.address, category="admin", detail=detail)
