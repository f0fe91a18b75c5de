"""The decoding child's main loop: one JSON line in, one out. Started by `decoding.Decoder` as `bulletdrop decode`.

The child reads untrusted bytes, so it is caged before it does (`cage`), knows no database, no settings and no
secrets, and gets only paths. Its first line is its caps; then come requests, one at a time:

    → {"memory_mb": 1024, "parent": 4711, "max_pixels": …, "max_total_pixels": …, "max_frames": …,
       "readable": ["DATA/uploads"], "writable": ["DATA/tmp"]}
    ← {"ready": true}
    → {"do": "thumbnails", "source": "…", "mime": "image/png", "folder": "…", …, "seconds": 30, "urgent": false}
    ← {"ok": {"width": …, …}}   or   {"error": "bad_picture", "message": "…"}

The end of standard input ends the child at once, whatever it is doing: it never outlives the server.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bulletdrop.media.decoding import cage

# A longer line than this is none of ours.
LINE_BYTES = 64 * 1024


def main() -> int:
    """Serve the server that started this process, until it closes our standard input. Returns the exit code."""
    answers = _own_standard_output()
    requests = sys.stdin.buffer
    settings = _read(requests.readline(LINE_BYTES))
    if settings is None:
        return 0
    work = _load(settings)
    _say(answers, {"ready": True})
    while (request := _read(requests.readline(LINE_BYTES))) is not None:
        # In a thread of its own: this one must see the end of standard input, and only a thread can give up its
        # priority for one piece of work.
        threading.Thread(target=_answer, args=(answers, work, request), daemon=True).start()
    os._exit(0)


def _own_standard_output() -> int:
    """A private copy of standard output; what a library prints goes to standard error instead."""
    answers = os.dup(1)
    os.dup2(2, 1)
    return answers


def _read(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    request: dict[str, Any] = json.loads(line)
    return request


def _say(answers: int, message: Mapping[str, object]) -> None:
    os.write(answers, json.dumps(message).encode("ascii") + b"\n")


def _load(settings: Mapping[str, Any]) -> dict[str, Callable[[Mapping[str, Any]], object]]:
    """Import what decodes, shut the cage, and give the verbs. The imports come first: they need more files open."""
    from bulletdrop.media.decoding import conversion, opening, thumbnails, upright

    caps = opening.Caps(
        max_pixels=settings["max_pixels"],
        max_total_pixels=settings["max_total_pixels"],
        max_frames=settings["max_frames"],
    )
    opening.prepare(caps)
    cage.shut(
        memory_mb=settings["memory_mb"],
        parent=settings["parent"],
        readable=settings["readable"],
        writable=settings["writable"],
    )

    def make_thumbnails(request: Mapping[str, Any]) -> object:
        targets = {
            size: thumbnails.Target(Path(request["folder"], f"{request['stem']}.{size}.part"), longest)
            for size, longest in request["sizes"].items()
        }
        return thumbnails.decode(Path(request["source"]), mime=request["mime"], targets=targets, caps=caps)

    def make_upright(request: Mapping[str, Any]) -> object:
        source, target = Path(request["source"]), Path(request["target"])
        upright.make_upright(source, target, mime=request["mime"], orientation=request["orientation"], caps=caps)
        return {}

    def convert(request: Mapping[str, Any]) -> object:
        source, target = Path(request["source"]), Path(request["target"])
        return {"mime": conversion.convert(source, target, mime=request["mime"], caps=caps)}

    def colour(request: Mapping[str, Any]) -> object:
        # Here, because few children are asked for colours.
        from bulletdrop.media.decoding import colours

        # Anew: what was asked for counts for the text, not for what it takes to begin.
        cage.allow_cpu(request["seconds"])
        count = colours.colour(Path(request["source"]), Path(request["target"]), language=request["language"])
        return {"count": count}

    return {"thumbnails": make_thumbnails, "upright": make_upright, "convert": convert, "colour": colour}


def _answer(
    answers: int, work: Mapping[str, Callable[[Mapping[str, Any]], object]], request: Mapping[str, Any]
) -> None:
    from bulletdrop.errors import Rejected

    try:
        cage.allow_cpu(request["seconds"])
        if not request["urgent"]:
            cage.step_back()
        answer: dict[str, object] = {"ok": work[request["do"]](request)}
    except Rejected as error:
        answer = {"error": error.code, "message": error.message}
    except MemoryError:
        answer = {"error": "memory"}
    except OSError as error:
        answer = {"error": "disk", "errno": error.errno, "message": str(error)}
    except Exception as error:
        answer = {"error": "ours", "message": f"{type(error).__name__}: {error}"}
    _say(answers, answer)


if __name__ == "__main__":
    sys.exit(main())
