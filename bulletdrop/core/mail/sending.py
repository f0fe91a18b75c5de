"""Sending: a mail goes to the mail server, whose certificate is checked; a refusal is kept for the admin to read."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from email.utils import parseaddr
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bulletdrop import trust
from bulletdrop.config import Config
from bulletdrop.core.mail.letters import Letter, write
from bulletdrop.core.models import Mail, new_id
from bulletdrop.core.origin import public_base
from bulletdrop.core.site import Site
from bulletdrop.core.text import cleaned
from bulletdrop.errors import BulletDropError, Invalid, Rejected, Unavailable
from bulletdrop.log import get_logger

if TYPE_CHECKING:
    import smtplib
    from collections.abc import Iterator
    from email.message import EmailMessage

logger = get_logger("mail")

# The kind of queued work.
MAIL = "mail"
# For each step of the conversation with the mail server.
_SECONDS = 20.0


class Refused(Rejected):
    """The mail server will never take this mail (a reply of 5xx, RFC 5321, 4.2.1)."""

    code = "mail_refused"
    title = "The mail server refused it"


def send(site: Site, mail_id: str) -> None:
    """Queued work: send a mail and forget it. One that is over, or gone with its account, is not sent.

    A refusal for good is kept with the mail, for the admin.

    Raises: Unavailable when it may work later: the queue tries again.
    """
    mail: Mail | None = Mail.get_or_none(Mail.id == mail_id)
    if mail is None or mail.expires_at <= site.clock.now() or not site.config.smtp_host:
        return
    try:
        _deliver(site.config, _message(site, mail.id, mail.recipient, Letter(mail.subject, mail.text, mail.html)))
    except BulletDropError as error:
        Mail.update(error=error.message).where(Mail.id == mail.id).execute()
        # Neither gets better by being tried again: the mail server's word, and an address that is none.
        if not isinstance(error, Refused | Invalid):
            raise
        logger.warning("mail refused", extra={"purpose": mail.purpose, "reason": error.message})
        return
    Mail.delete().where(Mail.id == mail.id).execute()
    logger.info("mail sent", extra={"purpose": mail.purpose})


def send_test(site: Site, to: str) -> None:
    """Send a test mail now. Raises Invalid without a mail server or address, Refused, Unavailable with the reason."""
    if not site.config.smtp_host:
        raise Invalid("There is no mail server. Set smtp_host in config.toml, and start again.", field="smtp_host")
    letter = write(site, "test", username="", link="", lives=timedelta(days=1), values={})
    _deliver(site.config, _message(site, new_id(), to, letter))


def probe(config: Config) -> None:
    """Go as far with the mail server as goes without a mail: connect, encrypt, sign in. Raises Unavailable, Refused."""
    with _translated(config), _connected(config) as server:
        server.noop()


def sender(config: Config) -> str:
    """The address that mails come from: `smtp_from`, or `bulletdrop@` the host of `public_url`."""
    return parseaddr(config.smtp_from)[1] or f"bulletdrop@{_host(config)}"


def _host(config: Config) -> str:
    host = urlsplit(public_base(config)).hostname or "localhost"
    return f"[{host}]" if ":" in host else host


def _message(site: Site, mail_id: str, to: str, letter: Letter) -> EmailMessage:
    """The mail as it travels. Every header goes through the policy, which takes no line break (RFC 5322)."""
    from email.errors import MessageError
    from email.headerregistry import Address
    from email.message import EmailMessage
    from email.policy import SMTP, SMTPUTF8

    message = EmailMessage(policy=SMTP if to.isascii() else SMTPUTF8)
    try:
        message["From"] = Address(cleaned(site.config.site_name, most=100), addr_spec=sender(site.config))
        message["To"] = Address(addr_spec=to)
        message["Subject"] = letter.subject
        message["Date"] = site.clock.now()
        message["Message-ID"] = f"<{mail_id}@{_host(site.config)}>"
    except (MessageError, ValueError, IndexError) as error:
        raise Invalid("This is no email address.", field="email") from error
    # RFC 3834: nobody's holiday notice answers it.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


def _deliver(config: Config, message: EmailMessage) -> None:
    with _translated(config), _connected(config) as server:
        server.send_message(message)


@contextmanager
def _connected(config: Config) -> Iterator[smtplib.SMTP]:
    import smtplib

    context = trust.context()
    name, secured = config.smtp_host, config.smtp_security
    if secured == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(name, config.smtp_port, timeout=_SECONDS, context=context)
    else:
        server = smtplib.SMTP(name, config.smtp_port, timeout=_SECONDS)
    with server:
        if secured == "starttls":
            server.starttls(context=context)
        if config.smtp_user:
            server.login(config.smtp_user, config.smtp_password)
        yield server


@contextmanager
def _translated(config: Config) -> Iterator[None]:
    """What can go wrong with a mail server, as errors of ours. Their words hold no address and no part of the mail."""
    import smtplib
    import ssl

    where = f"The mail server {config.smtp_host}"
    try:
        yield
    except smtplib.SMTPNotSupportedError as error:
        # It depends on the server's settings, not on the mail, unless the address is what it cannot do.
        raise Unavailable(f"{where} lacks something: {error}") from None
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()))
        raise _refusal(where, code, words) from None
    except smtplib.SMTPAuthenticationError as error:
        # Its cure is a setting: the mail itself is good, and is tried again.
        raise Unavailable(f"{where} refuses smtp_user or smtp_password ({error.smtp_code}).") from None
    except smtplib.SMTPResponseException as error:
        raise _refusal(where, error.smtp_code, error.smtp_error) from None
    except ssl.SSLCertVerificationError as error:
        raise Unavailable(f"{where} shows a certificate that cannot be trusted: {error.verify_message}.") from None
    except (smtplib.SMTPException, OSError) as error:
        raise Unavailable(f"{where} cannot be reached: {error}.") from None


def _refusal(where: str, code: int, words: bytes | str) -> BulletDropError:
    said = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    message = f"{where} answered {code}: {cleaned(said.replace(chr(10), ' '), most=200)}"
    return Refused(message) if code >= 500 else Unavailable(message)
