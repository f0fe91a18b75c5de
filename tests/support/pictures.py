"""Real pictures for tests, made on the spot."""

from __future__ import annotations

import io
import random
from pathlib import Path

from PIL import Image, ImageDraw


def screenshot(seed: int = 0, *, width: int = 640, height: int = 400, kind: str = "PNG", **options: object) -> bytes:
    """A picture that looks like a screenshot, different for each seed, as a file's bytes."""
    dice = random.Random(seed)
    picture = Image.new("RGB", (width, height), tuple(dice.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(picture)
    for _ in range(40):
        x, y = dice.randrange(width), dice.randrange(height)
        colour = tuple(dice.randrange(256) for _ in range(3))
        draw.rectangle((x, y, x + dice.randrange(5, 120), y + dice.randrange(3, 40)), fill=colour)
    draw.text((10, 10), f"screenshot {seed}", fill="white")
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def write_screenshot(path: Path, seed: int = 0, **options: object) -> Path:
    """The same, as a file."""
    path.write_bytes(screenshot(seed, **options))  # type: ignore[arg-type]
    return path
