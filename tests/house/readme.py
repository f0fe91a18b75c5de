"""The README's tables, made from the program itself: `python -m tests.house.readme` writes them anew."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bulletdrop.config import SETTINGS, load_config
from bulletdrop.config_values import Setting
from tests.house.sources import TOP

README = TOP / "README.md"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def commands() -> str:
    """Every command of the program with its first line of help."""
    from bulletdrop.cli.default import start_here
    from bulletdrop.cli.main import bulletdrop

    rows = [("`bulletdrop`", start_here.get_short_help_str(300)), *_commands(bulletdrop, "bulletdrop")]
    return _table(("command", "what it does"), rows)


def _commands(group: click.Group, prefix: str) -> Iterator[tuple[str, str]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            if command.invoke_without_command:
                yield f"`{prefix} {name}`", command.get_short_help_str(300)
            yield from _commands(command, f"{prefix} {name}")
        elif not command.hidden:
            arguments = "".join(f" {_argument(one)}" for one in command.params if isinstance(one, click.Argument))
            shown = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
            options = [f"`{_option(one)}`" for one in shown]
            told = command.get_short_help_str(300) + (" " + " ".join(options) if options else "")
            yield f"`{prefix} {name}{arguments}`", told


def _argument(argument: click.Argument) -> str:
    name = argument.human_readable_name.upper()
    return f"{name if argument.required else f'[{name}]'}{'…' if argument.nargs == -1 else ''}"


def _option(option: click.Option) -> str:
    longest = max(option.opts, key=len)
    return longest if option.is_flag else f"{longest} {(option.metavar or option.name or '').upper()}"


def settings() -> str:
    """Every setting: its name in the file, its variable, its default and its help."""
    rows = [(f"`{one.name}`", f"`{one.variable}`", _default(one), one.help) for one in SETTINGS]
    return _table(("in `config.toml`", "in the environment", "default", "what it is"), rows)


def _default(setting: Setting) -> str:
    if isinstance(setting.default, tuple):
        return f"`{', '.join(setting.default)}`" if setting.default else ""
    return "" if setting.default in (None, "", Path()) else f"`{setting.default}`"


def routes() -> str:
    """Every route of the server with the first line of its handler's docstring; every GET answers HEAD too."""
    found = sorted(_routes(), key=lambda row: (row[1], METHODS.index(row[0])))
    rows = [(f"`{method} {path}`", _first_line(handler)) for method, path, handler in found]
    return _table(("route", "what it does"), rows)


def _routes() -> Iterator[tuple[str, str, Callable[..., object]]]:
    from bulletdrop.web.app import create_app

    with TemporaryDirectory() as folder:
        app = create_app(load_config({"data": folder, "host": "127.0.0.1"}, environ={}))
        app.finalize()
        for route in app.router.routes:
            path = re.sub(r"<(\w+)(?::[^>]*)?>", r"{\1}", f"/{route.path.lstrip('/')}")
            for method in route.methods & set(METHODS):
                yield method, path, route.handler


def _first_line(handler: Callable[..., object]) -> str:
    return (inspect.getdoc(inspect.unwrap(handler)) or "").splitlines()[0] if inspect.getdoc(handler) else ""


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


BLOCKS: dict[str, Callable[[], str]] = {"commands": commands, "settings": settings, "routes": routes}


def block(text: str, name: str) -> str:
    """What stands in the README between the marks of a block."""
    found = re.search(rf"<!-- {name} -->\n(.*?)\n<!-- end of {name} -->", text, re.DOTALL)
    return found.group(1) if found else ""


def main() -> None:
    """Write every block anew."""
    text = README.read_text(encoding="utf-8")
    for name, make in BLOCKS.items():
        made = f"<!-- {name} -->\n{make()}\n<!-- end of {name} -->"
        before, _, rest = text.partition(f"<!-- {name} -->\n")
        after = rest.partition(f"<!-- end of {name} -->")[2]
        text = before + made + after
    README.write_text(text, encoding="utf-8")
    print(f"{README.name} is true again", file=sys.stderr)


if __name__ == "__main__":
    main()
