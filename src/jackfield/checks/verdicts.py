"""Judging permissions: granted, implied, missing, excess, unknown or unreadable, each with how it is known."""

import fnmatch
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from jackfield.checks.facts import Answer, FactBook
from jackfield.model.check import EvidenceKind, Grant, GrantState
from jackfield.providers.contract.expression import Expression, Template
from jackfield.providers.contract.spec import Excess, Permission, Use
from jackfield.providers.contract.values import NOTHING, Nothing
from jackfield.text import cleaned

_WEAKEST_FIRST: Final = (EvidenceKind.ATTEMPTED, EvidenceKind.PROBED, EvidenceKind.ANSWERED, EvidenceKind.STATED)


async def judge_permission(
    book: FactBook, use: Use, permission: Permission, target: Mapping[str, object]
) -> Grant | None:
    """The verdict on one permission of one use; None when the use does not need it here.

    A condition that cannot be told keeps the row: it is judged as if needed.
    """
    if permission.applies is not None:
        names, _ = await book.read(permission.applies, target)
        if permission.applies.decide(names) is False:
            return None
    name = await shown_name(book, permission.name, target)
    for caveat in permission.unreadable:
        names, _ = await book.read(caveat.when, target)
        if caveat.when.decide(names) is True:
            return Grant(use.id, name, GrantState.UNREADABLE, None, caveat.why, permission.why)
    held, answers = await _decide(book, permission.granted, target)
    if held is True:
        return _grant(book, use, name, GrantState.GRANTED, permission, answers, "")
    implied, implying = await _decide(book, permission.implied, target)
    if implied is True:
        return _grant(book, use, name, GrantState.IMPLIED, permission, implying, "through a wider role")
    if held is False:
        advice = await shown_name(book, permission.grant, target) if permission.grant else ""
        return _grant(book, use, name, GrantState.MISSING, permission, answers, advice)
    reason = next((answer.reason for answer in answers if answer.reason), "the vendor gave no clear answer")
    return _grant(book, use, name, GrantState.UNKNOWN, permission, answers, reason)


def _grant(
    book: FactBook,
    use: Use,
    name: str,
    state: GrantState,
    permission: Permission,
    answers: Iterable[Answer],
    detail: str,
) -> Grant:
    facts = tuple(dict.fromkeys(answer.fact for answer in answers))
    known = evidence_of(book, facts) if state is not GrantState.UNKNOWN else None
    return Grant(use.id, name, state, known, detail, permission.why, facts)


def evidence_of(book: FactBook, facts: Iterable[str]) -> EvidenceKind:
    """How a verdict over these facts is known: as its weakest fact is; without facts, by what the token itself says."""
    kinds = {book.provider.facts[fact].how_known for fact in facts}
    return next((kind for kind in _WEAKEST_FIRST if kind in kinds), EvidenceKind.STATED)


async def _decide(
    book: FactBook, alternatives: Iterable[Expression], target: Mapping[str, object]
) -> tuple[bool | Literal[Nothing.NOTHING], list[Answer]]:
    """The first alternative that decides, with the answers it read; else NOTHING with all answers read."""
    asked: list[Answer] = []
    for rule in alternatives:
        names, answers = await book.read(rule, target)
        asked += answers
        decision = rule.decide(names)
        if decision is NOTHING or not may_rest_on(answers, decision):
            continue
        return decision, answers
    return NOTHING, asked


def may_rest_on(answers: Iterable[Answer], decision: bool) -> bool:  # noqa: FBT001 - the decision itself
    """Whether a verdict may rest on these answers: none undecided, and a refusal only on what was really answered.

    A fact that could not be had makes `has(…)` false, so no refusal rests on it; nor on a listing not read to its end.
    """
    return all(
        answer.decides and (decision or answer.complete) if answer.values is not None else decision or answer.not_needed
        for answer in answers
    )


async def judge_excess(
    book: FactBook, excess: Excess, needed: set[str], targets: Iterable[Mapping[str, object]]
) -> tuple[Grant, ...]:
    """What is held, anywhere the uses reach, and no chosen use needs; worst first.

    Nothing is said of a place where the grants cannot be listed.
    """
    beyond: dict[str, tuple[str, ...]] = {}
    for target in targets:
        names, answers = await book.read(excess.held, target)
        held = excess.held.evaluate(names)
        if not isinstance(held, list) or not may_rest_on(answers, decision=True):
            continue
        ignored = await _listed(book, excess.ignore, target) if excess.ignore else set()
        for name in {cleaned(str(item), limit=200) for item in held} - needed - ignored:
            beyond.setdefault(name, tuple(answer.fact for answer in answers))
    rows = [
        Grant(
            "",
            name,
            GrantState.EXCESS,
            evidence_of(book, facts),
            _advice(excess, name),
            "no chosen use needs it",
            facts,
        )
        for name, facts in beyond.items()
    ]
    return tuple(sorted(rows, key=lambda row: (_rank(excess, row.permission), row.permission)))


async def needed_names(book: FactBook, permission: Permission, target: Mapping[str, object]) -> set[str]:
    """Names in the list of held grants that one applicable permission accounts for."""
    if permission.applies is not None:
        names, _ = await book.read(permission.applies, target)
        if permission.applies.decide(names) is False:
            return set()
    if permission.covers is not None:
        return await _listed(book, permission.covers, target)
    return {await shown_name(book, permission.name, target)}


async def _listed(book: FactBook, rule: Expression, target: Mapping[str, object]) -> set[str]:
    names, _ = await book.read(rule, target)
    value = rule.evaluate(names)
    return {cleaned(str(item), limit=200) for item in value} if isinstance(value, list) else set()


def _rank(excess: Excess, name: str) -> int:
    return next((place for place, worst in enumerate(excess.worst) if _matches(worst, name)), len(excess.worst))


def _advice(excess: Excess, name: str) -> str:
    return next((advice for pattern, advice in excess.narrower.items() if _matches(pattern, name)), "remove it")


def _matches(pattern: str, name: str) -> bool:
    return pattern == name or fnmatch.fnmatchcase(name, pattern)


async def shown_name(book: FactBook, text: Template, target: Mapping[str, object]) -> str:
    """A name or piece of advice with its parts filled; what is not known stays as the word for it."""
    if not text.reads:
        return text.text
    names, _ = await book.read(text, target)
    return cleaned(str(text.render(names, absent=lambda inner: inner.rsplit(".", 1)[-1])), limit=200)
