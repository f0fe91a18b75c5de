"""Makes every icon of BulletDrop from the SVG sources beside this file: `python assets/make_icons.py`.

Reads the small part of SVG that the sources use (paths of M C L Z, circles, rectangles, strokes with round ends,
vertical gradients, blurs) and draws it with Pillow, so that no other program is needed. Writes

    assets/icon-<size>.png, icon.ico, icon.icns     the app's icon, for installers and pages
    bulletdrop/tray/icons/app.png                   the same, for notifications
    bulletdrop/tray/icons/<state>-<size>.png        the tray's pictures, as tray/pixmaps.py reads them
    bulletdrop/tray/icons/sending-<size>.png        the one that stands within the ring of progress
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as Xml

from PIL import Image, ImageChops, ImageDraw, ImageFilter

ASSETS = Path(__file__).parent
TRAY = ASSETS.parent / "bulletdrop" / "tray" / "icons"
APP_SIZES = (16, 24, 32, 48, 64, 96, 128, 256, 512)
TRAY_SIZES = (16, 22, 24, 32, 44, 48)
OVER = 8  # each pixel is drawn as 8 x 8

Point = tuple[float, float]
Colour = tuple[int, int, int]


@dataclass
class Shape:
    """One drawn thing: closed outlines to fill, or lines to stroke, in the units of the view box."""

    outlines: list[list[Point]]
    paint: str
    width: float = 0.0  # of the stroke; 0 means fill
    opacity: float = 1.0
    blur: float = 0.0


@dataclass
class Drawing:
    """A source, read: its shapes from back to front and the gradients they name."""

    side: float
    shapes: list[Shape] = field(default_factory=list)
    gradients: dict[str, tuple[Colour, Colour]] = field(default_factory=dict)


def read(path: Path) -> Drawing:
    """Read one SVG source. Raises ValueError for anything this script does not draw."""
    root = Xml.parse(path).getroot()
    drawing = Drawing(side=float(root.attrib["viewBox"].split()[2]))
    blurs: dict[str, float] = {}
    for element in root.iter():
        name = element.tag.rpartition("}")[2]
        if name == "linearGradient":
            first, last = (colour(stop.attrib["stop-color"]) for stop in element)
            drawing.gradients[element.attrib["id"]] = (first, last)
        elif name == "filter":
            blurs[element.attrib["id"]] = float(element[0].attrib["stdDeviation"])
        elif name in ("path", "circle", "rect"):
            drawing.shapes += shapes(element, name, root.attrib.get("fill", "#000000"), blurs)
        elif name not in ("svg", "title", "defs", "stop", "feGaussianBlur"):
            raise ValueError(f"{path.name}: <{name}> is not drawn by this script")
    return drawing


def shapes(element: Xml.Element, name: str, fill: str, blurs: dict[str, float]) -> Iterator[Shape]:
    """The fill and the stroke of one element."""
    given = element.attrib
    outlines = {
        "path": lambda: path_lines(given["d"]),
        "circle": lambda: [circle(given)],
        "rect": lambda: [rect(given)],
    }
    lines = outlines[name]()
    opacity = float(given.get("opacity", 1))
    blur = blurs.get(given.get("filter", "")[5:-1], 0.0)
    if (paint := given.get("fill", fill)) != "none":
        yield Shape(lines, paint, opacity=opacity, blur=blur)
    if (paint := given.get("stroke", "none")) != "none":
        if name == "circle" or "Z" in given.get("d", ""):
            lines = [[*line, line[0]] for line in lines]
        yield Shape(lines, paint, width=float(given["stroke-width"]), opacity=opacity, blur=blur)


def path_lines(text: str) -> list[list[Point]]:
    """A path of absolute M, C, L and Z as lines of points, curves in 48 steps."""
    words = re.findall(r"[A-Za-z]|-?[\d.]+", text)
    lines: list[list[Point]] = []
    command, at = "", 0
    while at < len(words):
        if words[at].isalpha():
            command, at = words[at], at + 1
            if command == "Z":
                continue
        count = {"M": 2, "L": 2, "C": 6}[command]
        numbers = [float(word) for word in words[at : at + count]]
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        at += count
        if command == "M":
            lines.append(points)
        elif command == "L":
            lines[-1] += points
        else:
            lines[-1] += curve((lines[-1][-1], *points))
    return lines


def curve(points: tuple[Point, ...], steps: int = 48) -> list[Point]:
    """A cubic Bézier curve through its four points, without the first."""
    a, b, c, d = points

    def at(t: float, i: int) -> float:
        u = 1 - t
        return u**3 * a[i] + 3 * u * u * t * b[i] + 3 * u * t * t * c[i] + t**3 * d[i]

    return [(at(n / steps, 0), at(n / steps, 1)) for n in range(1, steps + 1)]


def circle(given: dict[str, str]) -> list[Point]:
    """A circle as 128 points."""
    x, y, r = (float(given[name]) for name in ("cx", "cy", "r"))
    return [(x + r * math.cos(n * math.tau / 128), y + r * math.sin(n * math.tau / 128)) for n in range(128)]


def rect(given: dict[str, str]) -> list[Point]:
    """A rectangle with round corners."""
    x, y, width, height, r = (float(given.get(name, 0)) for name in ("x", "y", "width", "height", "rx"))
    corners = (
        (x + width - r, y + height - r, 0),
        (x + r, y + height - r, 1),
        (x + r, y + r, 2),
        (x + width - r, y + r, 3),
    )
    angles = [(cx, cy, (quarter + n / 16) * math.pi / 2) for cx, cy, quarter in corners for n in range(17)]
    return [(cx + r * math.cos(angle), cy + r * math.sin(angle)) for cx, cy, angle in angles]


def colour(text: str) -> Colour:
    """`#rrggbb`; `currentColor` is black, which the tray replaces by the panel's ink."""
    if text == "currentColor":
        return (0, 0, 0)
    return (int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16))


def draw(drawing: Drawing, size: int) -> Image.Image:
    """The drawing as an RGBA picture of `size` × `size` pixels."""
    picture = Image.new("RGBA", (size, size), (0, 0, 0, 0))
    over = OVER if size <= 128 else 4
    for shape in drawing.shapes:
        mask = coverage(shape, drawing.side, size, over)
        if shape.blur:
            mask = mask.filter(ImageFilter.GaussianBlur(shape.blur * size / drawing.side))
        mask = mask.point([round(value * shape.opacity) for value in range(256)])
        layer = fill(shape, drawing, size)
        layer.putalpha(mask)
        picture = Image.alpha_composite(picture, layer)
    return picture


def coverage(shape: Shape, side: float, size: int, over: int) -> Image.Image:
    """How much of each pixel the shape covers."""
    scale = size * over / side
    mask = Image.new("L", (size * over, size * over), 0)
    for line in shape.outlines:
        points = [(x * scale, y * scale) for x, y in line]
        one = Image.new("L", mask.size, 0)
        pen = ImageDraw.Draw(one)
        if shape.width == 0:
            pen.polygon(points, fill=255)
        else:
            stroke(pen, points, shape.width * scale / 2)
        mask = ImageChops.lighter(mask, one)
    return mask.resize((size, size), Image.Resampling.BOX)


def stroke(pen: ImageDraw.ImageDraw, points: list[Point], radius: float) -> None:
    """A line with round ends and joints: a disc at each point, a bar from each to the next."""
    for (x, y), (to_x, to_y) in zip(points, [*points[1:], points[-1]], strict=True):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
        length = math.hypot(to_x - x, to_y - y)
        if length:
            dx, dy = (to_y - y) / length * radius, (x - to_x) / length * radius
            pen.polygon([(x + dx, y + dy), (to_x + dx, to_y + dy), (to_x - dx, to_y - dy), (x - dx, y - dy)], fill=255)


def fill(shape: Shape, drawing: Drawing, size: int) -> Image.Image:
    """A picture full of the shape's paint: one colour, or a gradient from its top to its bottom."""
    if not shape.paint.startswith("url("):
        return Image.new("RGBA", (size, size), colour(shape.paint))
    first, last = drawing.gradients[shape.paint[5:-1]]
    heights = [y for line in shape.outlines for _, y in line]
    top, bottom = min(heights), max(heights)
    layer = Image.new("RGBA", (size, size))
    pen = ImageDraw.Draw(layer)
    for row in range(size):
        along = min(1.0, max(0.0, ((row + 0.5) * drawing.side / size - top) / (bottom - top)))
        mixed = tuple(round(a + (b - a) * along) for a, b in zip(first, last, strict=True))
        pen.line((0, row, size, row), fill=mixed)
    return layer


def within_ring(drawing: Drawing, size: int) -> Image.Image:
    """The drawing at five eighths of the size, in the middle: around it tray/ring.py draws how far an upload is."""
    inner = round(size * 5 / 8)
    inner += (size - inner) % 2
    picture = Image.new("RGBA", (size, size), (0, 0, 0, 0))
    picture.paste(draw(drawing, inner), ((size - inner) // 2, (size - inner) // 2))
    return picture


def write_plain_png(path: Path, picture: Image.Image) -> None:
    """Write an RGBA PNG with filter 0 in each row: what the tray reads without a picture library."""
    width, height = picture.size
    pixels = picture.tobytes()
    rows = b"".join(b"\0" + pixels[row * width * 4 : (row + 1) * width * 4] for row in range(height))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def main() -> None:
    """Make everything."""
    TRAY.mkdir(exist_ok=True)
    icon = read(ASSETS / "icon.svg")
    sizes = {size: draw(icon, size) for size in APP_SIZES}
    for size, picture in sizes.items():
        picture.save(ASSETS / f"icon-{size}.png", optimize=True)
    sizes[96].save(TRAY / "app.png", optimize=True)
    sizes[256].save(ASSETS / "icon.ico", sizes=[(size, size) for size in APP_SIZES if size <= 256])
    sizes[512].save(ASSETS / "icon.icns")
    for source in sorted(ASSETS.glob("tray-*.svg")):
        drawing = read(source)
        for size in TRAY_SIZES:
            write_plain_png(TRAY / f"{source.stem.removeprefix('tray-')}-{size}.png", draw(drawing, size))
    working = read(ASSETS / "tray-working.svg")
    for size in TRAY_SIZES:
        write_plain_png(TRAY / f"sending-{size}.png", within_ring(working, size))


if __name__ == "__main__":
    main()
