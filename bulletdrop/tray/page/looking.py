"""One request for the page, with everything that answers it."""

from __future__ import annotations

from dataclasses import dataclass

from bulletdrop.clock import Clock
from bulletdrop.config import Config
from bulletdrop.tray.control_doors import Visit
from bulletdrop.tray.control_http import Request
from bulletdrop.tray.page.services import Services
from bulletdrop.tray.steering import Steering


@dataclass(frozen=True, slots=True)
class Look:
    """What a part of the page works with."""

    steering: Steering
    config: Config
    clock: Clock
    services: Services
    visit: Visit
    request: Request

    @property
    def is_live(self) -> bool:
        """Whether a page that is open asks what has changed, and not a person for a page."""
        return "x-live" in self.request.headers


def one(form: dict[str, list[str]], name: str, usual: str = "") -> str:
    """The value of a field, stripped; of several, the last."""
    return form.get(name, [usual])[-1].strip()


def is_on(form: dict[str, list[str]], name: str) -> bool:
    """Whether a box is ticked."""
    return one(form, name) == "yes"
