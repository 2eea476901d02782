"""What a user pastes at the vendor to grant just what the chosen uses need: one text for all of them."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from jackfield.model.connection import IntendedUse
from jackfield.providers.contract.functions import FUNCTIONS
from jackfield.providers.contract.kinds import SnippetFormat

if TYPE_CHECKING:
    from jackfield.providers.contract.spec import Provider, Target, Use


def target_values(use: "Use", given: Mapping[str, str]) -> dict[str, object]:
    """Target values as rules read them: text, or a list where the target takes many."""
    values: dict[str, object] = {}
    for name, target in use.target.items():
        text = given.get(name, "") or target.default
        values[name] = split_many(text) if target.many else text
    return values


def split_many(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def placeholder(expression: str) -> str:
    """What stands in a snippet for a value not given yet: `<name>`, the target or the last word of its expression.

    An expression that quotes its value quotes the mark too.
    """
    function, _, inner = expression.rstrip(")").rpartition("(")
    target = re.search(r"\btarget\.(\w+)", expression)
    mark = f"<{target[1] if target else inner.rsplit('.', 1)[-1].strip()}>"
    return str(FUNCTIONS[function](mark)) if function in {"sql_name", "sql_text"} else mark


def merged_snippet(provider: "Provider", uses: Iterable[IntendedUse], names: Mapping[str, object]) -> str:
    """One minimal snippet for the chosen uses. `names` holds field values and built-in names.

    Uses whose snippets have different formats follow one another; a use without one says why.
    """
    by_format: dict[SnippetFormat, list[str]] = {}
    notes: list[str] = []
    for intended in uses:
        use = provider.use(intended.use)
        if not use.snippet and use.no_snippet not in notes:
            notes.append(use.no_snippet)
        given = target_values(use, intended.targets)
        scope = {**names, "target": {name: value for name, value in given.items() if value}}
        for snippet in use.snippet:
            if snippet.when is None or snippet.when.decide(scope) is True:
                text = snippet.text.render(scope, absent=placeholder)
                by_format.setdefault(snippet.format, []).append(str(text).strip("\n"))
    parts = [_merge(kind, texts) for kind, texts in by_format.items()]
    return "\n\n".join([*parts, *notes])


def _merge(kind: SnippetFormat, texts: list[str]) -> str:
    if kind is SnippetFormat.IAM_POLICY:
        return _merge_policies(texts)
    if kind is SnippetFormat.JSON:
        return "\n\n".join(dict.fromkeys(texts))
    if kind is SnippetFormat.HCL:
        return "\n".join(dict.fromkeys(block for text in texts for block in _blocks(text)))
    return "\n".join(dict.fromkeys(line for text in texts for line in text.splitlines()))


def _blocks(text: str) -> list[str]:
    """Top-level HCL blocks, each ending with a brace at the margin."""
    blocks: list[str] = []
    current: list[str] = []
    for line in text.splitlines():
        current.append(line)
        if line.startswith("}") or (line.rstrip().endswith("}") and line[:1].strip()):
            blocks.append("\n".join(current))
            current = []
    return [*blocks, "\n".join(current)] if current else blocks


def _merge_policies(texts: list[str]) -> str:
    """One IAM policy: statements alike in all but their actions become one, actions sorted and said once."""
    grouped: dict[str, dict[str, object]] = {}
    actions: dict[str, set[str]] = {}
    for text in texts:
        for statement in json.loads(text)["Statement"]:
            said = statement["Action"]
            rest = {name: value for name, value in statement.items() if name not in {"Action", "Sid"}}
            key = json.dumps(rest, sort_keys=True)
            grouped.setdefault(key, rest)
            actions.setdefault(key, set()).update([said] if isinstance(said, str) else said)
    statements = []
    for key, rest in grouped.items():
        statements.append({"Effect": rest.pop("Effect"), "Action": sorted(actions[key]), **rest})
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=1)


def missing_targets(use: "Use", given: Mapping[str, str]) -> tuple[tuple[str, "Target"], ...]:
    """Required targets without a value."""
    return tuple(
        (name, target)
        for name, target in use.target.items()
        if target.required and not (given.get(name) or target.default)
    )
