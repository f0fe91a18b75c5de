"""com.canonical.dbusmenu: our menu, offered on the session bus to the panel that draws it."""

# No `from __future__ import annotations` here: dbus-fast reads the annotations of these methods when the class is made.
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

from dbus_fast import PropertyAccess, Variant
from dbus_fast.annotations import DBusBool, DBusInt32, DBusSignature, DBusStr, DBusUInt32, DBusVariant
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

from bulletdrop.log import get_logger
from bulletdrop.tray.menu import Entry

log = get_logger("menu")

ROOT = 0
Ints = Annotated[list[int], DBusSignature("ai")]
Names = Annotated[list[str], DBusSignature("as")]
Layout = Annotated[tuple[int, list[Any]], DBusSignature("u(ia{sv}av)")]
Properties = Annotated[list[Any], DBusSignature("a(ia{sv})")]
Events = Annotated[list[Any], DBusSignature("a(isvu)")]
TwoInts = Annotated[tuple[list[int], list[int]], DBusSignature("aiai")]
Updated = Annotated[list[int], DBusSignature("ui")]
Changed = Annotated[tuple[list[Any], list[Any]], DBusSignature("a(ia{sv})a(ias)")]


class DBusMenu(ServiceInterface):
    """The menu interface, version 3 of the protocol.

    A line keeps its number for as long as it stands at the same place in the menu under the same key (or label): a
    panel may send the click on a menu that it drew before the last change, and it must not reach another line.
    """

    def __init__(self) -> None:
        super().__init__("com.canonical.dbusmenu")
        self._revision = 1
        self._numbers: dict[tuple[str, ...], int] = {}
        self._last_number = ROOT
        self._entries: dict[int, Entry] = {ROOT: Entry("root")}
        self._children: dict[int, list[int]] = {ROOT: []}

    def set_entries(self, entries: Sequence[Entry]) -> None:
        """Replace the whole menu and tell the panel. In the bus's own thread only."""
        before = set(self._numbers.values()) & set(self._entries)
        self._entries, self._children = {ROOT: Entry("root", children=tuple(entries))}, {}
        self._place(ROOT, entries, ())
        # Numbers of the menu before this one are kept (a late click finds nothing), older ones forgotten.
        keep = before | set(self._entries)
        self._numbers = {place: number for place, number in self._numbers.items() if number in keep}
        self._revision += 1
        self.layout_updated(self._revision, ROOT)

    def _place(self, parent: int, entries: Sequence[Entry], path: tuple[str, ...]) -> None:
        seen: dict[str, int] = {}
        self._children[parent] = []
        for entry in entries:
            label = "-" if entry.separator else entry.key or entry.label
            seen[label] = seen.get(label, 0) + 1
            place = (*path, f"{seen[label]} {label}")
            if place not in self._numbers:
                self._last_number += 1
                self._numbers[place] = self._last_number
            number = self._numbers[place]
            self._entries[number] = entry
            self._children[parent].append(number)
            self._place(number, entry.children, place)

    def _properties(self, number: int) -> dict[str, Variant]:
        entry = self._entries[number]
        if entry.separator:
            return {"type": Variant("s", "separator")}
        if number == ROOT:
            return {"children-display": Variant("s", "submenu")}
        # An underline in a label marks the key to press; two stand for one.
        found = {"label": Variant("s", entry.label.replace("_", "__")), "enabled": Variant("b", entry.enabled)}
        if entry.children:
            found["children-display"] = Variant("s", "submenu")
        if entry.icon:
            found["icon-data"] = Variant("ay", entry.icon)
        return found

    def _branch(self, number: int, depth: int) -> list[Any]:
        below = [] if depth == 0 else self._children.get(number, [])
        branches = [Variant("(ia{sv}av)", self._branch(child, depth - 1)) for child in below]
        return [number, self._properties(number), branches]

    def _known(self, numbers: Sequence[int]) -> Iterator[int]:
        return (number for number in (numbers or self._entries) if number in self._entries)

    def _act(self, number: int, event: str) -> bool:
        entry = self._entries.get(number)
        if entry is None:
            return False
        if event == "clicked" and entry.action is not None:
            run_safely(entry.action, entry.label)
        return True

    @dbus_method(name="GetLayout")
    def get_layout(self, parent: DBusInt32, depth: DBusInt32, names: Names) -> Layout:
        number = parent if parent in self._entries else ROOT
        return self._revision, self._branch(number, depth)

    @dbus_method(name="GetGroupProperties")
    def get_group_properties(self, ids: Ints, names: Names) -> Properties:
        return [[number, self._properties(number)] for number in self._known(ids)]

    @dbus_method(name="GetProperty")
    def get_property(self, number: DBusInt32, name: DBusStr) -> DBusVariant:
        found = self._properties(number) if number in self._entries else {}
        return found.get(name, Variant("s", ""))

    @dbus_method(name="Event")
    def event(self, number: DBusInt32, event: DBusStr, data: DBusVariant, timestamp: DBusUInt32) -> None:
        self._act(number, event)

    @dbus_method(name="EventGroup")
    def event_group(self, events: Events) -> Ints:
        return [number for number, event, _data, _time in events if not self._act(number, event)]

    @dbus_method(name="AboutToShow")
    def about_to_show(self, number: DBusInt32) -> DBusBool:
        return False  # the menu is always up to date: it is set whenever something changes

    @dbus_method(name="AboutToShowGroup")
    def about_to_show_group(self, ids: Ints) -> TwoInts:
        return [], [number for number in ids if number not in self._entries]

    @dbus_signal(name="LayoutUpdated")
    def layout_updated(self, revision: int, parent: int) -> Updated:
        return [revision, parent]

    @dbus_signal(name="ItemsPropertiesUpdated")
    def items_properties_updated(self, updated: list[Any], removed: list[Any]) -> Changed:
        return updated, removed

    @dbus_property(access=PropertyAccess.READ, name="Version")
    def version(self) -> DBusUInt32:
        return 3

    @dbus_property(access=PropertyAccess.READ, name="TextDirection")
    def text_direction(self) -> DBusStr:
        return "ltr"

    @dbus_property(access=PropertyAccess.READ, name="Status")
    def status(self) -> DBusStr:
        return "normal"

    @dbus_property(access=PropertyAccess.READ, name="IconThemePath")
    def icon_theme_path(self) -> Names:
        return []


def run_safely(action: Callable[[], object], label: str) -> None:
    """Run what a click asks for; an error is logged and the menu lives on."""
    try:
        action()
    except Exception:
        log.exception("“%s” did not work.", label)
