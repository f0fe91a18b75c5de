"""The words and buttons of notifications: what happened, then what can be done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bulletdrop.errors import BulletDropError
from bulletdrop.tray.desk import Item, Status
from bulletdrop.tray.formats import Held, is_picture
from bulletdrop.tray.notify import Button, Note
from bulletdrop.tray.words import t
from bulletdrop.tray.words_said import said, told


class Presses(Protocol):
    """What the buttons of notes do."""

    def open(self, item_id: int) -> None:
        """The page in the browser."""
        ...

    def copy(self, item_id: int) -> None:
        """The link to the clipboard."""
        ...

    def retry(self, item_id: int) -> None:
        """Try again now."""
        ...

    def forget(self, item_id: int) -> None:
        """Never upload it."""
        ...

    def approve(self, item_id: int) -> None:
        """Send what asked first."""
        ...

    def decline(self, item_id: int) -> None:
        """Do not send what asked first; it says so where that was answered already."""
        ...

    def open_gallery(self) -> None:
        """The gallery in the browser."""
        ...

    def open_health(self) -> None:
        """The part of the tray's own page that says how everything stands."""
        ...

    def open_pairing(self) -> None:
        """Where this computer is paired, in the browser."""
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """What a note about new links says besides the captures.

    Args:
        key: of the burst, so that the note of its end takes the place of that of its beginning.
        held: what the clipboard was seen to hold of the newest.
        undo: takes the burst back, while that is possible; then None.
        private_until: until when only their owner sees them.
        is_offline: whether the server cannot be reached now.
        only_you: whether the rules of their folders keep them private.
    """

    key: str
    held: Held = Held.NOTHING
    undo: Callable[[], object] | None = None
    private_until: datetime | None = None
    is_offline: bool = False
    only_you: bool = False


def links(items: Sequence[Item], told: Told, hands: Presses) -> Note:
    """Captures that have their links. "Copied" is said only of what was seen on the clipboard."""
    last = items[-1]
    buttons = [
        Button(t("Open"), lambda: hands.open(last.id)),
        Button(t("Copy") if not told.held.has_text else t("Copy again"), lambda: hands.copy(last.id)),
    ]
    if told.undo is not None:
        buttons.append(Button(t("Undo") if len(items) == 1 else t("Undo all"), told.undo))
    return Note(
        _title(items, told.held),
        "\n".join(_sentences(items, told)),
        link=last.link,
        picture=last.path if is_picture(last.path) else None,
        buttons=tuple(buttons),
        click=lambda: hands.open(last.id),
        key=told.key,
    )


def _title(items: Sequence[Item], held: Held) -> str:
    are_there = all(item.status is Status.DONE for item in items)
    if len(items) > 1:
        count = len(items)
        return t("{count} screenshots uploaded.", count=count) if are_there else t("{count} screenshots.", count=count)
    if held is Held.NOTHING:
        return t("Screenshot uploaded.") if are_there else t("Link ready.")
    return {
        Held.TEXT: lambda: t("Link copied."),
        Held.PICTURE: lambda: t("Picture copied."),
        Held.BOTH: lambda: t("Picture and link copied."),
    }[held]()


def _sentences(items: Sequence[Item], told: Told) -> list[str]:
    last = items[-1]
    if len(items) > 1:
        copied = (
            t("The newest link is copied.") if told.held.has_text else t("The links are in the menu, under Recent.")
        )
        found = [copied]
        if all(item.missed for item in items) and not told.held.has_text:
            found.insert(0, t("Made while BulletDrop was off or asleep: not copied."))
    elif told.held is Held.PICTURE:
        found = [t("This desktop takes one thing at a time. The link: {link}", link=last.link)]
    elif told.held is Held.NOTHING and last.missed:
        found = [t("Made while BulletDrop was off or asleep: not copied."), str(last.link)]
    elif told.held is Held.NOTHING:
        found = [t("Its link is not copied: {link}", link=last.link)]
    else:
        found = [str(last.link)]
    if told.only_you:
        found.append(t("Only you can open it.") if len(items) == 1 else t("Only you can open them."))
    elif told.private_until is not None:
        found.append(t("Private until {time}.", time=f"{told.private_until:%H:%M:%S}"))
    if told.is_offline and any(item.status is not Status.DONE for item in items):
        found.append(t("It opens for others once the server can be reached."))
    return found


def other_link(item: Item, hands: Presses) -> Note:
    """The link that was told before did not hold; there is another one."""
    return Note(
        t("A link has changed."),
        t("{name} has another link now: {link}", name=item.name, link=item.link),
        link=item.link,
        picture=item.path if is_picture(item.path) else None,
        buttons=(
            Button(t("Copy"), lambda: hands.copy(item.id)),
            Button(t("Open"), lambda: hands.open(item.id)),
        ),
        click=lambda: hands.open(item.id),
    )


def refusal(item: Item, error: BulletDropError, hands: Presses) -> Note:
    """A capture that is not uploaded, and why."""
    if item.status is Status.STALLED:
        return Note(
            t("A screenshot is not complete yet."),
            t("{name} has stopped growing. It is sent once it is whole.", name=item.name),
        )
    # Servers begin some of their sentences with the title that stands above it here.
    title, sentence = told(error)
    words = f"{item.name}: {sentence.removeprefix(f'{title}. ')}"
    if item.link is not None:
        words = f"{words}\n{t('Its link says so too.')}"
    buttons = (
        Button(t("Try again"), lambda: hands.retry(item.id)),
        Button(t("Forget it"), lambda: hands.forget(item.id)),
    )
    return Note(f"{title}.", words, buttons=buttons, key=f"refused-{item.id}")


def refusals(count: int) -> Note:
    """More captures than one were refused within seconds."""
    return Note(
        t("{count} screenshots were not accepted.", count=count),
        t("They are in the menu, each with its reason. The files are where they were."),
        key="refused",
    )


def question(items: Sequence[Item], hands: Presses, pressed: Callable[[], object]) -> Note:
    """Captures of a folder that asks first. `pressed` hears that one of its buttons was chosen, before that acts."""

    def each(do: Callable[[int], object]) -> Callable[[], object]:
        return lambda: [pressed(), *(do(item.id) for item in items)]

    last = items[-1]
    title = t("Send this screenshot?") if len(items) == 1 else t("Send {count} screenshots?", count=len(items))
    return Note(
        title,
        last.name if len(items) == 1 else t("The newest is {name}.", name=last.name),
        picture=last.path if is_picture(last.path) else None,
        buttons=(Button(t("Send"), each(hands.approve)), Button(t("Do not send"), each(hands.decline))),
        key="asks",
        urgent=True,
    )


def answered() -> Note:
    """The question was answered elsewhere: nobody has to."""
    return Note("", key="asks", closes=True)


def waiting(error: BulletDropError) -> Note:
    """Captures that wait because the account has used up what it may."""
    return Note(t("Screenshots wait."), f"{told(error)[1]} {t('They are kept and go up by themselves.')}")


def trouble(title: str, words: str, hands: Presses) -> Note:
    """Something stays wrong until the person sees to it."""
    see = Button(t("Open page"), hands.open_health)
    return Note(title, words, buttons=(see,), click=hands.open_health, urgent=True)


def unpaired(promised: int, hands: Presses) -> Note:
    """The server refuses the key of this device."""
    words = [t("The server does not take its key any more. Screenshots are kept and go up once it is paired again.")]
    if promised == 1:
        words.append(t("The last screenshot's link does not work: it gets another one then."))
    elif promised:
        words.append(t("The links of the last {count} screenshots do not work: they get others then.", count=promised))
    return Note(
        t("This computer has to be paired again."),
        "\n".join(words),
        buttons=(Button(t("Pair again"), hands.open_pairing),),
        click=hands.open_pairing,
        key="unpaired",
        urgent=True,
    )


def taken_back() -> Note:
    """Undo was chosen, and it is done."""
    return Note(t("Undone."), t("The link shows nothing now. The file is where it was."), key="undone")


def both_deleted() -> Note:
    """Both copies were deleted by the person's second word."""
    words = t("The link shows nothing now. The file is in the bin.")
    return Note(t("Deleted here and on the server."), words, key="undone")


def too_late(key: str) -> Note:
    """Undo was chosen after its time."""
    return Note(t("Undo is over."), t("Both copies can still be deleted from the menu, under Recent."), key=key)


def copied(item: Item, held: Held, text: str) -> Note:
    """The answer to a wish to copy."""
    if held is Held.NOTHING:
        return Note(
            t("The link could not be copied."), t("Take it from here: {link}", link=text), link=item.link, key="copied"
        )
    titles = {
        Held.TEXT: lambda: t("Link copied."),
        Held.PICTURE: lambda: t("Picture copied."),
        Held.BOTH: lambda: t("Picture and link copied."),
    }
    return Note(titles[held](), text, link=item.link, key="copied")


def newer(version: str, page: str, open_it: Callable[[], object]) -> Note:
    """There is a newer version of this program."""
    return Note(
        t("BulletDrop {version} is there.", version=version),
        t("Nothing was downloaded. The page says what is new."),
        link=page,
        buttons=(Button(t("Open"), open_it),),
        click=open_it,
    )


def no_icon(open_it: Callable[[], object]) -> Note:
    """There is no panel that shows icons."""
    return Note(
        t("BulletDrop runs without an icon."),
        t("Nothing on this desktop shows icons now. Start “bulletdrop” again to open its page."),
        buttons=(Button(t("Open page"), open_it),),
        click=open_it,
    )


def unreadable(folder: Path, cure: str) -> Note:
    """A watched folder may not be read."""
    words = t("{folder} may not be read. {cure}", folder=folder, cure=cure)
    return Note(t("Screenshots cannot be seen."), words, urgent=True)


def set_up_first(open_it: Callable[[], object]) -> Note:
    """A screenshot came, and nobody has made the first account yet."""
    return Note(
        t("Set up BulletDrop first."),
        t("Your screenshot is kept and goes up once there is an account."),
        buttons=(Button(t("Open"), open_it),),
        click=open_it,
        key="set-up",
    )


def cannot_start(problem: str) -> Note:
    """The server that this tray starts does not start."""
    return Note(t("BulletDrop's server cannot start."), said(problem), urgent=True)
