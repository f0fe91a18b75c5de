"""`bulletdrop tray`: the tray alone, for a server here or elsewhere; and a word to the one that runs."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bulletdrop.cli.common import data_option

if TYPE_CHECKING:
    from datetime import datetime

    from bulletdrop.config import Config
    from bulletdrop.tray.running_tray import RunningTray

EPILOG = (
    "--autostart only writes down what happens at the next login; the options from --pause on speak to the tray that "
    "runs and start none. "
    "Exit codes: 0 done · 1 the disk is full · 2 wrong usage · 3 no tray runs, or it does not answer."
)
QUIT_SECONDS = 20.0
RECENT = 10
NO_ROOM = "The disk is full: nothing can be written to {folder}. Delete something, then start it again."


@click.command(epilog=EPILOG)
@click.option("--server", help="The server's address. Default: the one on this machine.")
@click.option("--watch", type=click.Path(path_type=Path), help="The folder to watch. Default: the screenshot folder.")
@click.option(
    "--autostart", type=click.Choice(["on", "off", "state"]), help="Start at login: on, off, or say which of the two."
)
@click.option("--pause", metavar="SPAN", help="Hold uploads back: 30m, 1h, 2d, tomorrow or forever.")
@click.option("--resume", is_flag=True, help="End the pause.")
@click.option("--status", is_flag=True, help="Say how the tray stands.")
@click.option("--recent", is_flag=True, help="List the newest captures and their links.")
@click.option("--settings", is_flag=True, help="Open the tray's own page; without a screen, print its address.")
@click.option("--quit", "end", is_flag=True, help="End the tray, and the server that it started; wait until both have.")
@click.option("--json", "as_json", is_flag=True, help="With --status or --recent: print JSON.")
@data_option
def tray(
    server: str | None,
    watch: Path | None,
    autostart: str | None,
    pause: str | None,
    resume: bool,
    status: bool,
    recent: bool,
    settings: bool,
    end: bool,
    as_json: bool,
    data: Path | None,
) -> int:
    """Watch the screenshot folder, put each link on the clipboard. Or speak to the tray that does."""
    from bulletdrop.config import load_config
    from bulletdrop.log import set_up_logging

    asked = [name for name, given in _asked(pause, resume, status, recent, settings, end).items() if given]
    asked += ["autostart"] if autostart else []
    if len(asked) > 1:
        raise click.UsageError(f"--{asked[0]} and --{asked[1]} are two commands.")
    if as_json and asked not in (["status"], ["recent"]):
        raise click.UsageError("--json is for --status and --recent.")
    if asked and (server or watch):
        raise click.UsageError(f"--{asked[0]} speaks to the tray that runs; --server and --watch are for a new one.")
    config = load_config({"server": server, "watch": watch, "data": data})
    if autostart:
        return _keep_autostart(config, autostart)
    if asked:
        set_up_logging(level="error")
        return _speak(config, asked[0], pause, as_json=as_json)
    set_up_logging(level=config.log_level)
    return run_tray(config, with_server=False)


def _asked(pause: str | None, resume: bool, status: bool, recent: bool, settings: bool, end: bool) -> dict[str, bool]:
    given = {"resume": resume, "status": status, "recent": recent, "settings": settings, "quit": end}
    return {"pause": pause is not None, **given}


def _keep_autostart(config: Config, wish: str) -> int:
    """Turn start at login on or off, and say how it stands."""
    from bulletdrop.log import set_up_logging
    from bulletdrop.tray import autostart
    from bulletdrop.tray.vault import with_paired_server

    set_up_logging(level="error")
    if wish == "on":
        # With a server elsewhere nobody wants one here.
        state = autostart.turn_on(autostart.arguments_for(config.data) if with_paired_server(config).server else [])
    else:
        state = autostart.turn_off() if wish == "off" else autostart.state()
    click.echo("off" if state == "disabled_by_system" else state)
    if state == "disabled_by_system":
        click.echo(f"bulletdrop: {autostart.hint()}", err=True)
    # Beside the one word that programs read.
    for sentence in autostart.account():
        click.echo(f"bulletdrop: {sentence}", err=True)
    return 0


def _speak(config: Config, asked: str, pause: str | None, *, as_json: bool) -> int:
    from bulletdrop.clock import SystemClock
    from bulletdrop.tray.pausing import pause_end
    from bulletdrop.tray.running_tray import Deaf, the_running, wait_for_end

    until = pause_end(pause, SystemClock().now()) if pause is not None else None
    running = the_running(config.data)
    if asked == "pause":
        running.pause(until)
        click.echo(_paused_words(until))
    elif asked == "resume":
        running.resume()
        click.echo("Not paused: screenshots are uploaded.")
    elif asked == "status":
        _print_status(running, as_json=as_json)
    elif asked == "recent":
        _print_recent(running, as_json=as_json)
    elif asked == "settings":
        show_page(running)
    else:
        with_server = running.status()["connection"].get("own_server")
        running.quit()
        if not wait_for_end(config.data, QUIT_SECONDS):
            raise Deaf(f"The tray has not ended within {QUIT_SECONDS:.0f} s.")
        if with_server:
            click.echo("The server that the tray started has ended with it: links open again once it runs.")
    return 0


def _paused_words(until: datetime | None) -> str:
    from bulletdrop.clock import SystemClock
    from bulletdrop.tray.page.saying import day_and_time

    if until is None:
        return "Paused until you resume. Screenshots wait."
    return f"Paused until {day_and_time(until, SystemClock().now())}. Screenshots wait."


def _print_status(running: RunningTray, *, as_json: bool) -> None:
    from bulletdrop.clock import SystemClock, parse_moment
    from bulletdrop.tray.page.saying import Times, day_and_time

    status = running.status()
    if as_json:
        click.echo(json.dumps(status, indent=2, ensure_ascii=False))
        return
    now = SystemClock().now()
    need, connection, paused = status["need"], status["connection"], status.get("paused_until")
    until = day_and_time(parse_moment(paused), now) if paused else None
    lines = [("state", str(status["state"]).replace("_", " ")), ("because", status["message"])]
    lines += [("paused until", until), ("to do", need["words"] if need else None)]
    lines += [("page", need["page"] if need else None)]
    lines += [("server", connection["server"]), ("as", connection["username"])]
    counted = ("waiting", "sending", "asking", "refused", "failed", "stalled")
    lines += [(name, str(status.get(name, 0))) for name in counted]
    for folder in status["folders"]:
        last = folder["last_event_at"]
        seen = f", last event {Times(now).near(parse_moment(last))}" if last else ""
        lines.append(("folder", f"{folder['path']}: {folder['problem'] or folder['how']}{seen}"))
    lines += [("trouble", sentence) for sentence in status.get("troubles", [])]
    for name, value in lines:
        if value:
            click.echo(f"{name:<14}{value}")


def _print_recent(running: RunningTray, *, as_json: bool) -> None:
    from bulletdrop.clock import parse_moment

    items = running.recent(RECENT)
    if as_json:
        click.echo(json.dumps(items, indent=2, ensure_ascii=False))
        return
    if not items:
        click.echo("Nothing yet. Take a screenshot.")
    for item in items:
        what = item["link"] or item["error"] or ""
        when = f"{parse_moment(item['found_at']).astimezone():%Y-%m-%d %H:%M:%S}"
        click.echo(f"{when}  {item['status']:<11}{item['name']}  {what}".rstrip())


def show_page(running: RunningTray, place: str = "") -> None:
    """Open the page of the running tray; where there is no screen, print its address, which opens it once."""
    from bulletdrop.cli.default import has_screen
    from bulletdrop.tray.browser import open_page

    address = running.page(place)
    if has_screen(os.environ):
        open_page(address).join(5)
    else:
        click.echo(address)


def run_tray(config: Config, *, with_server: bool) -> int:
    """Run the tray until it is ended. A second one opens the first one's page instead. Returns the exit code."""
    from bulletdrop.clock import SystemClock
    from bulletdrop.log import get_logger
    from bulletdrop.tray.app import TrayApp
    from bulletdrop.tray.folders import make_default_folder, watched_folders
    from bulletdrop.tray.instance import AlreadyRunning
    from bulletdrop.tray.vault import with_paired_server

    config = with_paired_server(config)
    try:
        app = TrayApp(
            config,
            folders=lambda: watched_folders(config),
            clock=SystemClock(),
            with_server=with_server,
            say=lambda text: click.echo(f"bulletdrop: {text}", err=True),
        )
    except AlreadyRunning as error:
        click.echo(f"bulletdrop: {error.message} Opening its page.", err=True)
        return _second_start(config)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        click.echo(f"bulletdrop: {NO_ROOM.format(folder=config.data)}", err=True)
        return 1
    try:
        make_default_folder(config)
    except OSError as error:
        get_logger("tray").warning("The screenshot folder could not be made: %s", error.strerror or error)
    return app.run()


def _second_start(config: Config) -> int:
    """What a second start does: whoever clicks BulletDrop wants to see it, most of all where nothing shows an icon."""
    from bulletdrop.tray.app import gallery_url
    from bulletdrop.tray.browser import open_page
    from bulletdrop.tray.running_tray import Deaf, the_running

    try:
        show_page(the_running(config.data))
    except Deaf:
        open_page(gallery_url(config)).join(5)
    return 0
