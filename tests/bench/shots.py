"""A real screenshot of 2560×1440, and as many more that differ in a few pixels, without encoding each anew."""

from __future__ import annotations

import base64
import html
import io
import math
import random
import shutil
import struct
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

from tests.faults.samples import chunk

WIDTH, HEIGHT = 2560, 1440
BICUBIC = Image.Resampling.BICUBIC
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WORDS = [
    "drop",
    "link",
    "screenshot",
    "server",
    "folder",
    "queue",
    "outbox",
    "picture",
    "thumbnail",
    "answer",
    "clipboard",
    "watcher",
    "sender",
    "token",
]


@dataclass(frozen=True)
class Shot:
    """A picture as a head that all variants share and a tail that makes each its own."""

    head: bytes
    packer: zlib._Compress
    last_row: bytes

    def tail(self, number: int) -> bytes:
        """The rest of variant `number`: the last row with its own first pixels, checksums included."""
        packer = self.packer.copy()
        row = self.last_row[:1] + struct.pack(">Q", number) + self.last_row[9:]
        return chunk(b"IDAT", packer.compress(row) + packer.flush()) + chunk(b"IEND", b"")

    def whole(self, number: int) -> bytes:
        """Variant `number` as a file."""
        return self.head + self.tail(number)


def split(png: bytes) -> Shot:
    """Prepare a PNG for variants. It has to be RGB or RGBA with 8 bits, not interlaced."""
    parts = dict[bytes, bytes]()
    place = 8
    while place < len(png):
        size, kind = struct.unpack(">I4s", png[place : place + 8])
        parts[kind] = parts.get(kind, b"") + png[place + 8 : place + 8 + size]
        place += 12 + size
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", parts[b"IHDR"])
    assert depth == 8
    assert colour in (2, 6)
    assert not interlaced
    rows = zlib.decompress(parts[b"IDAT"])
    line = 1 + width * (3 if colour == 2 else 4)
    packer = zlib.compressobj(6)
    packed = packer.compress(rows[: line * (height - 1)]) + packer.flush(zlib.Z_SYNC_FLUSH)
    head = png[:8] + chunk(b"IHDR", parts[b"IHDR"]) + chunk(b"IDAT", packed)
    return Shot(head, packer, rows[line * (height - 1) :])


def screenshot(width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """A PNG as a screenshot tool writes it: by a headless browser from a rich page, else drawn."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        return drawn(width, height)
    with tempfile.TemporaryDirectory(prefix="shot-") as folder:
        page, target = Path(folder) / "page.html", Path(folder) / "shot.png"
        page.write_text(_page(), encoding="utf-8")
        command = [
            browser,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder}/profile",
        ]
        command += [f"--window-size={width},{height}", f"--screenshot={target}", page.as_uri()]
        subprocess.run(command, capture_output=True, timeout=60, check=False)
        content = target.read_bytes() if target.exists() else b""
    return content if content.startswith(b"\x89PNG") else drawn(width, height)


def _page() -> str:
    """A page like those that people take pictures of: text, code, a table, a photo, a chart."""
    rng = random.Random(4)
    text = "".join(f"<p>{''.join(_sentence(rng) for _ in range(5))}</p>" for _ in range(14))
    lines = (f"def {rng.choice(WORDS)}_{n}(site, {rng.choice(WORDS)}):  # {_sentence(rng)}" for n in range(46))
    code = html.escape("\n".join(lines))
    cells = "".join(f"<tr>{''.join(f'<td>{rng.randint(0, 9999)}</td>' for _ in range(9))}</tr>" for _ in range(22))
    bars = "".join(
        f'<rect x="{n * 9}" y="{200 - h}" width="7" height="{h}" fill="hsl({n * 3} 70% 50%)"/>'
        for n, h in enumerate(rng.randint(5, 190) for _ in range(80))
    )
    photo = _photo(640, 420)
    return f"""<!doctype html><meta charset=utf-8><style>
      body {{ margin: 0; font: 16px system-ui; columns: 3; padding: 24px }}
      body {{ background: linear-gradient(160deg, #fff, #dfe6ff) }}
      pre {{ background: #14161c; color: #9fd; padding: 16px; font-size: 13px }}
      td {{ border: 1px solid #ccd; padding: 3px 9px }}
      img, svg {{ width: 100%; border-radius: 10px; box-shadow: 0 4px 24px #0006 }}</style>
      <h1>Release notes</h1>{text}<pre>{code}</pre><img src="data:image/png;base64,{photo}"><table>{cells}</table>
      <svg viewBox="0 0 720 200">{bars}</svg>{text}"""


def _sentence(rng: random.Random) -> str:
    return " ".join(rng.choices(WORDS, k=14)) + ". "


def _photo(width: int, height: int) -> str:
    out = io.BytesIO()
    _scene(width, height).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def _scene(width: int, height: int) -> Image.Image:
    """Something like a photograph: soft shapes with grain."""
    grain = Image.frombytes("RGB", (width, height), random.Random(5).randbytes(3 * width * height))
    soft = Image.frombytes("RGB", (16, 10), random.Random(7).randbytes(480)).resize((width, height), BICUBIC)
    return Image.blend(soft.filter(ImageFilter.GaussianBlur(3)), grain, 0.06)


def drawn(width: int, height: int) -> bytes:
    """A picture with the make-up of a screenshot, where no browser is installed."""
    rng = random.Random(6)
    image = Image.new("RGB", (width, height), "#f4f6ff")
    pen = ImageDraw.Draw(image)
    for top in range(20, height - 20, 18):
        pen.text((20, top), " ".join(rng.choices(WORDS, k=30)), fill="#223")
        pen.text((width // 2, top), " ".join(rng.choices(WORDS, k=20)), fill=(rng.randint(0, 200), 90, 120))
    image.paste(_scene(width // 4, height // 3), (width // 2, height // 3))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def sized(size: int) -> Shot:
    """A picture with about `size` bytes, to make variants of: part text, part grain."""
    side = 16 * max(4, int(math.sqrt(size / 2.4)) // 16)
    image = Image.frombytes("RGB", (side, side), random.Random(8).randbytes(3 * side * side))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, side, side // 5), fill="#f4f6ff")
    pen.text((8, 8), " ".join(WORDS), fill="#223")
    out = io.BytesIO()
    image.save(out, "PNG")
    return split(out.getvalue())


def numbers(start: int = 0) -> Iterator[int]:
    """Numbers for variants, each once: the same bytes twice would measure deduplication."""
    while True:
        yield start
        start += 1
