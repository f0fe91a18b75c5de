"""Profiles: what a person says of themselves."""

from __future__ import annotations

from bulletdrop.core.audit import record
from bulletdrop.core.models import User
from bulletdrop.core.site import Site
from bulletdrop.core.text import is_visible
from bulletdrop.errors import Invalid, NotFound

# Characters at most.
LONGEST = {"display_name": 100, "first_name": 100, "last_name": 100, "bio": 1000}


def get_user(site: Site, user_id: str) -> User:
    """A person by id. Raises NotFound."""
    user: User | None = User.get_or_none(User.id == user_id)
    if user is None:
        raise NotFound("This account is gone.")
    return user


def change_profile(site: Site, user_id: str, changes: dict[str, str]) -> User:
    """Change names and bio; what is left out stays as it is. The bio alone may have several lines.

    Raises: Invalid with the field, NotFound.
    """
    fitting: dict[str, object] = {}
    for name, value in changes.items():
        if name not in LONGEST:
            raise Invalid(f"A profile has no “{name}”.", field=name)
        text = value.replace("\r\n", "\n").strip()
        lines = text.split("\n") if name == "bio" else [text]
        if len(text) > LONGEST[name]:
            raise Invalid(f"At most {LONGEST[name]} characters; this has {len(text)}.", field=name)
        if not all(is_visible(line) for line in lines):
            raise Invalid("This holds characters that cannot be seen.", field=name)
        fitting[name] = text
    if fitting:
        User.update({**fitting, "updated_at": site.clock.now()}).where(User.id == user_id).execute()
        record(site, "profile.change", actor=user_id, subject=user_id, detail=", ".join(fitting))
    return get_user(site, user_id)


def shown_name(user: User) -> str:
    """How a person is called where there is room for one name."""
    return user.display_name or f"{user.first_name} {user.last_name}".strip() or user.username
