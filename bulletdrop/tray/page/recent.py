"""The list of captures: where each stands, its link, and what can be done with it."""

from __future__ import annotations

from bulletdrop.errors import BulletDropError, NotFound
from bulletdrop.tray.control_api import acts
from bulletdrop.tray.control_http import Reply
from bulletdrop.tray.desk import Item, Status
from bulletdrop.tray.ledger import can_retry
from bulletdrop.tray.page.looking import Look, one
from bulletdrop.tray.page.rendering import render
from bulletdrop.tray.page.saying import status_words
from bulletdrop.tray.words import t
from bulletdrop.tray.words_said import told

SHOWN = 30
MOST = 200
FAILED = (Status.REFUSED, Status.FAILED, Status.STALLED)
UNSENT = (Status.WAITING, Status.SENDING)


def show(look: Look) -> Reply:
    """The list, newest first; those that did not go first of all."""
    wanted = look.request.query.get("n", "")
    count = min(int(wanted), MOST) if _is_number(wanted) else SHOWN
    items = look.steering.recent(max(count, SHOWN))
    return render(
        "recent.html",
        look,
        failed=[item for item in items if item.status in FAILED],
        items=[item for item in items if item.status not in FAILED],
        more=len(items) >= count and count < MOST,
        shown=count,
        gallery=next((server.url for server in look.steering.chosen.now.servers), ""),
        status_words=status_words,
        can=can,
        progress=getattr(look.steering.report(), "progress", None),
    )


def can(item: Item) -> set[str]:
    """What makes sense to do with a capture as it stands, by the names of `acts`."""
    found = {"forget"} if item.status in (*FAILED, Status.ASKING, Status.UNDONE, Status.WAITING) else set()
    if item.link and item.status is not Status.UNDONE:
        found |= {"copy", "open"}
    again = item.status in (*FAILED, Status.UNDONE) or (item.status is Status.WAITING and item.attempts)
    if again and can_retry(item):
        found.add("retry")
    if item.status is Status.ASKING:
        found.add("approve")
    if item.status in (Status.DONE, *UNSENT):
        found.add("undo")
    if not item.binned:
        found.add("show")
        if item.status in (Status.DONE, *UNSENT):
            found.add("delete-both")
    return found


def act(look: Look, form: dict[str, list[str]]) -> str:
    """Do one thing with one capture, or with all that failed."""
    name, text = one(form, "do"), one(form, "id")
    if name == "rescan":
        look.steering.rescan()
        look.visit.say(t("Looking through the folders."))
        return "recent"
    if name in ("retry-all", "forget-all"):
        _all_failed(look, name.removesuffix("-all"))
        return "recent"
    act = acts(look.steering).get(name)
    if act is None or not _is_number(text):
        raise NotFound(t("This cannot be done here."))
    try:
        act(int(text))
    except BulletDropError as error:
        look.visit.say(told(error)[1], "danger")
        return "recent"
    if words := _done(name):
        look.visit.say(words)
    return f"recent#i-{text}"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _all_failed(look: Look, name: str) -> None:
    act = acts(look.steering)[name]
    failed = [item for item in look.steering.recent(MOST) if item.status in FAILED]
    for item in failed:
        try:
            act(item.id)
        except BulletDropError as error:
            look.visit.say(f"{item.name}: {told(error)[1]}", "danger")


def _done(name: str) -> str:
    """What is said after an act that shows nothing by itself."""
    return {
        "copy": t("The link goes to the clipboard."),
        "undo": t("It is being undone. The file stays here."),
        "delete-both": t("It is being deleted here and on the server. The file goes into the bin."),
        "retry": t("It is tried again now."),
        "approve": t("It is sent now."),
        "forget": t("It is not shown any more. The file stays here."),
    }.get(name, "")
