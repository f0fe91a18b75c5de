"""The tray's own page: what its menu can do and more, for every desktop, with or without an icon."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

from bulletdrop.clock import Clock
from bulletdrop.config import Config
from bulletdrop.errors import BadTicket, BulletDropError, Forbidden, NotFound, NotSignedIn
from bulletdrop.log import get_logger
from bulletdrop.tray.control_api import status_of
from bulletdrop.tray.control_doors import COOKIE, VISIT_SECONDS, Doors
from bulletdrop.tray.control_http import Reply, Request, see_other
from bulletdrop.tray.page import folders, general, health, recent, servers
from bulletdrop.tray.page.looking import Look
from bulletdrop.tray.page.rendering import render, static
from bulletdrop.tray.page.services import Services
from bulletdrop.tray.page.thumbs import thumb
from bulletdrop.tray.steering import Steering
from bulletdrop.tray.words import t
from bulletdrop.tray.words_said import told

log = get_logger("page")

Show = Callable[[Look], Reply]
# Does what a form asks; returns where to go on to.
Act = Callable[[Look, dict[str, list[str]]], str]
PLACES: dict[str, tuple[Show, Act]] = {
    "recent": (recent.show, recent.act),
    "folders": (folders.show, folders.act),
    "general": (general.show, general.act),
    "servers": (servers.show, servers.act),
    "health": (health.show, health.act),
}

QUIT_SECONDS = 0.3

_ENTER = re.compile(r"/enter/([A-Za-z0-9_-]{1,64})(?:/([a-z]{1,20}))?")
_PLACE = re.compile(r"/([A-Za-z0-9_-]{16})/([a-z]{0,20})")
_THUMB = re.compile(r"/([A-Za-z0-9_-]{16})/thumb/(\d{1,18})")


class Page:
    """Answers a browser's requests.

    Args:
        steering: the tray.
        config: the data folder, and what was named in the settings.
        doors: who may come in.
        clock: the time.
        port: where the server listens, for the origin that forms must come from.
    """

    def __init__(self, steering: Steering, config: Config, doors: Doors, *, clock: Clock, port: int) -> None:
        self._steering = steering
        self._config = config
        self._doors = doors
        self._clock = clock
        self._port = port
        self._services = Services(config, clock=clock)

    def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        try:
            return self._route(request)
        except BulletDropError as error:
            return self._trouble(error, status_of(error))
        except Exception:
            log.exception("The tray's page failed.")
            return self._trouble(BulletDropError(t("Something went wrong. BulletDrop's log says what.")), 500)

    def close(self) -> None:
        """End what the page has started: helpers that make thumbnails, checks, pairings."""
        self._services.close()

    def _route(self, request: Request) -> Reply:
        if request.path.startswith("/static/") and request.method in ("GET", "HEAD"):
            return static(request)
        if found := _ENTER.fullmatch(request.path):
            return self._enter(request, found[1], found[2] or "recent")
        if request.path in ("/", "/favicon.ico"):
            raise NotSignedIn(t("This page is opened from BulletDrop itself."))
        if found := _THUMB.fullmatch(request.path):
            return thumb(self._look(request, found[1]), int(found[2]))
        found = _PLACE.fullmatch(request.path)
        if found is None:
            raise NotFound(t("There is nothing at this address."))
        look = self._look(request, found[1])
        if found[2] == "":
            return see_other("recent")
        place = PLACES.get(found[2])
        if place is None:
            raise NotFound(t("There is nothing at this address."))
        if request.method in ("GET", "HEAD"):
            return place[0](look)
        if request.method != "POST":
            raise Forbidden(t("This cannot be done here."))
        return self._act(look, found[2])

    def _enter(self, request: Request, ticket: str, place: str) -> Reply:
        purpose = request.headers.get("sec-purpose", request.headers.get("purpose", ""))
        if request.method != "GET" or "prefetch" in purpose:
            raise BadTicket(t("This address is for opening the page."))
        visit = self._doors.enter(ticket, request)
        # No redirect: coming from elsewhere, a browser would send no strict cookie with the request that follows it.
        target = f"/{visit.room}/{place if place in PLACES else 'recent'}"
        reply = render("enter.html", None, target=target)
        cookie = f"{COOKIE}={visit.cookie}; Path=/{visit.room}/; HttpOnly; SameSite=Strict; Max-Age={VISIT_SECONDS:.0f}"
        reply.headers["Set-Cookie"] = cookie
        return reply

    def _look(self, request: Request, room: str) -> Look:
        visit = self._doors.visit(room, request)
        return Look(self._steering, self._config, self._clock, self._services, visit, request)

    def _act(self, look: Look, place: str) -> Reply:
        form = look.request.form()
        # The host was checked: it is one of our two names.
        own = f"http://{look.request.headers['host'].lower()}"
        self._doors.check_post(look.visit, look.request, own, form.pop("csrf", [""])[-1])
        if form.get("bar", [""])[-1] == "quit":
            return self._quit()
        return see_other(_act_on_every_page(look, form) or PLACES[place][1](look, form))

    def _quit(self) -> Reply:
        # The answer first: the end hangs up on everybody.
        timer = threading.Timer(QUIT_SECONDS, self._steering.quit)
        timer.daemon = True
        timer.start()
        message = t("Screenshots are kept on disk, and found at the next start.")
        return render("trouble.html", None, title=t("BulletDrop has ended"), message=message, ended=False)

    def _trouble(self, error: BulletDropError, status: int) -> Reply:
        title, message = told(error)
        reply = render("trouble.html", None, title=title, message=message, ended=status == 401)
        reply.status = status
        return reply


def _act_on_every_page(look: Look, form: dict[str, list[str]]) -> str | None:
    """What the bar above every page can do. Returns where to go on to, or None when it was something else."""
    from bulletdrop.tray.pausing import pause_end

    act = form.get("bar", [""])[-1]
    if not act:
        return None
    if act.startswith("pause-"):
        look.steering.pause(pause_end(act.removeprefix("pause-"), look.clock.now()))
    elif act == "resume":
        look.steering.resume()
    elif act == "gallery":
        look.steering.open_gallery()
    elif act == "pair":
        look.steering.pair_again()
    else:
        raise NotFound(t("This cannot be done here."))
    place = form.get("place", ["recent"])[-1]
    return place if place in PLACES else "recent"
