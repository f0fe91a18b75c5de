"""Is there a newer version? Asked once a day, only where the person wished it, and only told: nothing is downloaded.

The question carries nothing about this computer or its person: an address, and `User-Agent: BulletDrop/VERSION`.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from bulletdrop import __version__
from bulletdrop.clock import Clock
from bulletdrop.log import get_logger
from bulletdrop.paths import make_private_folder, write_private
from bulletdrop.tray.preferences import Chosen, Preferences

log = get_logger("updates")

# Who publishes this program, "owner/name" on GitHub. Written into a release when it is built (bulletdrop.spec), so that
# a build from anybody's copy asks nobody else, and one from the sources asks nobody.
PUBLISHER_FILE = Path(__file__).with_name("publisher.txt")
LATEST = "https://api.github.com/repos/{publisher}/releases/latest"
PAGE = "https://github.com/{publisher}/releases"
# For tests: where to ask instead.
FEED_VARIABLE = "BULLETDROP_TEST_RELEASES"

EVERY = timedelta(days=1)
# Nobody was reached, so nobody was asked: once more, but not at once.
AGAIN = timedelta(hours=1)
# A session that has just begun may have no network yet.
FIRST_SECONDS = 60.0
ANSWER_SECONDS = 20.0

_VERSION = re.compile(r"v?(\d{1,4}(?:\.\d{1,6}){0,3})")


@dataclass(frozen=True, slots=True)
class Feed:
    """Where newer versions are announced, and the page that a person opens. Empty where nobody is known to."""

    url: str = ""
    page: str = ""

    def __bool__(self) -> bool:
        return bool(self.url)


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered over restarts. `asked` is RFC 3339; "" for never.

    Args:
        newest: the newest version that the feed named, "" for none.
        told: the newest version that the person was told of.
    """

    asked: str = ""
    newest: str = ""
    told: str = ""


class Updates:
    """Asks in the background while the preference is on.

    Args:
        data: the data folder, for what is remembered.
        chosen: the preferences; `check_updates` switches this on and off, at once.
        tell: called with a new version once, in a thread of its own.
        feed: where to ask; None: the publisher of this build.
        ask: fetches the feed; the tests bring their own.
        first: seconds after the start before the first question.
    """

    def __init__(
        self,
        data: Path,
        *,
        chosen: Chosen,
        clock: Clock,
        tell: Callable[[str], object],
        feed: Feed | None = None,
        version: str = __version__,
        ask: Callable[[str, str], str] | None = None,
        first: float = FIRST_SECONDS,
    ) -> None:
        self._path = data / "tray" / "updates.json"
        self._chosen = chosen
        self._clock = clock
        self._tell = tell
        self.feed = own_feed() if feed is None else feed
        self._version = version
        self._ask = ask or fetch
        self._first = first
        self._stopped = threading.Event()
        self._wake = threading.Event()
        self._memory = _read(self._path)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def newer(self) -> str:
        """The newer version that is known of, such as "1.4.0"; "" for none, and while this is switched off."""
        newest = self._memory.newest
        return newest if self._chosen.now.check_updates and is_newer(newest, self._version) else ""

    def start(self) -> None:
        """Begin. Costs nothing while the preference is off."""
        self._chosen.listen(self._preferences_changed)
        self._run_if_wished()

    def stop(self) -> None:
        """End. Blocks for at most a second: a question under way is left to itself."""
        self._stopped.set()
        self._wake.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(1)

    def _preferences_changed(self, old: Preferences, new: Preferences) -> None:
        if new.check_updates != old.check_updates:
            self._wake.set()
            self._run_if_wished()

    def _run_if_wished(self) -> None:
        with self._lock:
            if self._thread is None and self._is_wished():
                self._thread = threading.Thread(target=self._run, name="updates", daemon=True)
                self._thread.start()

    def _is_wished(self) -> bool:
        return bool(self.feed) and self._chosen.now.check_updates and not self._stopped.is_set()

    def _run(self) -> None:
        wait = self._first
        while True:
            self._wake.wait(wait)
            self._wake.clear()
            with self._lock:  # whoever switches it on again meanwhile starts a new thread
                if not self._is_wished():
                    self._thread = None
                    return
            wait = min(self.look(), AGAIN.total_seconds())

    def look(self) -> float:
        """Ask, if it is time. Never raises. Returns the seconds until it is time again."""
        now = self._clock.now()
        due = _due(self._memory.asked, now)
        if due > now:
            return (due - now).total_seconds()
        try:
            found = read_version(self._ask(self.feed.url, self._version))
        except Exception as error:
            log.info("Whether there is a newer version could not be asked: %s", error)
            return AGAIN.total_seconds()
        told = self._memory.told
        is_news = is_newer(found, self._version) and found != told
        self._keep(Memory(now.isoformat(), found or self._memory.newest, found if is_news else told))
        if is_news:
            log.info("Version %s is there; this is %s.", found, self._version)
            self._tell(found)
        return EVERY.total_seconds()

    def _keep(self, memory: Memory) -> None:
        self._memory = memory
        try:
            make_private_folder(self._path.parent)
            write_private(self._path, json.dumps(asdict(memory)) + "\n")
        except OSError as error:
            log.info("What is known of newer versions could not be kept: %s", error)


def own_feed(environ: Mapping[str, str] = os.environ) -> Feed:
    """Where the publisher of this build announces versions. From the sources there is none, and so no update check."""
    if named := environ.get(FEED_VARIABLE):
        return Feed(named, named)
    try:
        publisher = PUBLISHER_FILE.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return Feed()
    if not re.fullmatch(r"[A-Za-z0-9-]{1,40}/[A-Za-z0-9._-]{1,100}", publisher):
        return Feed()
    return Feed(LATEST.format(publisher=publisher), PAGE.format(publisher=publisher))


def fetch(url: str, version: str) -> str:
    """What the feed says. Raises Unreachable, or ValueError for an answer that is none."""
    from urllib.parse import urlsplit

    from bulletdrop.tray.wire import Target, Wire

    parts = urlsplit(url)
    target = Target.parse(f"{parts.scheme}://{parts.netloc}", os.environ)
    wire = Wire(target, connect_seconds=ANSWER_SECONDS, answer_seconds=ANSWER_SECONDS)
    headers = {"Accept": "application/json", "User-Agent": f"BulletDrop/{version}"}
    try:
        answer = wire.exchange("GET", parts.path or "/", headers, None)
    finally:
        wire.close()
    if answer.status == 404:
        return "{}"  # nothing was released yet
    if answer.status != 200:
        raise ValueError(f"the answer was {answer.status}")
    return answer.body.decode("utf-8", "replace")


def read_version(text: str) -> str:
    """The version that the feed's answer names (GitHub, "Get the latest release"), or "" when it names none of ours.

    Drafts and pre-releases are none; nothing but digits and dots is taken over, since it is shown to the person.
    """
    value = json.loads(text)
    if not isinstance(value, dict) or value.get("draft") or value.get("prerelease"):
        return ""
    found = _VERSION.fullmatch(str(value.get("tag_name") or ""))
    return found[1] if found else ""


def is_newer(found: str, own: str) -> bool:
    """Whether a released version is newer than this one. A development version (1.2.0.dev3) comes before 1.2.0."""
    released, mine = _VERSION.fullmatch(found), _VERSION.match(own)
    if released is None or mine is None:
        return False
    there, here = _numbers(released[1]), _numbers(mine[1])
    return there > here or (there == here and mine.end() < len(own))


def _numbers(text: str) -> tuple[int, ...]:
    numbers = [int(part) for part in text.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _due(asked: str, now: datetime) -> datetime:
    """When to ask next. A moment in the future was written under a wrong clock and does not count."""
    try:
        last = datetime.fromisoformat(asked)
        return last + EVERY if last <= now else now
    except (ValueError, TypeError):
        return now


def _read(path: Path) -> Memory:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        known = {name: str(values[name]) for name in ("asked", "newest", "told") if name in values}
        return replace(Memory(), **known)
    except (OSError, ValueError, TypeError):
        return Memory()
