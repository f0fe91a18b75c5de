"""Finds a value in what a host answered: by a path in JSON or XML, or by a pattern that gets so long and no longer."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any
from xml.etree import ElementTree

from bulletdrop.errors import Invalid
from bulletdrop.paths import child_environment, program

# A pattern can be written so that it takes until the end of the world (and holds up all threads while it does), so it
# runs in a process that can be killed. Most of the time is that process's start.
PATTERN_SECONDS = 5.0
_MOST_DEPTH = 50

# One step of a path: `.name`, `..name`, `[0]`, `['name']`, `[*]`, `.*`.
_STEP = re.compile(
    r"""(?P<deep>\.\.)?\.?(?:(?P<name>[^.\[\]'"*?()@$\s]+)|(?P<any>\*)|\[(?:(?P<index>-?\d{1,6})|(?P<all>\*)|'(?P<single>[^']*)'|"(?P<double>[^"]*)")\])"""
)
_XML_STEP = re.compile(
    r"(?P<deep>/?/)(?:(?P<name>[\w.:-]+|\*)(?:\[(?P<place>\d{1,5})\])?|@(?P<attribute>[\w.:-]+)|(?P<text>text\(\)))"
)


def in_json(source: str, path: str) -> str:
    """The value at a path as text; empty where there is none. Raises Invalid."""
    try:
        value = json.loads(source)
    except (ValueError, RecursionError) as error:
        raise Invalid("The host's answer is no JSON.") from error
    found = [value]
    for step in _steps(path):
        found = _take(found, step)
    if len(found) > 1:
        raise Invalid(f"“{path[:100]}” is in the host's answer several times.")
    return _as_text(found[0], path) if found else ""


def _steps(path: str) -> list[re.Match[str]]:
    steps: list[re.Match[str]] = []
    path = path.strip()
    at = 1 if path.startswith("$") else 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None or len(steps) >= _MOST_DEPTH:
            raise Invalid(f"“{path[:100]}” is a path that BulletDrop does not read.")
        steps.append(step)
        at = step.end()
    return steps


def _take(values: list[Any], step: re.Match[str]) -> list[Any]:
    targets = _below(values) if step["deep"] else values
    key = next((step[name] for name in ("name", "single", "double") if step[name] is not None), None)
    found: list[Any] = []
    for one in targets:
        if key is not None and isinstance(one, dict):
            found += [one[key]] if key in one else []
        elif step["index"] is not None and isinstance(one, list):
            at = int(step["index"])
            found += [one[at]] if -len(one) <= at < len(one) else []
        elif (step["any"] or step["all"]) and isinstance(one, dict | list):
            found += one.values() if isinstance(one, dict) else one
    return found


def _below(values: list[Any]) -> list[Any]:
    """The values and all in them. What is in several of them is there once: else each step would multiply it."""
    found, waiting, seen = [], values[::-1], set[int]()
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict | list):
            if id(one) in seen:
                continue
            seen.add(id(one))
        found.append(one)
        waiting += reversed(list(one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()))
    return found


def _as_text(value: Any, path: str) -> str:
    if isinstance(value, dict | list):
        raise Invalid(f"“{path[:100]}” is no single value in the host's answer.")
    if value is None:
        return ""
    return str(value)


def in_xml(source: str, path: str) -> str:
    """The text of the first element or attribute that a path leads to; empty where there is none. Raises Invalid."""
    if "<!DOCTYPE" in source.upper():
        # Entities could make it grow without end, or name files of ours.
        raise Invalid("The host's answer is XML with a document type, which is not read.")
    try:
        root = ElementTree.fromstring(source)
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise Invalid("The host's answer is no XML.") from error
    above = ElementTree.Element("")
    above.append(root)
    found: list[ElementTree.Element] = [above]
    at, path = 0, path.strip()
    path = path if path.startswith("/") else f"/{path}"
    while at < len(path):
        step = _XML_STEP.match(path, at)
        if step is None:
            raise Invalid(f"“{path[:100]}” is a path that BulletDrop does not read.")
        at = step.end()
        if step["attribute"] or step["text"]:
            if at < len(path):
                raise Invalid(f"“{path[:100]}” is a path that BulletDrop does not read.")
            return _end_of(found, step)
        found = _children(found, step)
    return "".join(found[0].itertext()) if found else ""


def _within(elements: list[ElementTree.Element]) -> list[ElementTree.Element]:
    """The elements and all in them, each once: else each step would multiply them."""
    found, waiting, seen = [], elements[::-1], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) not in seen:
            seen.add(id(one))
            found.append(one)
            waiting += reversed(one)
    return found


def _children(elements: list[ElementTree.Element], step: re.Match[str]) -> list[ElementTree.Element]:
    parents = _within(elements) if step["deep"] == "//" else elements
    found: list[ElementTree.Element] = []
    for parent in parents:
        named = [each for each in parent if step["name"] in ("*", each.tag)]
        found += named if step["place"] is None else named[int(step["place"]) - 1 : int(step["place"])]
    return found


def _end_of(found: list[ElementTree.Element], step: re.Match[str]) -> str:
    holders = _within(found) if step["deep"] == "//" else found
    if step["text"]:
        return next((one.text for one in holders if one.text), "")
    return next((one.attrib[step["attribute"]] for one in holders if step["attribute"] in one.attrib), "")


def by_pattern(source: str, pattern: str, group: str, *, seconds: float = PATTERN_SECONDS) -> str:
    """What a pattern finds first, or one of its groups by number or name; empty for nothing.

    Raises: Invalid for a pattern that cannot be read, and for one that takes too long.
    """
    asked = json.dumps({"pattern": pattern, "group": group, "source": source}).encode()
    try:
        done = subprocess.run(
            [*program(), "match"],
            input=asked,
            capture_output=True,
            timeout=seconds,
            check=False,
            env=child_environment(),
        )
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired as error:
        raise Invalid(f"The pattern “{pattern[:60]}” takes too long.") from error
    except (OSError, ValueError) as error:
        raise Invalid("The pattern could not be tried.") from error
    if not isinstance(answer, str):
        raise Invalid(f"The pattern “{pattern[:60]}” cannot be read.")
    return answer


def match() -> None:
    """The child's side: one question on standard input, its answer on standard output."""
    asked = json.load(sys.stdin)
    try:
        # .NET writes named groups `(?<name>…)`.
        found = re.search(re.sub(r"\(\?<(?![=!])", "(?P<", asked["pattern"]), asked["source"])
        group: str = asked["group"]
        answer = "" if found is None else found[int(group) if group.isdigit() else group or 0] or ""
    except (re.error, IndexError, RecursionError, OverflowError):
        json.dump(None, sys.stdout)
        return
    json.dump(answer, sys.stdout)
