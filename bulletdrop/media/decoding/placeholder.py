"""ThumbHash: about 25 bytes that stand for a picture until it is there.

The algorithm is Evan Wallace's (https://github.com/evanw/thumbhash): an average colour and a few cosine terms of
lightness, two colour differences and opacity, each in four bits. Written here because the package for Python (0.1.2)
fails on transparent pictures.
"""

from __future__ import annotations

import base64
import math

from PIL import Image

# The published encoder takes up to 100 pixels a side; a hash holds at most seven waves, which 32 pixels carry.
_SIDE = 32

Channel = tuple[float, list[float], float]


def placeholder(picture: Image.Image) -> str:
    """The hash of a picture, in base64, at most 36 characters. The picture is RGB or RGBA and stays as it is."""
    scale = _SIDE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    small = picture.convert("RGBA")
    if max(small.size) > _SIDE:
        small = small.resize(size, Image.Resampling.BOX)
    return base64.b64encode(encode(small.width, small.height, small.tobytes())).decode("ascii")


def encode(width: int, height: int, rgba: bytes) -> bytes:
    """The hash of raw RGBA pixels, four bytes each, row by row."""
    lightness, yellow_blue, red_green, opacity = _channels(rgba)
    has_alpha = sum(opacity) < width * height
    longest = max(width, height)
    limit = 5 if has_alpha else 7
    across, down = max(1, _round(limit * width / longest)), max(1, _round(limit * height / longest))
    l_dc, l_ac, l_scale = _cosines(lightness, width, height, max(3, across), max(3, down))
    p_dc, p_ac, p_scale = _cosines(yellow_blue, width, height, 3, 3)
    q_dc, q_ac, q_scale = _cosines(red_green, width, height, 3, 3)
    landscape = width > height
    header = (
        _round(63 * l_dc)
        | _round(31.5 + 31.5 * p_dc) << 6
        | _round(31.5 + 31.5 * q_dc) << 12
        | _round(31 * l_scale) << 18
        | has_alpha << 23
    )
    second = (down if landscape else across) | _round(63 * p_scale) << 3 | _round(63 * q_scale) << 9 | landscape << 15
    terms = l_ac + p_ac + q_ac
    out = header.to_bytes(3, "little") + second.to_bytes(2, "little")
    if has_alpha:
        a_dc, a_ac, a_scale = _cosines(opacity, width, height, 5, 5)
        out += bytes([_round(15 * a_dc) | _round(15 * a_scale) << 4])
        terms += a_ac
    nibbles = [_round(15 * term) for term in terms]
    nibbles += [0] * (len(nibbles) % 2)
    return out + bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))


def _channels(rgba: bytes) -> tuple[list[float], list[float], list[float], list[float]]:
    """Lightness, yellow against blue, red against green, opacity; transparent pixels take the average colour."""
    opacity = [value / 255 for value in rgba[3::4]]
    total = sum(opacity)
    colours: list[list[float]] = []
    for offset in range(3):
        values = [alpha * value / 255 for alpha, value in zip(opacity, rgba[offset::4], strict=True)]
        average = sum(values) / total if total else 0.0
        colours.append([average * (1 - alpha) + value for alpha, value in zip(opacity, values, strict=True)])
    pixels = list(zip(*colours, strict=True))
    return (
        [(r + g + b) / 3 for r, g, b in pixels],
        [(r + g) / 2 - b for r, g, b in pixels],
        [r - g for r, g, b in pixels],
        opacity,
    )


def _cosines(channel: list[float], width: int, height: int, across: int, down: int) -> Channel:
    """The constant term, the others scaled to 0..1 in the published order, and their scale."""
    waves = [[math.cos(math.pi / width * cx * (x + 0.5)) for x in range(width)] for cx in range(across)]
    rows = [channel[y * width : (y + 1) * width] for y in range(height)]
    in_rows = [[sum(map(float.__mul__, row, wave)) for row in rows] for wave in waves]
    constant, terms = 0.0, []
    for cy in range(down):
        wave = [math.cos(math.pi / height * cy * (y + 0.5)) for y in range(height)]
        cx = 0
        while cx * down < across * (down - cy):
            value = sum(map(float.__mul__, in_rows[cx], wave)) / (width * height)
            if cx or cy:
                terms.append(value)
            else:
                constant = value
            cx += 1
    scale = max((abs(term) for term in terms), default=0.0)
    if scale:
        terms = [0.5 + 0.5 / scale * term for term in terms]
    return constant, terms, scale


def _round(value: float) -> int:
    """Half goes up, as in the JavaScript that decodes it."""
    return math.floor(value + 0.5)
