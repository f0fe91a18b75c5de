"""Commands of the program without its start: a process that has the program loaded forks one for each.

Most tests over HTTP need people with keys, two commands each. To start Python and import the program for every one of
them took longer than many of the tests. What runs is the same command line in a process of its own.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any

_one_at_a_time = threading.Lock()
_helper: list[subprocess.Popen[str]] = []


def run_warm(arguments: list[str], *, stdin: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command of the program from the source tree.

    Args:
        stdin: what it reads on standard input.
        environ: its whole environment.
    """
    with _one_at_a_time:
        helper = _started()
        assert helper.stdin is not None
        assert helper.stdout is not None
        helper.stdin.write(json.dumps([arguments, stdin, dict(environ)]) + "\n")
        helper.stdin.flush()
        code, out, err = json.loads(helper.stdout.readline())
    return subprocess.CompletedProcess(arguments, code, out, err)


def _started() -> subprocess.Popen[str]:
    if not _helper:
        command = [sys.executable, "-m", "tests.support.warm"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        _helper.append(subprocess.Popen(command, text=True, start_new_session=True, **pipes))  # type: ignore[call-overload]
        atexit.register(_end, _helper[0])
    return _helper[0]


def _end(helper: subprocess.Popen[str]) -> None:
    # It ends with its standard input.
    helper.communicate()


def _serve() -> None:
    import argon2
    import psycopg
    import zxcvbn

    # The commands import late what they need; here is the place for all of it.
    from bulletdrop.cli import main
    from bulletdrop.core import site
    from bulletdrop.core.people import accounts, devices, keys

    loaded: list[Any] = [argon2, psycopg, zxcvbn, main, site, accounts, devices, keys]
    assert all(loaded)
    for line in sys.stdin:
        ours, theirs = os.pipe()
        if not (child := os.fork()):
            os.close(ours)
            with os.fdopen(theirs, "w", encoding="utf-8") as answer:
                answer.write(json.dumps(_run(*json.loads(line))))
            os._exit(0)
        os.close(theirs)
        with os.fdopen(ours, encoding="utf-8") as answer:
            told = answer.read()
        _, status = os.waitpid(child, 0)
        silent = [os.waitstatus_to_exitcode(status) or 1, "", "it ended without an answer"]
        print(told or json.dumps(silent), flush=True)


def _run(arguments: list[str], stdin: str, environ: dict[str, str]) -> tuple[int, str, str]:
    from bulletdrop.cli.main import run

    os.environ.clear()
    os.environ.update(environ)
    out, err = io.StringIO(), io.StringIO()
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(arguments)
    return code, out.getvalue(), err.getvalue()


if __name__ == "__main__":
    _serve()
