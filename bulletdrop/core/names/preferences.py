"""Preferences: how somebody's links look, and whose pages may show their pictures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from bulletdrop.core.audit import record
from bulletdrop.core.models import User
from bulletdrop.core.names.slugs import check_style
from bulletdrop.core.names.spelling import check_name, is_address
from bulletdrop.core.people.profile import get_user
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid

# off: every page may show their pictures; list: this server's and those of `hotlink_hosts`; own: this server's alone.
HOTLINKS = ("off", "list", "own")
MOST_HOSTS = 100
_LONGEST_HOST = 1000
_COLOR = re.compile(r"#[0-9a-f]{6}")
# A host without a dot, as networks at home have them.
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def change_preferences(site: Site, user_id: str, changes: Mapping[str, Any]) -> User:
    """Change some preferences; what is left out stays.

    Args:
        changes: `slug_style`, see `slugs.new_slug`; `link_ending`, true for links to the file itself; `hotlink`, one of
            HOTLINKS; `hotlink_hosts`, a list of hosts, each with all below it; `embed_color`, as #rrggbb, "" for none;
            `names_arrivals`, true to say on pages of what is still on its way whose it is.
    Raises: Invalid with the field, NotFound.
    """
    values = {name: _checked(name, value) for name, value in changes.items()}
    if values:
        User.update({**values, "updated_at": site.clock.now()}).where(User.id == user_id).execute()
        record(site, "preferences.change", actor=user_id, subject=user_id, detail=", ".join(sorted(values)))
    return get_user(site, user_id)


def check_hosts(hosts: Iterable[str]) -> list[str]:
    """Hosts in the form in which browsers name them, without doubles, in their order.

    People paste what stands in their browser: of an address its host is taken, and `*.` before one is left out.

    Raises: Invalid with the field `hotlink_hosts`, for the first that is none, and for more than 100.
    """
    found = dict.fromkeys(_host(one) for one in hosts if one.strip())
    if len(found) > MOST_HOSTS:
        raise Invalid(f"The list holds at most {MOST_HOSTS} hosts.", field="hotlink_hosts")
    return list(found)


def _checked(name: str, value: Any) -> Any:
    if name == "slug_style":
        return check_style(value)
    if name in ("link_ending", "names_arrivals"):
        return bool(value)
    if name == "hotlink":
        if value not in HOTLINKS:
            raise Invalid(f"hotlink is one of {', '.join(HOTLINKS)}.", field=name)
        return value
    if name == "hotlink_hosts":
        return check_hosts(value)
    if name == "embed_color":
        color = str(value).strip().lower()
        if color and not _COLOR.fullmatch(color):
            raise Invalid("A colour is written as #rrggbb, such as #d9480f.", field=name)
        return color
    raise Invalid(f"There is no preference “{name}”.", field=name)


def _host(text: str) -> str:
    host = text.strip()[: _LONGEST_HOST + 1].lower()
    host = re.split(r"[/?#\\]", host.partition("://")[2] or host)[0].rpartition("@")[2]
    if host.startswith("["):
        # The colons of an IPv6 address are no port.
        host = host[1:].partition("]")[0]
    elif not is_address(host):
        host = host.partition(":")[0]
    host = host.removeprefix("*.").rstrip(".")
    if is_address(host) or _LABEL.fullmatch(host):
        return host
    try:
        return check_name(host)
    except Invalid as error:
        shown = text.strip()[:60]
        raise Invalid(f"“{shown}” is no host. Write it as example.org.", field="hotlink_hosts") from error
