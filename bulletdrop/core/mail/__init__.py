"""Mail: written into a table in the caller's transaction, sent by the queue; without a mail server, handed over."""

from __future__ import annotations

from bulletdrop.core.mail.outgoing import forget_mails, post, waiting
from bulletdrop.core.mail.purposes import MAILS, Purpose
from bulletdrop.core.mail.sending import MAIL, probe, send, send_test

__all__ = ["MAIL", "MAILS", "Purpose", "forget_mails", "post", "probe", "send", "send_test", "waiting"]
