"""After a form was posted: asked first where asking is due, and what was done said on the next page."""

from __future__ import annotations

from collections.abc import Mapping

from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop.web.render import render

_OURS = ("csrf", "sure", "word")


def ask_first(
    request: Request,
    form: Mapping[str, str],
    *,
    title: str,
    text: str,
    label: str,
    back: str,
    word: str = "",
) -> HTTPResponse | None:
    """The page that asks whether this is really wanted; None once the answer was yes, also in the script's dialog.

    The form's fields travel along and come back to the same address. Where a word is asked for, only it is a yes.

    Args:
        title: the question, such as "Delete the team?".
        text: what will be lost, and until when it can be taken back.
        label: what the button says.
        back: where Cancel leads.
        word: what has to be typed, such as the team's name; empty for nothing.
    """
    is_sure = form.get("sure") == "yes"
    typed = form.get("word", "").strip()
    if is_sure and (not word or typed == word):
        return None
    fields = {name: value for name, value in form.items() if name not in _OURS}
    wrong = f"This is not “{word}”." if is_sure and typed else ""
    return render(
        request, "sure.html", status=400 if wrong else 200, title=title, text=text, label=label, back=back, word=word,
        fields=fields, wrong=wrong, path=request.path,
    )  # fmt: skip


def go_on(path: str, said: str = "") -> HTTPResponse:
    """On to a page of ours, which says what was done.

    Args:
        said: a word such as "saved". The page knows the sentence (`said_of`): no link puts words into our mouth.
    """
    if said:
        path += f"{'&' if '?' in path else '?'}said={said}"
    return redirect(path, status=303)


def said_of(request: Request, sentences: Mapping[str, str]) -> str:
    """The sentence for what was just done, from the page's own; empty for none and for what it does not know."""
    return sentences.get(request.args.get("said") or "", "")
