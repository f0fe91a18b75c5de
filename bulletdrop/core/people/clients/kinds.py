"""The table of clients: what each is, what its file is called, what its key may do, and what to do with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bulletdrop.core.people.clients import files, scripts


@dataclass(frozen=True)
class Values:
    """What is filled in.

    Args:
        base: the address of this server, without a slash at its end.
        key: the API key.
        label: what the client shows as the name of this server and device.
    """

    base: str
    key: str = field(repr=False)
    label: str


@dataclass(frozen=True)
class Kind:
    """One kind of client.

    Args:
        name: as in addresses and on the command line.
        tool: what people call it; the key is named after it.
        title: the same, and what for where a tool has several files.
        about: one line.
        filename: what the file is called.
        scopes: what its key may do, no more than it needs. The link that deletes a drop is itself the right to, so
            nobody needs `uploads:delete` for it.
        steps: what to do with the file, in order; what is typed stands in backticks.
        write: makes the text.
        is_recipe: nothing to save: the steps are followed by hand, with the values beside them.
    """

    name: str
    tool: str
    title: str
    about: str
    filename: str
    scopes: tuple[str, ...]
    steps: tuple[str, ...]
    write: Callable[[Values], str]
    is_recipe: bool = False

    @property
    def steps_once_written(self) -> tuple[str, ...]:
        """What is left to do with a file that the command line has written, for its owner alone."""
        return tuple(left for step in self.steps if (left := _ONCE_WRITTEN.get(step, step)))


@dataclass(frozen=True)
class ClientFile:
    """A file that is ready to save. `key` is the key in it, for recipes, whose values are shown one by one."""

    kind: Kind
    filename: str
    text: str = field(repr=False)
    key: str = field(repr=False)


_UPLOAD = ("uploads:write",)
_SAVE_SCRIPT = "Save it where programs of yours lie, such as `~/.local/bin`, and make it yours alone: `chmod 700`."
_SAVE_CURL = "Save it, and make it yours alone: `chmod 600 bulletdrop.curl`."
# Of steps that say how to save a file: what is left of them.
_ONCE_WRITTEN = {_SAVE_SCRIPT: "It belongs where programs of yours lie, such as `~/.local/bin`.", _SAVE_CURL: ""}

_ALL = (
    Kind(
        "sharex",
        "ShareX",
        "ShareX",
        "Pictures, texts and files from Windows.",
        "bulletdrop.sxcu",
        _UPLOAD,
        (
            "Open the file: ShareX asks whether to use it. Say yes.",
            "From then on, After upload has the link, and History the thumbnail and the link that deletes.",
        ),
        files.sharex,
    ),
    Kind(
        "sharex-links",
        "ShareX, short links",
        "ShareX, for short links",
        "Its URL shortener makes short links of this server.",
        "bulletdrop-links.sxcu",
        ("links:write",),
        ("Open the file: ShareX takes it as its URL shortener.",),
        files.sharex_links,
    ),
    Kind(
        "flameshot",
        "Flameshot",
        "Flameshot",
        "Choose a part of the screen, draw on it, and its link is on the clipboard. Linux.",
        "bulletdrop-flameshot.sh",
        _UPLOAD,
        (
            _SAVE_SCRIPT,
            "Give it a key in your desktop's settings for shortcuts.",
            "Press it, choose, and press Enter in Flameshot. With `--full` it takes the whole screen.",
        ),
        scripts.flameshot,
    ),
    Kind(
        "shell",
        "Shell script",
        "Shell script for Linux",
        "With what your desktop has: grim and slurp, Spectacle, GNOME Screenshot, maim, scrot or Flameshot.",
        "bulletdrop-shot.sh",
        _UPLOAD,
        (
            _SAVE_SCRIPT,
            "Without arguments it takes a screenshot; with files it sends those; `-` is standard input.",
            "With `--install` it is in your file manager's Open With, too.",
        ),
        scripts.shell,
    ),
    Kind(
        "ksnip",
        "ksnip",
        "ksnip",
        "Its upload button sends to this server. Linux, macOS and Windows with a shell.",
        "bulletdrop-ksnip.sh",
        _UPLOAD,
        (
            _SAVE_SCRIPT,
            "In ksnip: Options → Settings → Uploader: choose Script Uploader.",
            "Under Script Uploader: choose the file, and tick Copy script output to clipboard.",
        ),
        scripts.ksnip,
    ),
    Kind(
        "spectacle",
        "Spectacle",
        "Spectacle",
        "KDE's own: by a key of its own, and under Export → Open With.",
        "bulletdrop-spectacle.sh",
        _UPLOAD,
        (
            _SAVE_SCRIPT,
            "Run it once with `--install`: Spectacle and Dolphin then have it under Open With.",
            "For a key: System Settings → Shortcuts → Add Command, and choose the file.",
        ),
        scripts.spectacle,
    ),
    Kind(
        "ishare",
        "ishare",
        "ishare",
        "Pictures and recordings from macOS.",
        "bulletdrop.iscu",
        _UPLOAD,
        ("Open the file: ishare takes it as a custom uploader.", "Choose it as the upload destination."),
        files.ishare,
    ),
    Kind(
        "ios",
        "Shortcut",
        "iPhone and iPad",
        "A shortcut for the share sheet, made by hand in a minute: Apple signs no files of ours.",
        "bulletdrop-shortcut.txt",
        _UPLOAD,
        (
            "In Shortcuts, make a new one. Under its details, switch on Show in Share Sheet, for images and media.",
            "Add Get Contents of URL, with this URL. Method: POST. Request Body: Form.",
            "Add a header named `Authorization` with its value.",
            "Add a field of the kind File, named `file`, and choose Shortcut Input for it.",
            "Add Get Dictionary Value for the key `link`, then Copy to Clipboard.",
        ),
        files.ios,
        is_recipe=True,
    ),
    Kind(
        "curl",
        "curl",
        "curl",
        "One line in any terminal, and in scripts of your own.",
        "bulletdrop.curl",
        _UPLOAD,
        (
            _SAVE_CURL,
            "`curl -K bulletdrop.curl -F file=@picture.png`",
        ),
        files.curl,
    ),
    Kind(
        "powershell",
        "PowerShell",
        "PowerShell",
        "A script for Windows: sends files, or takes a screenshot.",
        "bulletdrop.ps1",
        _UPLOAD,
        (
            "Save it where only you may read it.",
            "`powershell -ExecutionPolicy Bypass -File bulletdrop.ps1 picture.png`",
            "Without a file it takes the whole screen. The link is on the clipboard.",
        ),
        scripts.powershell,
    ),
)
KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}
