"""Reading YAML and INI texts of others: as plain texts, in one pass, with a limit on everything."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import yaml

from jackfield.model.errors import UsageError
from jackfield.services.importing.machine import RECORD_LIMIT, too_many

DEPTH_LIMIT: Final = 20
_NODE_LIMIT: Final = 10 * RECORD_LIMIT
_COMMENT: Final = re.compile(r"\s[#;]")
_NULLS: Final = frozenset(("", "~", "null", "Null", "NULL"))

Tree = str | list["Tree"] | dict[str, "Tree"]


def read_yaml(text: str) -> Tree:
    """One YAML document as texts, lists and mappings; no tag is obeyed, and null is the empty text.

    A tagged scalar keeps its text, `!!null secret` too, as some tools write it. Raises UsageError for what is no YAML,
    for aliases, and past the limits.
    """
    events = _events(text)
    try:
        for event in events:
            if isinstance(event, yaml.NodeEvent):
                return _node(event, events)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise UsageError(f"This is not YAML{where}.", "Mend the file.") from None
    return ""


def _events(text: str) -> Iterator[yaml.Event]:
    """The document's events, until they are too many or too deep."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        if isinstance(event, yaml.AliasEvent):
            raise UsageError("Its YAML repeats itself by aliases.", "Write it without & and *.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH_LIMIT:
            raise UsageError(f"Its YAML is nested more than {DEPTH_LIMIT} levels deep.", "Mend the file.")
        if count > _NODE_LIMIT:
            raise too_many("entries")
        yield event


def _node(event: yaml.Event, events: Iterator[yaml.Event]) -> Tree:
    if isinstance(event, yaml.MappingStartEvent):
        mapping: dict[str, Tree] = {}
        while not isinstance(key := next(events), yaml.MappingEndEvent):
            name = _node(key, events)
            mapping[name if isinstance(name, str) else ""] = _node(next(events), events)
        return mapping
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[Tree] = []
        while not isinstance(item := next(events), yaml.SequenceEndEvent):
            items.append(_node(item, events))
        return items
    if isinstance(event, yaml.ScalarEvent):
        return "" if event.style is None and event.value in _NULLS else str(event.value)
    return ""


def branch(tree: Tree | Mapping[str, Tree], *names: str) -> dict[str, Tree]:
    """The mapping below these names; empty when there is none."""
    for name in names:
        tree = tree.get(name, "") if isinstance(tree, Mapping) else ""
    return dict(tree) if isinstance(tree, Mapping) else {}


def leaf(tree: Mapping[str, Tree], name: str) -> str:
    """The text of that name; empty when there is none."""
    value = tree.get(name, "")
    return value if isinstance(value, str) else ""


def read_ini(text: str, *, nested: bool) -> dict[str, dict[str, str]]:
    """Section → key in lower case → value. Sections of one name are one; of a key that is repeated the last counts.

    With `nested`, as the AWS tools write it: what follows white space and # or ; is a comment, and a line further in
    than its key belongs to that key. Without, as libpq reads it: every line stands alone, and values keep their #.
    Raises UsageError past 10,000 sections.
    """
    found: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    deepest: int | None = None  # how far in the last key stands; None before the first of a section
    for raw in text.split("\n"):
        line = raw.strip()
        indent = len(raw) - len(raw.lstrip())
        if not line or line.startswith("#") or (nested and line.startswith(";")):
            continue
        if line.startswith("[") and "]" in line:
            section, deepest = found.setdefault(line[1 : line.index("]")].strip(), {}), None
            if len(found) > RECORD_LIMIT:
                raise too_many("sections")
        elif not (nested and deepest is not None and indent > deepest):
            key, _, value = line.partition("=")
            section[key.strip().lower()] = _COMMENT.split(value, maxsplit=1)[0].strip() if nested else value.strip()
            deepest = indent
    return found
