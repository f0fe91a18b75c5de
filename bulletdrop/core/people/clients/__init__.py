"""Other people's clients: ready files for their screenshot tools, each with a key of its own that it alone uses."""

from __future__ import annotations

from bulletdrop.core.audit import record
from bulletdrop.core.models import ApiKey, User
from bulletdrop.core.origin import public_base
from bulletdrop.core.people.clients.kinds import KINDS, ClientFile, Kind, Values
from bulletdrop.core.people.keys import create_key
from bulletdrop.core.site import Site
from bulletdrop.core.text import is_visible
from bulletdrop.errors import Invalid, NotFound

__all__ = ["KINDS", "ClientFile", "Kind", "find_kind", "list_client_keys", "make_client", "preview"]

LONGEST_DEVICE = 60
# What stands in a preview where the key will be. It is no key's shape, so that nobody is asked about it.
PLACEHOLDER = "bd_YOUR_KEY"


def find_kind(name: str) -> Kind:
    """A kind by its name, with or without its file's ending: `sharex` and `sharex.sxcu`. Raises NotFound."""
    stem, _, ending = name.partition(".")
    kind = KINDS.get(stem)
    if kind is None or (ending and not kind.filename.endswith(f".{ending}")):
        raise NotFound(f"There is no file for such a client. There are: {', '.join(KINDS)}.")
    return kind


def preview(site: Site, name: str) -> ClientFile:
    """A kind's file as it would be, with words in the place of the key. Raises NotFound."""
    return _file(site, find_kind(name), "preview", PLACEHOLDER)


def make_client(
    site: Site, user: User, name: str, *, device: str = "", session_id: str | None = None
) -> tuple[ApiKey, ClientFile]:
    """Make a file with a new key of somebody's in it. The key cannot be had again: the file is all there is of it.

    Args:
        name: the kind.
        device: where it will be used, for the key's name; today's date when left out.
        session_id: as of `keys.create_key`.

    Raises: NotFound for a kind that there is not; Invalid for a device's name that is too long or cannot be seen; what
        `keys.create_key` raises.
    """
    kind = find_kind(name)
    device = " ".join(device.split())
    if len(device) > LONGEST_DEVICE or not is_visible(device):
        raise Invalid(f"A device's name has at most {LONGEST_DEVICE} characters, all of them visible.", field="name")
    device = device or f"download of {site.clock.now():%Y-%m-%d}"
    key, plain = create_key(
        site, user, name=f"{kind.tool} ({device})", scopes=kind.scopes, session_id=session_id, client=kind.name
    )
    record(site, "client.make", actor=user.id, subject=key.id, detail=kind.name)
    return key, _file(site, kind, device, plain)


def list_client_keys(site: Site, user_id: str) -> list[ApiKey]:
    """The keys that such files hold and that were not revoked, newest first."""
    mine = (ApiKey.user == user_id) & ApiKey.revoked_at.is_null() & ApiKey.client.is_null(False)
    return list(ApiKey.select().where(mine).order_by(ApiKey.created_at.desc(), ApiKey.id))


def _file(site: Site, kind: Kind, device: str, key: str) -> ClientFile:
    label = " ".join(f"{site.config.site_name} ({device})".split())
    values = Values(base=public_base(site.config), key=key, label=label)
    return ClientFile(kind, kind.filename, kind.write(values), key)
