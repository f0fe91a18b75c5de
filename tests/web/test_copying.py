"""Links to paste elsewhere: whatever a drop is called, each syntax reads one link or picture, with that name in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bulletdrop.web import words
from bulletdrop.web.copying import forms, qr_svg

PAGE, BYTES, THUMB = "https://pics.example/abc", "https://pics.example/d-é.png", "https://pics.example/i/1?size=small"
# Letters that mean something to one of the syntaxes come often; anything else now and then.
HOSTILE = st.text(
    alphabet=st.one_of(st.sampled_from("[]()<>!\\`*_~|&;:\"'#/= \t\n\u2028ax"), st.characters()), max_size=40
)
NAMES = HOSTILE | st.sampled_from(
    [
        "](javascript:alert(1))",
        "![x](https://evil.example/x.png)",
        "<script>alert(1)</script>",
        "<https://evil.example>",
        "https://evil.example www.evil.example",
        '" onerror="alert(1)',
        "[/img][url=https://evil.example]x[/url]",
        "&lt;b&gt; &#91;x&#93;",
        "`a``b",
        "\\",
        "a\n\n# heading",
    ]
)


def made(name: str, **more: object) -> dict[str, str]:
    """The forms by their label."""
    return {form.label: form.text for form in forms(name, PAGE, BYTES, **more)}  # type: ignore[arg-type]


class Elements(HTMLParser):
    """What a browser makes of a piece of HTML: tags with attributes, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def flat(tokens: list[Token]) -> list[Token]:
    """Every token but the paragraph around them and plain text."""
    inner = [child for token in tokens for child in token.children or ()]
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    return [token for token in inner if token.type not in ("text", "text_special")]


@settings(deadline=None)
@given(NAMES)
def test_markdown_reads_one_link_to_the_page_whatever_a_file_is_called(name: str) -> None:
    text = made(name)["Markdown"]
    opened, closed = flat(MarkdownIt("gfm-like", {"linkify": False}).parse(text))
    assert (opened.type, opened.attrs, closed.type) == ("link_open", {"href": PAGE}, "link_close")
    shown = Elements(MarkdownIt().render(text)).text.removesuffix("\n")
    # A line's ends are trimmed by Markdown where the name begins or ends a paragraph; in brackets nothing is.
    assert shown == words.name(name)


@settings(deadline=None)
@given(NAMES, st.booleans())
def test_markdown_reads_one_picture_whatever_it_is_called(name: str, small: bool) -> None:
    text = made(name, picture=True, thumb_url=THUMB if small else "")["Markdown"]
    found = flat(MarkdownIt("gfm-like", {"linkify": False}).parse(text))
    assert [token.type for token in found] == (["link_open", "image", "link_close"] if small else ["image"])
    (image,) = [token for token in found if token.type == "image"]
    assert image.attrs["src"] == (THUMB if small else "https://pics.example/d-%C3%A9.png")
    assert all(child.type in ("text", "text_special") for child in image.children or ())


@settings(deadline=None)
@given(NAMES, st.booleans())
def test_html_holds_our_elements_and_no_other(name: str, picture: bool) -> None:
    text = made(name, picture=picture, thumb_url=THUMB)["HTML"]
    found = Elements(text)
    assert [tag for tag, _ in found.tags] == (["a", "img"] if picture else ["a"])
    assert found.tags[0][1] == {"href": PAGE}
    if picture:
        assert found.tags[1][1] == {"src": THUMB, "alt": words.name(name)}
    else:
        assert found.text == words.name(name)


@settings(deadline=None)
@given(NAMES, st.booleans())
def test_bbcode_holds_our_tags_and_no_other(name: str, picture: bool) -> None:
    text = made(name, picture=picture, thumb_url=THUMB)["BBCode"]
    ours = [f"[url={PAGE}]", "[img]", "[/img]", "[/url]"] if picture else [f"[url={PAGE}]", "[/url]"]
    assert re.findall(r"\[[^\]]*\]?", text) == ours
    assert "\n" not in text


@settings(deadline=None)
@given(NAMES)
def test_a_frame_is_one_element_with_the_name_as_its_title(name: str) -> None:
    text = made(name, embed_url="https://pics.example/embed/1")["Frame"]
    ((tag, attributes),) = Elements(text).tags
    assert (tag, attributes["src"], attributes["title"]) == ("iframe", "https://pics.example/embed/1", words.name(name))


@settings(deadline=None)
@given(st.text(alphabet="ab)]>\"'( [<\\`é", max_size=20))
def test_no_path_ends_a_link_early(path: str) -> None:
    found = {form.label: form.text for form in forms("x", f"https://pics.example/{path}")}
    opened, _ = flat(MarkdownIt().parse(found["Markdown"]))
    assert opened.attrs["href"] == found["Link"]
    assert Elements(found["HTML"]).tags == [("a", {"href": found["Link"]})]
    assert found["BBCode"] == f"[url={found['Link']}]x[/url]"
    assert not re.search(r"[\s\"'<>()\[\]\\`]", found["Link"])


def test_the_forms_of_an_ordinary_screenshot_read_as_one_would_write_them() -> None:
    assert made("Screenshot 2026-11-21.png", picture=True)["Markdown"] == (
        "![Screenshot 2026-11-21.png](https://pics.example/d-%C3%A9.png)"
    )
    assert [form.label for form in forms("x", PAGE)] == ["Link", "Markdown", "HTML", "BBCode"]


def test_a_qr_code_is_dark_on_light_with_four_modules_of_margin_and_says_nothing_else() -> None:
    drawn = qr_svg("https://pics.example/<script>")
    assert "script" not in drawn
    assert "style" not in drawn
    assert 'fill="#fff"' in drawn
    assert 'stroke="#000" d="M4 4.5' in drawn
