"""The tray's menu as plain data, and the words in it. Knows no D-Bus and no toolkit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bulletdrop.tray.desk import Item, Report, State, Status

LONGEST_NAME = 40
LONGEST_REASON = 90


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the menu: a text with an action, a submenu, a text alone (no action), or a separating line."""

    label: str = ""
    action: Callable[[], object] | None = None
    children: tuple[Entry, ...] = ()
    separator: bool = False

    @property
    def enabled(self) -> bool:
        """Whether it can be chosen."""
        return self.action is not None or bool(self.children)


LINE = Entry(separator=True)


@dataclass(frozen=True, slots=True)
class Actions:
    """What the menu can make happen. Each returns at once: the menu lives in the program's main thread."""

    copy_last: Callable[[], object]
    copy: Callable[[Item], object]
    open: Callable[[Item], object]
    retry: Callable[[Item], object]
    forget: Callable[[Item], object]
    pause: Callable[[], object]
    resume: Callable[[], object]
    gallery: Callable[[], object]
    pair: Callable[[], object]
    quit: Callable[[], object]


def build_menu(
    report: Report, recent: Sequence[Item], actions: Actions, *, needs: str | None = None
) -> tuple[Entry, ...]:
    """The whole menu for this moment.

    Args:
        report: how the engine stands.
        recent: the newest captures, newest first; the first ten are shown.
        actions: what the lines do.
        needs: what the person has to do, such as "Set up BulletDrop"; chosen, it opens the page for it.
    """
    last = next((item for item in recent if item.link), None)
    paused = report.state is State.PAUSED
    entries = [Entry("Copy last link", actions.copy_last if last else None), _recent(recent[:10], actions), LINE]
    if line := state_line(report):
        entries.append(Entry(line))
    if needs:
        entries.append(Entry(needs, actions.pair))
    entries.append(Entry("Resume", actions.resume) if paused else Entry("Pause", actions.pause))
    entries += [Entry("Open gallery", actions.gallery), LINE, Entry("Quit", actions.quit)]
    return tuple(entries)


def state_line(report: Report) -> str | None:
    """The one line that says how things stand, or None when there is nothing to say."""
    count = report.waiting + report.sending
    waiting = f"{count} waiting" if count else ""
    if count and report.state is State.OFFLINE:
        waiting = f"{count} screenshot{' waits' if count == 1 else 's wait'} for the server"
    words = {
        State.NEEDS_YOU: report.message or "BulletDrop needs you",
        State.OFFLINE: short_name((report.message or "The server cannot be reached").rstrip("."), LONGEST_REASON),
        State.PAUSED: "Paused",
        State.WORKING: f"Uploading {count}" if count else "Uploading",
        State.IDLE: "",
    }[report.state]
    parts = [words] if report.state is State.WORKING else [words, waiting]
    if report.refused and report.state in (State.IDLE, State.WORKING):
        parts.append(f"{report.refused} not accepted")
    return " · ".join(part for part in parts if part) or None


def tooltip(report: Report) -> str:
    """What the icon says when the pointer rests on it."""
    return state_line(report) or "Ready. Take a screenshot."


def short_name(name: str, longest: int = LONGEST_NAME) -> str:
    """A file name that fits a menu: the middle is left out, since start and end are what tells names apart."""
    if len(name) <= longest:
        return name
    half = (longest - 1) // 2
    return f"{name[: longest - 1 - half]}…{name[-half:]}"


def _recent(items: Sequence[Item], actions: Actions) -> Entry:
    if not items:
        return Entry("Recent", children=(Entry("Take a screenshot, and its link is here."),))
    return Entry("Recent", children=tuple(_capture(item, actions) for item in items))


def _capture(item: Item, actions: Actions) -> Entry:
    name = short_name(item.name)
    if item.link:
        copy = Entry("Copy link", lambda: actions.copy(item))
        return Entry(name, children=(copy, Entry("Open page", lambda: actions.open(item))))
    if item.status in (Status.WAITING, Status.SENDING):
        return Entry(f"{name} · on its way")
    retry, forget = Entry("Try again", lambda: actions.retry(item)), Entry("Forget it", lambda: actions.forget(item))
    return Entry(f"{name} · not uploaded", children=(Entry(_why(item)), retry, forget))


def _why(item: Item) -> str:
    return short_name(item.error or "It was not complete.", 70)
