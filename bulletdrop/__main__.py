"""The program's one entrance: `--version` at once, everything else through the command line."""

from __future__ import annotations

import sys


def main() -> None:
    """Run a command and end the process with its exit code."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        from bulletdrop import __version__

        print(f"bulletdrop {__version__}")
        return
    if arguments == ["decode"]:
        # The child that decodes pictures: it must start fast and stay small, so it never sees the command line.
        from bulletdrop.media.decoding.work import main as decode

        decode()
        return
    if arguments == ["match"]:
        # The child that tries the patterns of other people's uploaders: it can be killed when one never ends.
        from bulletdrop.tray.sxcu_finding import match

        match()
        return
    if arguments == ["thumbnails"]:
        # The child that makes the small pictures of the tray's own page.
        from bulletdrop.tray.page.thumbnailer import serve

        serve(sys.stdin.buffer, sys.stdout.buffer)
        return
    if arguments[:1] == ["worker"] and len(arguments) == 2 and arguments[1].isdecimal():
        from bulletdrop.cli.worker import work

        work(int(arguments[1]))
        return
    from bulletdrop.cli.main import run

    sys.exit(run(arguments))


if __name__ == "__main__":
    main()
