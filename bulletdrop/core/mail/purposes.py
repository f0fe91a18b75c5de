"""MAILS: every mail that this program writes, as words; two templates give them their form."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Purpose:
    """One kind of mail. All texts may name `{site}`, `{username}`, `{lives}` and what `post` is given besides.

    Args:
        subject: the line in the list of mails.
        paragraphs: what happened, then what to do.
        button: what the link does; empty for a mail without one.
        note: why the mail came, and what to do for whom it surprises.
    """

    subject: str
    paragraphs: tuple[str, ...]
    button: str
    note: str


_NOT_YOU = "If it was not you, do nothing: without the link nothing happens."
_CHANGED = "If it was not you, reset your password at once, and tell the admin of this server."

MAILS: dict[str, Purpose] = {
    "verify": Purpose(
        "Confirm your email address for {site}",
        (
            "Somebody, we hope you, made the account “{username}” at {site} with this address.",
            "Confirm the address to finish. The link works for {lives}, once.",
        ),
        "Confirm this address",
        f"You get this mail because your address was typed in at {{site}}. {_NOT_YOU} "
        "An account that is not confirmed is removed by itself.",
    ),
    "already-registered": Purpose(
        "You already have an account at {site}",
        (
            "Somebody, perhaps you, tried to make an account at {site} with this address. "
            "You have one already: “{username}”.",
            "Sign in with it. If you have forgotten the password, ask for a new one on the sign-in page.",
        ),
        "Sign in",
        "You get this mail because your address was typed in at {site}. If it was not you, do nothing: "
        "nothing was changed, and whoever typed it was not told that you have an account.",
    ),
    "reset": Purpose(
        "Choose a new password for {site}",
        (
            "A new password was asked for, for the account “{username}”.",
            "The link works for {lives}, once. A new password signs you out everywhere.",
        ),
        "Choose a new password",
        f"You get this mail because somebody asked {{site}} for it with your name or address. {_NOT_YOU}",
    ),
    "password-changed": Purpose(
        "Your password for {site} was changed",
        (
            "The password of the account “{username}” was changed.",
            "Everybody who was signed in with the old one has been signed out.",
        ),
        "",
        f"You get this mail because the account has your address. {_CHANGED}",
    ),
    "email-change": Purpose(
        "Confirm your new email address for {site}",
        (
            "The account “{username}” at {site} is to have this address.",
            "Confirm it to make the change. The link works for {lives}, once.",
        ),
        "Confirm this address",
        f"You get this mail because this address was typed in as a new one. {_NOT_YOU}",
    ),
    "email-changed": Purpose(
        "The email address of your account at {site} is being changed",
        (
            "The account “{username}” is to have a new address: {new_email}.",
            "If you asked for this, there is nothing to do. If you did not, stop it: the link works for {lives}, keeps "
            "this address or brings it back, and signs everybody out.",
        ),
        "Keep this address",
        "You get this mail because the account has this address. If it was not you, press the link, then choose a new "
        "password.",
    ),
    "email-restored": Purpose(
        "Your account at {site} keeps its email address",
        (
            "The change of the address of “{username}” was stopped. The account has this address, everybody who "
            "was signed in has been signed out, and API keys and paired devices no longer work.",
            "Whoever asked for the change knew your password or sat at your computer. Choose a new password now.",
        ),
        "Choose a new password",
        "You get this mail because somebody with access to this mailbox stopped the change. If it was not you, tell "
        "the admin of this server.",
    ),
    "invite": Purpose(
        "You are invited to {site}",
        (
            "You may make an account at {site}, a place for screenshots and files.",
            "The link works for {lives}, for this address.",
        ),
        "Accept the invitation",
        "You get this mail because an admin of {site} typed in your address. If you do not want an account, do "
        "nothing.",
    ),
    "team-invite": Purpose(
        "You are invited to the team “{team}” at {site}",
        (
            "{inviter} invites you to the team “{team}” at {site}, as {role}.",
            "The link works for {lives}.",
        ),
        "Look at the invitation",
        "You get this mail because {inviter} typed in your address. If you do not want to join, do nothing.",
    ),
    "deletion": Purpose(
        "Your account at {site} will be deleted on {date}",
        (
            "The account “{username}” and everything in it will be deleted on {date}. Until then nobody sees it.",
            "You can take this back: sign in before that day, and everything is as it was.",
        ),
        "Keep my account",
        "You get this mail because the deletion was asked for on the account's page. If it was not you, sign in to "
        "stop it, then change your password.",
    ),
    "deletion-taken-back": Purpose(
        "Your account at {site} will not be deleted",
        ("Somebody signed in as “{username}”, so the account stays as it was.",),
        "",
        f"You get this mail because the account was about to be deleted. {_CHANGED}",
    ),
    "deleted": Purpose(
        "Your account at {site} is gone",
        ("As asked for, the account “{username}” and everything in it were deleted. This is the last mail.",),
        "",
        "You get this mail because the account had your address. If you did not ask for it, tell the admin of this "
        "server.",
    ),
    "new-sign-in": Purpose(
        "Somebody signed in to your account at {site}",
        (
            "The account “{username}” was signed in to from a browser or program that was not seen before: {device}, "
            "from {address}.",
            "If it was you, there is nothing to do.",
        ),
        "Look at the sessions",
        "You get this mail because the account has your address. If it was not you, end that session and change your "
        "password.",
    ),
    "recovery-code-used": Purpose(
        "A recovery code was used to sign in to {site}",
        (
            "Somebody signed in as “{username}” with a recovery code, in place of the usual second step. "
            "{left} are left.",
            "If it was you, there is nothing to do. New codes are made on the account's page.",
        ),
        "Look at how you sign in",
        f"You get this mail because the account has your address. {_CHANGED}",
    ),
    "security-changed": Purpose(
        "How you sign in to {site} was changed",
        ("For the account “{username}”: {what}.",),
        "Look at how you sign in",
        f"You get this mail because the account has your address. {_CHANGED}",
    ),
    "moderated": Purpose(
        "An admin of {site} changed one of your drops",
        ("Your drop “{drop}” was {what}.", "The reason: {reason}."),
        "",
        "You get this mail because the drop is yours. If you think that it was a mistake, write to the admin of "
        "{site}.",
    ),
    "test": Purpose(
        "A test from {site}",
        ("Mail from {site} arrives. There is nothing to do.",),
        "",
        "You get this mail because an admin of {site} sent a test to this address. If that surprises you, do nothing.",
    ),
}
