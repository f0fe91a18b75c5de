"""Where uploads go: the server that is used now, the list of servers, pairing another, and other people's hosts."""

from __future__ import annotations

from bulletdrop.errors import BulletDropError, Invalid, NotFound
from bulletdrop.tray import meeting
from bulletdrop.tray import servers as listed
from bulletdrop.tray.control_http import Reply
from bulletdrop.tray.discovery import Found
from bulletdrop.tray.meeting import address_of
from bulletdrop.tray.page.health import place_words
from bulletdrop.tray.page.looking import Look, one
from bulletdrop.tray.page.pairing_try import PairingTry
from bulletdrop.tray.page.rendering import render
from bulletdrop.tray.words import t
from bulletdrop.tray.words_said import told
from bulletdrop.trust import read_fingerprint, shown


def show(look: Look) -> Reply:
    """The servers."""
    chosen, connection = look.steering.chosen.now, look.steering.connection()
    nearby, no_network = look.services.found()
    known = {server.url for server in chosen.servers}
    return render(
        "servers.html",
        look,
        connection=connection,
        key_lies_in=place_words(connection.token_in),
        servers=chosen.servers,
        pairing=look.services.pairing,
        fingerprint=shown(look.services.pairing.seen) if look.services.pairing else "",
        nearby=[found for found in nearby if not known & set(found.urls)],
        no_network=no_network,
        foreign=_foreign(chosen.foreign),
        draft=look.visit.notes.get("uploader", ""),
    )


def _foreign(text: str) -> dict[str, str] | None:
    """What the page says of the host in use; None for none."""
    from bulletdrop.tray.foreign import parse

    if not text:
        return None
    try:
        uploader = parse(text)
    except Invalid as error:
        return {"name": t("An uploader that cannot be read"), "host": "", "problem": told(error)[1]}
    return {"name": uploader.name, "host": uploader.host, "problem": ""}


def act(look: Look, form: dict[str, list[str]]) -> str:
    """Pair, order, remove; bring in or remove somebody else's host."""
    name = one(form, "do")
    acts = {
        "pair": _pair,
        "pair-found": _pair_found,
        "pair-end": _pair_end,
        "first": _first,
        "remove": _remove,
        "foreign": _take_foreign,
        "foreign-end": _end_foreign,
    }
    if name not in acts:
        raise NotFound(t("This cannot be done here."))
    try:
        return acts[name](look, form)
    except BulletDropError as error:
        look.visit.say(told(error)[1], "danger")
        return "servers"


def _pair(look: Look, form: dict[str, list[str]]) -> str:
    text = one(form, "server")
    if text.startswith(f"{meeting.LINK}:"):
        # The whole text of the QR code.
        url, code, fingerprint = meeting.read_link(text)
        _begin(look, address_of(url), code, fingerprint)
    else:
        _begin(look, address_of(text), one(form, "code"), one(form, "fingerprint"))
    return "servers#pair"


def _pair_found(look: Look, form: dict[str, list[str]]) -> str:
    wanted = one(form, "server")
    found = next((found for found in look.services.found()[0] if found.urls[0] == wanted), None)
    if found is None:
        raise NotFound(t("This server is not to be seen in the network any more."))
    _begin(look, found, "")
    return "servers#pair"


def _begin(look: Look, where: str | Found, code: str, fingerprint: str = "") -> None:
    data, clock, steering = look.config.data, look.clock, look.steering
    pin = read_fingerprint(fingerprint) if fingerprint else ""
    look.services.pair(
        lambda: PairingTry(data, where, code=code, paired=steering.pair_again, clock=clock, fingerprint=pin)
    )


def _pair_end(look: Look, form: dict[str, list[str]]) -> str:
    look.services.pair(None)
    return "servers#pair"


def _first(look: Look, form: dict[str, list[str]]) -> str:
    servers = look.steering.chosen.now.servers
    first = [server for server in servers if server.url == one(form, "server")]
    look.steering.chosen.change(servers=(*first, *(server for server in servers if server not in first)))
    look.steering.pair_again()
    look.visit.say(t("Uploads go there first."))
    return "servers"


def _remove(look: Look, form: dict[str, list[str]]) -> str:
    url = one(form, "server")
    if url not in {server.url for server in look.steering.chosen.now.servers}:
        raise NotFound(t("This server is not in the list."))
    listed.forget(look.config.data, url)
    look.steering.pair_again()
    look.visit.say(t("{server} is out of the list, and its key is forgotten here.", server=url))
    return "servers"


def _take_foreign(look: Look, form: dict[str, list[str]]) -> str:
    from bulletdrop.tray.foreign import parse

    text = one(form, "uploader")
    look.visit.notes["uploader"] = text
    uploader = parse(text)
    look.steering.chosen.change(foreign=text)
    look.visit.notes.pop("uploader", None)
    look.steering.pair_again()
    look.visit.say(t("Uploads go to {host} from now on.", host=uploader.host))
    return "servers#foreign"


def _end_foreign(look: Look, form: dict[str, list[str]]) -> str:
    look.steering.chosen.change(foreign="")
    look.steering.pair_again()
    look.visit.say(t("Uploads go to your server again."))
    return "servers#foreign"
