"""What the rows share in one run: the folder, the real screenshot, and one running server with a person."""

from __future__ import annotations

import functools
import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.shots import Shot, screenshot, split
from tests.faults.product import ROOT, Product


@dataclass
class Bench:
    """One run.

    Attributes:
        folder: where everything is made; on a real disk, since fsync is part of the figures.
        short: the form for the gate: fewer rounds, smaller files.
    """

    folder: Path
    short: bool
    _stack: ExitStack = field(default_factory=ExitStack)
    _made: int = 0

    def close(self) -> None:
        """End the servers that the rows left running."""
        self._stack.close()

    def rounds(self, long: int, short: int) -> int:
        """A number for the form that runs."""
        return short if self.short else long

    def fresh(self, name: str) -> Path:
        """A new empty folder."""
        self._made += 1
        folder = self.folder / f"{self._made:02}-{name}"
        folder.mkdir()
        return folder

    @functools.cached_property
    def shot(self) -> Shot:
        """The real 2560×1440 screenshot, ready for variants."""
        return split(screenshot())

    @functools.cached_property
    def _served(self) -> tuple[Product, str]:
        return self.start("server")

    @property
    def product(self) -> Product:
        """The server for the rows about speed. Those about memory start their own."""
        return self._served[0]

    @property
    def key(self) -> str:
        """The API key of the person on `product`."""
        return self._served[1]

    def also_end(self, product: Product) -> None:
        """Kill a server at the end of the run, whatever happens before."""
        self._stack.callback(product.kill)

    def start(self, name: str, **environ: str) -> tuple[Product, str]:
        """A running server of its own with one person. Returns: it and the person's API key."""
        product = Product(self.fresh(name) / "data", environ=environ)
        self.also_end(product)
        key = product.person("alice")
        product.start()
        return product, key

    def upload(self, product: Product, key: str, content: bytes, name: str = "shot.png") -> dict[str, object]:
        """One upload. Returns: the answer. Raises: AssertionError unless it is a 201."""
        status, body = product.put(name, content, key)
        assert status == 201, f"{status}: {body}"
        return dict(body)


def binary_path() -> Path | None:
    """The built program: BULLETDROP_BINARY, else dist/bulletdrop; None when there is none."""
    path = Path(os.environ.get("BULLETDROP_BINARY") or ROOT / "dist" / "bulletdrop")
    return path if path.is_file() else None
