"""Reading a custom uploader: what ShareX reads is read alike, what cannot work is refused in words."""

from __future__ import annotations

import contextlib
import json
import time
from datetime import datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bulletdrop.errors import Invalid
from bulletdrop.tray import sxcu_finding
from bulletdrop.tray.sxcu import migrated, read_recipe
from bulletdrop.tray.sxcu_codes import replaced
from bulletdrop.tray.sxcu_syntax import Facts, Reply, read, work_out
from tests.tray.host_kit import sxcu

NOON = datetime(2026, 11, 21, 15, 4, 5, 67_000).astimezone()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"Version": ""}, "Version"),
        ({"Version": "12.3.1"}, "Version"),
        ({"Version": "new"}, "Version"),
        ({"RequestURL": ""}, "RequestURL"),
        ({"RequestURL": "ftp://h.example/"}, "RequestURL"),
        ({"RequestURL": "https://{random:a|b}.example/"}, "RequestURL"),
        ({"RequestURL": "https://h{filename}/"}, "RequestURL"),
        ({"RequestURL": "https://name:word@h.example/"}, "RequestURL"),
        ({"RequestMethod": "GET"}, "RequestMethod"),
        ({"RequestMethod": "TRACE"}, "RequestMethod"),
        ({"Body": "JSON", "Data": "{}"}, "Body"),
        ({"Body": "None"}, "Body"),
        ({"FileFormName": ""}, "FileFormName"),
        ({"DestinationType": "URLShortener"}, "DestinationType"),
        ({"DestinationType": "ImageUploader, Nonsense"}, "DestinationType"),
        ({"Headers": {"A b": "c"}}, "Headers"),
        ({"Headers": {"A": 1}}, "Headers"),
        ({"Headers": ["A"]}, "Headers"),
        ({"Arguments": {"a": "%ranimal"}}, "Arguments"),
        ({"Arguments": {"a": "{select:a|b}"}}, "Arguments.a"),
        ({"URL": 7}, "URL"),
        ({"URL": "{inputbox:Title|}"}, "URL"),
        ({"URL": "{prompt}"}, "URL"),
        ({"URL": "{outputbox:a}"}, "URL"),
        ({"URL": "{nothing:a}"}, "URL"),
        ({"URL": "{}"}, "URL"),
        ({"URL": "{json}"}, "URL"),
        ({"URL": "{random:a}"}, "URL"),
        ({"URL": "{{input}:a}"}, "URL"),
        ({"URL": "{json:" * 500}, "URL"),
        ({"URL": "x" * 20_000}, "URL"),
        ({"URL": "\ud800"}, "URL"),
    ],
)
def test_what_cannot_work_is_refused_by_the_field_that_is_wrong(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_recipe(sxcu("https://h.example/up", **fields) if "RequestURL" not in fields else sxcu("", **fields))
    assert caught.value.field == field
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '"a"', "[" * 100_000, "{}" + " " * 70_000, "\ud800"])
def test_what_is_no_custom_uploader_is_said_to_be_none(text: str) -> None:
    with pytest.raises(Invalid):
        read_recipe(text)


def test_a_file_is_read_as_sharex_reads_it() -> None:
    # Names in any case, a byte order mark, no scheme, the query as parameters, an unknown field.
    text = '\ufeff{"version": "19.0.2", "REQUESTURL": "h.example/up?a=1&b={filename}", "body": "multipartformdata",'
    recipe = read_recipe(text + '"FileFormName": "f", "Parameters": {"a": "2"}, "New": {"x": 1}}')
    assert recipe.host == "h.example"
    assert recipe.name == "h.example"
    assert work_out(recipe.address, Facts()) == "https://h.example/up"
    assert recipe.parameters == {"a": "2", "b": "{filename}"}
    assert recipe.method == "POST"
    assert work_out(recipe.link, Facts(reply=Reply("the whole answer"))) == "the whole answer"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("https://h/$json:files[0].url$", "https://h/{json:files[0].url}"),
        ("$regex:1|2$ and $response$", "{regex:1|2} and {response}"),
        ("{json:url}", "\\{json:url\\}"),
        ("a\\bc", "ac"),
        ("$open", "{open"),
        ("", ""),
    ],
)
def test_the_old_syntax_is_brought_over_as_sharex_does_it(old: str, new: str) -> None:
    assert migrated(old) == new


def test_an_old_file_with_the_new_syntax_is_broken_as_in_sharex() -> None:
    link = read_recipe(sxcu("https://h.example/", Version="13.7.1", URL="{json:url}")).link
    assert work_out(link, Facts(reply=Reply('{"url": "https://h.example/1"}'))) == "{json:url}"
    link = read_recipe(sxcu("https://h.example/", Version="13.7.1", URL="$json:url$")).link
    assert work_out(link, Facts(reply=Reply('{"url": "https://h.example/1"}'))) == "https://h.example/1"
    link = read_recipe(sxcu("https://h.example/", Version="13.7.2", URL="{json:url}")).link
    assert work_out(link, Facts(reply=Reply('{"url": "https://h.example/1"}'))) == "https://h.example/1"


def test_codes_are_filled_in() -> None:
    assert (
        replaced("%y-%mo-%d %h:%mi:%s.%ms %yy %mon2 %w2 %wy", NOON) == "2026-11-21 15:04:05.067 26 November Saturday 47"
    )
    assert replaced("%h%pm", NOON) == "03PM"
    assert replaced(r"\%y 100% %unknown", NOON) == r"\%y 100% %unknown"[:9] + replaced("%unknown", NOON)
    assert replaced("a%nb%t%pn", NOON) == "a\nb"
    many = replaced("%ra{12}|%rn{3}|%rx|%guid", NOON).split("|")
    assert [len(one) for one in many] == [12, 3, 1, 36]
    assert many[1].isdigit()


def test_a_path_through_everything_meets_each_place_once_however_deep_the_answer_is() -> None:
    deep = '{"a":' * 300 + "1" + "}" * 300
    with pytest.raises(Invalid, match="several times"):
        sxcu_finding.in_json(deep, "$" + "..a" * 40)
    assert sxcu_finding.in_json('{"b": [{"a": 7}]}', "$..a") == "7"
    xml = "<a>" * 2000 + "x" + "</a>" * 2000
    assert sxcu_finding.in_xml(xml, "//a" * 40) == "x"
    assert sxcu_finding.in_xml("<r><b><a>1</a></b><a k='2'/></r>", "//a/@k") == "2"


def test_patterns_run_apart_and_end_in_time() -> None:
    assert sxcu_finding.by_pattern("id=7;", r"id=(\d)", "1") == "7"
    assert sxcu_finding.by_pattern("id=7;", r"id=(?<n>\d)", "n") == "7"
    assert sxcu_finding.by_pattern("id=7;", r"(?<=id=)\d", "") == "7"
    assert sxcu_finding.by_pattern("no", r"id", "") == ""
    for pattern, group in (("(", ""), ("a", "3"), ("a", "name")):
        with pytest.raises(Invalid, match="cannot be read"):
            sxcu_finding.by_pattern("a", pattern, group)
    began = time.monotonic()
    with pytest.raises(Invalid, match="too long"):
        sxcu_finding.by_pattern("a" * 64, "(a|aa)+$b", "", seconds=1.0)
    assert time.monotonic() - began < 15


SYNTAX = st.text(alphabet=st.sampled_from("{}|:\\$%jsonxmlregexheaderinput.[]'\"0a/ \n"), max_size=60)
CALLS = st.recursive(
    st.sampled_from(["response", "json:a", "json:$.a[0]", "xml:/a", "header:x", "filename", "random:a|b", "base64:x"])
    | SYNTAX.filter(lambda text: "regex" not in text),
    lambda inner: st.builds(lambda a, b: f"{{{a}:{{{b}}}|{a}}}", inner, inner),
    max_leaves=6,
)
ANSWERS = st.one_of(
    st.text(max_size=60),
    st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
                 lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
                 max_leaves=8).map(json.dumps),
    st.text(alphabet="<>/ab='\"&;! ", max_size=40),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(CALLS, ANSWERS)
@example("{json:{json:{response}|a}|b}", '{"a": "[1]"}')
@example("{json:..*}", '{"a": {"b": 1}}')
def test_no_value_and_no_answer_gives_anything_but_a_text_or_our_error(value: str, answer: str) -> None:
    with contextlib.suppress(Invalid):
        parts = read(value, "URL")
        # Patterns run in a process each: they are tried elsewhere.
        if "regex" not in value.lower():
            assert isinstance(work_out(parts, Facts("a.png", Reply(answer, "https://h/", {"x": "y"}))), str)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["Version", "RequestURL", "Body", "FileFormName", "URL", "Headers", "Arguments", "Parameters",
             "DestinationType", "RequestMethod", "ErrorMessage", "version"]
        ),
        st.one_of(
            SYNTAX,
            st.text(max_size=20),
            st.sampled_from(["15.0.0", "13.0.0", "https://h.example/?a=b", "MultipartFormData", "Binary", "file"]),
            st.dictionaries(st.text(max_size=5), SYNTAX | st.integers(), max_size=3),
            st.none() | st.integers() | st.lists(st.text(max_size=3), max_size=3),
        ),
    )
)  # fmt: skip
def test_no_file_gives_anything_but_an_uploader_or_our_error(values: dict[str, Any]) -> None:
    # Any other error would come out of the block.
    with contextlib.suppress(Invalid):
        assert read_recipe(json.dumps(values)).host


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_no_text_at_all_gives_anything_but_our_error(text: str) -> None:
    with contextlib.suppress(Invalid):
        read_recipe(text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_what_is_brought_over_from_the_old_syntax_keeps_plain_text(text: str) -> None:
    plain = text.replace("$", "").replace("\\", "").replace("|", "").replace("%", "")
    assert work_out(read(migrated(plain), "URL"), Facts()) == plain
