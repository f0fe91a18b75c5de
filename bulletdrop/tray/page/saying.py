"""Times, sizes and states as the page says them."""

from __future__ import annotations

from datetime import datetime, timedelta

from bulletdrop.tray.desk import Item, Report, State, Status
from bulletdrop.tray.words import spoken, t

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Times:
    """Moments in words, for one page: one now for all of it, in this computer's time zone."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def near(self, moment: datetime) -> str:
        """How long ago: "3 min ago", "today, 14:03"."""
        ago = self._now - moment
        if ago < MINUTE:
            return t("just now")
        if ago < HOUR:
            return t("{count} min ago", count=int(ago / MINUTE))
        return day_and_time(moment, self._now)

    def until(self, moment: datetime) -> str:
        """How long until then: "in 3 min"."""
        left = moment - self._now
        if left < MINUTE:
            return t("in a moment")
        if left < HOUR:
            return t("in {count} min", count=int(left / MINUTE))
        return day_and_time(moment, self._now)

    def full(self, moment: datetime) -> str:
        """To the second, with the zone."""
        return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z").strip()


def day_and_time(moment: datetime, now: datetime) -> str:
    """A moment by its day, near ones in words: "today, 14:03", "2026-11-20, 14:03"."""
    local, today = moment.astimezone(), now.astimezone().date()
    clock = local.strftime("%H:%M")
    days = (local.date() - today).days
    if days == 0:
        return t("today, {clock}", clock=clock)
    if days == -1:
        return t("yesterday, {clock}", clock=clock)
    if days == 1:
        return t("tomorrow, {clock}", clock=clock)
    return f"{local:%Y-%m-%d}, {clock}"


def size(count: int) -> str:
    """Bytes for people: "412 KB", "1.4 MB"."""
    value, unit = float(count), "B"
    for larger in ("KB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    text = f"{value:.0f}" if unit in ("B", "KB") or value >= 100 else f"{value:.1f}"
    return f"{text.replace('.', ',') if spoken() == 'de' else text} {unit}"


def status_words(item: Item) -> tuple[str, str]:
    """Where a capture stands, and the tone of it: "", ok, warn, danger or accent."""
    told = {
        Status.SEEN: (t("Seen"), ""),
        Status.WAITING: (t("Waits"), ""),
        Status.SENDING: (t("On its way"), "accent"),
        Status.DONE: (t("Uploaded"), "ok"),
        Status.REFUSED: (t("Not accepted"), "danger"),
        Status.STALLED: (t("Not complete"), "warn"),
        Status.FAILED: (t("The file is gone"), "danger"),
        Status.ASKING: (t("Asks you first"), "warn"),
        Status.UNDONE: (t("Undone"), ""),
    }
    return told.get(item.status, (item.status.value, ""))


def state_words(report: Report, now: datetime) -> str:
    """How the tray stands, in a few words."""
    count = report.waiting + report.sending
    if report.state is State.WORKING:
        return t("Uploading {count}", count=max(1, count))
    if report.state is State.PAUSED:
        until = getattr(report, "paused_until", None)
        return t("Paused until {when}", when=day_and_time(until, now)) if until is not None else t("Paused")
    if report.state is State.OFFLINE:
        return t("Offline, {count} wait", count=count) if count else t("Offline")
    if report.state is State.NEEDS_YOU:
        return t("Needs you")
    return t("Ready")
