"""The tray's menu as plain data, and the words in it. Knows no D-Bus and no toolkit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from bulletdrop.tray.desk import Item, Report, State, Status
from bulletdrop.tray.pausing import pause_end
from bulletdrop.tray.steering import Steering
from bulletdrop.tray.words import t
from bulletdrop.tray.words_said import said

LONGEST_NAME = 40
LONGEST_REASON = 90
MOST_RECENT = 10
MOST_FAILED = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the menu: a text with an action, a submenu, a text alone (no action), or a separating line.

    `key` tells the line from others for as long as it is there, whatever its label becomes; "" is its label. `icon` is
    a small PNG to its left.
    """

    label: str = ""
    action: Callable[[], object] | None = None
    children: tuple[Entry, ...] = ()
    separator: bool = False
    key: str = ""
    icon: bytes = b""

    @property
    def enabled(self) -> bool:
        """Whether it can be chosen."""
        return self.action is not None or bool(self.children)


LINE = Entry(separator=True)


class Hands(Steering, Protocol):
    """What the menu can make happen. Each returns at once: the menu lives in the program's main thread."""

    def copy_last(self) -> None:
        """The newest link to the clipboard."""
        ...

    def failed(self) -> list[Item]:
        """What was not accepted, newest first."""
        ...

    def retry_all(self) -> None:
        """Try all of it again."""
        ...

    def choose_file(self) -> None:
        """Let the person choose a file, and send it."""
        ...

    def open_health(self) -> None:
        """The part of the tray's own page that says how everything stands."""
        ...


@dataclass(frozen=True, slots=True)
class Sight:
    """What the menu shows at one moment.

    Args:
        report: how the engine stands.
        recent: the newest captures, newest first; the first ten are shown.
        failed: what was not accepted, newest first.
        need: what the person has to do, such as "Set up BulletDrop".
        now: the time, with the zone of the person.
        undo: until when each capture, by its id, can be taken back by Undo.
        icons: the small picture of each capture, by its id, as PNG.
    """

    report: Report
    recent: Sequence[Item]
    now: datetime
    failed: Sequence[Item] = ()
    need: str | None = None
    undo: Mapping[int, datetime] = field(default_factory=dict)
    icons: Mapping[int, bytes] = field(default_factory=dict)


def build_menu(sight: Sight, hands: Hands) -> tuple[Entry, ...]:
    """The whole menu for this moment."""
    report = sight.report
    last = next((item for item in sight.recent if item.link), None)
    recent = [_capture(item, sight, hands) for item in sight.recent[:MOST_RECENT]]
    teach = Entry(t("Take a screenshot, and its link is here."))
    entries = [
        Entry(t("Copy last link"), hands.copy_last if last else None, key="copy-last"),
        Entry(t("Recent"), children=tuple(recent) or (teach,), key="recent"),
        LINE,
    ]
    if line := state_line(report, sight.now):
        entries.append(Entry(line, key="state"))
    if sight.need:
        entries.append(Entry(sight.need, hands.pair_again, key="need"))
    for number, sentence in enumerate(report.troubles):
        entries.append(Entry(short_name(sentence, LONGEST_REASON), hands.open_health, key=f"trouble-{number}"))
    if sight.failed:
        entries.append(_failed(sight.failed, hands))
    entries += [
        _pause(report, sight.now, hands),
        Entry(t("Upload a file…"), hands.choose_file, key="upload"),
        LINE,
        Entry(t("Open gallery"), hands.open_gallery, key="gallery"),
        Entry(t("Settings…"), hands.open_settings, key="settings"),
        Entry(t("Doctor"), hands.open_health, key="doctor"),
        LINE,
        Entry(t("Quit"), hands.quit, key="quit"),
    ]
    return tuple(entries)


def state_line(report: Report, now: datetime) -> str | None:
    """The one line that says how things stand, or None when there is nothing to say."""
    count = report.waiting + report.sending
    if report.state is State.WORKING:
        words = t("Uploading {count}", count=count) if count else t("Uploading")
        return " · ".join(part for part in (words, _asking(report.asking)) if part)
    if report.state is State.NEEDS_YOU:
        words = report.message or t("BulletDrop needs you")
    elif report.state is State.OFFLINE:
        words = short_name((report.message or t("The server cannot be reached")).rstrip("."), LONGEST_REASON)
    elif report.state is State.PAUSED:
        words = t("Paused")
        if report.paused_until is not None:
            words = t("Paused until {time}", time=_end(report.paused_until, now))
    else:
        words = ""
    parts = [words, _waiting(report, count), _asking(report.asking)]
    return " · ".join(part for part in parts if part) or None


def _asking(count: int) -> str:
    if count == 1:
        return t("1 asks before it is sent")
    return t("{count} ask before they are sent", count=count) if count else ""


def _waiting(report: Report, count: int) -> str:
    if not count:
        return ""
    if report.state is not State.OFFLINE:
        return t("{count} waiting", count=count)
    if count == 1:
        return t("1 screenshot waits for the server")
    return t("{count} screenshots wait for the server", count=count)


def tooltip(report: Report, now: datetime) -> str:
    """What the icon says when the pointer rests on it."""
    done = f"{report.progress:.0%}" if report.state is State.WORKING and report.progress is not None else ""
    parts = [state_line(report, now) or "", done, _not_accepted(report.refused + report.failed)]
    return " · ".join(part for part in parts if part) or t("Ready. Take a screenshot.")


def short_name(name: str, longest: int = LONGEST_NAME) -> str:
    """A file name that fits a menu: the middle is left out, since start and end are what tells names apart."""
    if len(name) <= longest:
        return name
    half = (longest - 1) // 2
    return f"{name[: longest - 1 - half]}…{name[-half:]}"


def when(moment: datetime, now: datetime) -> str:
    """A time as one says it: "14:03" today, "yesterday", else the date. Both are aware; the zone is that of `now`."""
    there = moment.astimezone(now.tzinfo)
    if there.date() == now.date():
        return f"{there:%H:%M}"
    if there.date() == (now - timedelta(days=1)).date():
        return t("yesterday")
    return f"{there:%Y-%m-%d}"


def _end(moment: datetime, now: datetime) -> str:
    """When a pause ends: "15:04", "tomorrow, 08:00", or the date."""
    there = moment.astimezone(now.tzinfo)
    if there.date() == now.date():
        return f"{there:%H:%M}"
    if there.date() == (now + timedelta(days=1)).date():
        return t("tomorrow, {time}", time=f"{there:%H:%M}")
    return f"{there:%Y-%m-%d %H:%M}"


def _not_accepted(count: int) -> str:
    return t("{count} not accepted", count=count) if count else ""


def _pause(report: Report, now: datetime, hands: Hands) -> Entry:
    if report.state is State.PAUSED:
        return Entry(t("Resume"), hands.resume, key="resume")
    choices = (
        Entry(t("For an hour"), lambda: hands.pause(pause_end("1h", now))),
        Entry(t("Until tomorrow"), lambda: hands.pause(pause_end("tomorrow", now, now.tzinfo))),
        Entry(t("Until I resume"), lambda: hands.pause(None)),
    )
    return Entry(t("Pause"), children=choices, key="pause")


def _failed(items: Sequence[Item], hands: Hands) -> Entry:
    lines = [
        Entry(
            short_name(item.name),
            children=(
                Entry(_why(item)),
                Entry(t("Try again"), lambda item=item: hands.retry(item.id)),  # type: ignore[misc]
                Entry(t("Forget it"), lambda item=item: hands.forget(item.id)),  # type: ignore[misc]
            ),
            key=f"failed-{item.id}",
        )
        for item in items[:MOST_FAILED]
    ]
    lines += [LINE, Entry(t("Try all again"), hands.retry_all, key="retry-all")]
    return Entry(_not_accepted(len(items)), children=tuple(lines), key="failed")


def _capture(item: Item, sight: Sight, hands: Hands) -> Entry:
    parts = [when(item.found_at, sight.now), short_name(item.name), _standing(item)]
    return Entry(
        " · ".join(part for part in parts if part),
        children=tuple(_choices(item, sight, hands)),
        key=f"item-{item.id}",
        icon=sight.icons.get(item.id, b""),
    )


def _standing(item: Item) -> str:
    if item.status in (Status.WAITING, Status.SENDING):
        return t("on its way")
    if item.status is Status.ASKING:
        return t("asks to be sent")
    if item.status is Status.UNDONE:
        return t("undone")
    return "" if item.status is Status.DONE else t("not uploaded")


def _choices(item: Item, sight: Sight, hands: Hands) -> list[Entry]:
    key, found = item.id, []
    if item.status is Status.ASKING:
        found = [Entry(t("Send"), lambda: hands.approve(key)), Entry(t("Do not send"), lambda: hands.forget(key))]
    elif item.status in (Status.REFUSED, Status.FAILED, Status.STALLED):
        found = [
            Entry(_why(item), key="why"),
            Entry(t("Try again"), lambda: hands.retry(key)),
            Entry(t("Forget it"), lambda: hands.forget(key)),
        ]
    elif item.link and item.status is not Status.UNDONE:
        found = [Entry(t("Copy link"), lambda: hands.copy(key)), Entry(t("Open page"), lambda: hands.open(key))]
        if item.error:
            found.insert(0, Entry(_why(item), key="why"))
        if item.missed:
            found.insert(0, Entry(t("Made while BulletDrop was off or asleep: not copied."), key="missed"))
    until = sight.undo.get(key)
    if until is not None and item.status is not Status.UNDONE:
        found.append(Entry(t("Undo (until {time})", time=f"{until:%H:%M:%S}"), lambda: hands.undo(key), key="undo"))
    if not item.binned:
        found.append(Entry(t("Show file"), lambda: hands.show_file(key)))
        if item.link and item.status is not Status.UNDONE:
            really = Entry(t("Really delete both copies"), lambda: hands.delete_both(key))
            found.append(Entry(t("Delete both copies"), children=(really,), key="delete"))
    return found


def _why(item: Item) -> str:
    return short_name(said(item.error, item.error_code) if item.error else t("It was not complete."), 70)
