"""The list of connections: counted, and read in pages by key, never whole.

A row is its own cursor: the page `after` a summary starts at the next one, wherever that row has gone since.
Every order ends in `seq`, so no two rows are equal.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, func, literal, or_, select, tuple_

from jackfield.model.check import ExpiryKnown, FailureKind
from jackfield.model.connection import ConnectionSummary, Scope, State
from jackfield.store import tables
from jackfield.store.columns import Expiry
from jackfield.store.engine import SEARCHABLE, holding
from jackfield.store.filter import Expires, Filter
from jackfield.store.transaction import AnyRow, Reading

PAGE: Final = 128
_LOOKED_THROUGH: Final = 2048  # rows in list order in which a filter is tried before all that pass it are gathered
_c = tables.connection.c
_NO_EXPIRY: Final = literal(None, Expiry())
_NO_FILTER: Final = Filter()


class Sort(StrEnum):
    """What a list is ordered by; names break ties."""

    NAME = "name"
    STATE = "state"  # what needs a human first
    EXPIRY = "expiry"
    TESTED = "tested"
    PROVIDER = "provider"


_SORTED_BY: Final = {
    Sort.STATE: _c.state,
    Sort.EXPIRY: _c.expires_at,
    Sort.TESTED: _c.tested_at,
    Sort.PROVIDER: _c.provider,
}

_SUMMARIES: Final = select(
    _c.id,
    _c.name,
    _c.provider,
    _c.method,
    _c.organization_id,
    _c.project_id,
    tables.project.c.name.label("project_name"),
    _c.state,
    _c.failure_kind,
    _c.expires_at,
    _c.expiry_known,
    _c.tested_at,
    _c.unverified,
    _c.platform_managed,
    _c.version,
    _c.tls_unverified,
).select_from(tables.connection.outerjoin(tables.project, tables.project.c.id == _c.project_id))


@dataclass(frozen=True, slots=True)
class ConnectionList:
    """Which connections, in which order. Without a place every connection is meant."""

    organization_id: str | None = None
    project_id: str | None = None
    filter: Filter = _NO_FILTER
    sort: Sort = Sort.NAME
    descending: bool = False


def count(tx: Reading, wanted: ConnectionList) -> int:
    """How many rows the list has."""
    if wanted.filter == _NO_FILTER:
        return sum(counts_by_state(tx, organization_id=wanted.organization_id, project_id=wanted.project_id).values())
    conditions = [*_place(_c, wanted), *_parts(_c, wanted.filter)]
    found = (
        select(_c.seq).where(*conditions, *_words(wanted.filter)) if conditions else holding(_indexed(wanted.filter))
    )
    return int(tx.value(select(func.count()).select_from(found.subquery())))


def page(
    tx: Reading,
    wanted: ConnectionList,
    *,
    after: ConnectionSummary | None = None,
    before: ConnectionSummary | None = None,
    last: bool = False,
    skip: int = 0,
    limit: int = PAGE,
) -> tuple[ConnectionSummary, ...]:
    """Up to `limit` rows, in list order: the first ones, those next to a cursor, or the `last` ones.

    `skip` leaves out rows first, counted from where the page would start; its cost grows with it.
    """
    backwards = last or before is not None
    falling = wanted.descending is not backwards
    order = [column.desc() if falling else column for column in _order(wanted.sort)]
    start = [
        _beyond(tx, wanted.sort, cursor, greater=follows)
        for cursor, follows in ((after, not wanted.descending), (before, wanted.descending))
        if cursor is not None
    ]

    def rows_where(*conditions: ColumnElement[bool]) -> list[AnyRow]:
        chosen = select(_c.seq).where(*conditions).order_by(*order).limit(limit).offset(skip)
        return list(tx.all(_SUMMARIES.where(_c.seq.in_(chosen)).order_by(*order)))

    rows: list[AnyRow] = []
    if wanted.filter != _NO_FILTER:  # what most rows pass fills a page from the first few
        near = select(_c.seq).where(*_place(_c, wanted), *start).order_by(*order).limit(_LOOKED_THROUGH)
        rows = rows_where(_c.seq.in_(near), *_parts(_c, wanted.filter, by_index=False))
    if len(rows) < limit:
        rows = rows_where(*_conditions(wanted), *start)
    return tuple(map(_summary, reversed(rows) if backwards else rows))


def position(tx: Reading, wanted: ConnectionList, connection_id: str) -> int | None:
    """How many rows of the list come before this connection; None when it is not in the list."""
    row = summary(tx, connection_id)
    conditions = _conditions(wanted)
    if row is None or not tx.first(select(_c.seq).where(*conditions, _c.id == connection_id)):
        return None
    conditions.append(_beyond(tx, wanted.sort, row, greater=wanted.descending))
    return int(tx.value(select(func.count()).select_from(tables.connection).where(*conditions)))


def summary(tx: Reading, connection_id: str) -> ConnectionSummary | None:
    """The line of one connection; None when it is gone."""
    row = tx.first(_SUMMARIES.where(_c.id == connection_id))
    return None if row is None else _summary(row)


def counts_by_state(
    tx: Reading, *, organization_id: str | None = None, project_id: str | None = None
) -> dict[State, int]:
    """How many connections are in each state, from the kept tally."""
    t = tables.state_tally.c
    found = select(t.state, func.sum(t.amount)).group_by(t.state)
    if organization_id is not None:
        found = found.where(t.organization_id == organization_id)
    if project_id is not None:
        found = found.where(t.project_id == project_id)
    return dict.fromkeys(State, 0) | {row[0]: int(row[1]) for row in tx.all(found)}


def _order(sort: Sort) -> list[ColumnElement[Any]]:
    return [_c.name, _c.seq] if sort is Sort.NAME else [_SORTED_BY[sort], _c.name, _c.seq]


def _beyond(tx: Reading, sort: Sort, cursor: ConnectionSummary, *, greater: bool) -> ColumnElement[bool]:
    """Rows whose key is greater, or smaller, than the cursor's. A deleted cursor stands before all rows of its name."""
    seq = tx.value(select(_c.seq).where(_c.id == cursor.id)) or 0
    value = {
        Sort.NAME: cursor.name,
        Sort.STATE: cursor.state,
        Sort.EXPIRY: cursor.expires_at,
        Sort.TESTED: cursor.tested_at,
        Sort.PROVIDER: cursor.provider,
    }[sort]
    columns = _order(sort)
    values = (cursor.name, seq) if sort is Sort.NAME else (value, cursor.name, seq)
    key = tuple_(*(literal(item, column.type) for item, column in zip(values, columns, strict=True)))
    return tuple_(*columns) > key if greater else tuple_(*columns) < key


def _conditions(wanted: ConnectionList) -> list[ColumnElement[bool]]:
    """What a page may hold. The filter becomes a set of `seq`s, so that rows still come from the order's index."""
    found = wanted.filter
    conditions = _place(_c, wanted)
    filtered = tables.connection.alias("filtered").c
    if parts := _parts(filtered, found):
        conditions.append(_c.seq.in_(select(filtered.seq).where(*_place(filtered, wanted), *parts)))
    return conditions + _words(found)


def _parts(c: Any, found: Filter, *, by_index: bool = True) -> list[ColumnElement[bool]]:
    """The filter over the columns `c`, but for the words that the index of trigrams finds `by_index`."""
    project, tag, organization = tables.project.c, tables.tag.c, tables.organization.c
    parts: list[ColumnElement[bool]] = []
    if found.providers:
        parts.append(c.provider.in_(found.providers))
    if found.methods:
        parts.append(c.method.in_(found.methods))
    if found.states or found.failures:
        asked = ((c.state, found.states), (c.failure_kind, found.failures))
        parts.append(or_(*(column.in_(values) for column, values in asked if values)))
    if found.secret_digest:
        parts.append(c.secret_digest == found.secret_digest)
    if found.projects:
        parts.append(c.project_id.in_(select(project.id).where(project.name.in_(found.projects))))
    if found.organizations:
        parts.append(c.organization_id.in_(select(organization.id).where(organization.name.in_(found.organizations))))
    if found.tags:
        parts.append(c.id.in_(select(tag.connection_id).where(tag.tag.in_(found.tags))))
    if found.expires:
        parts.append(or_(*(_expires(c.expires_at, span) for span in found.expires)))
    for word in found.words:
        if not by_index or len(word) < SEARCHABLE:
            texts = c.name.contains(word, autoescape=True) | c.provider.contains(word, autoescape=True)
            holds = project.name.contains(word, autoescape=True)
            parts.append(texts | c.project_id.in_(select(project.id).where(holds)))
    return parts


def _words(found: Filter) -> list[ColumnElement[bool]]:
    """The words that the index of trigrams finds.

    Over a sum, so that the database goes through its own index and asks of each row whether it was found: fetching
    all that were found, one by one, takes longer.
    """
    words = _indexed(found)
    return [(_c.seq + 0).in_(holding(words))] if words else []


def _indexed(found: Filter) -> list[str]:
    return [word for word in found.words if len(word) >= SEARCHABLE]


def _place(c: Any, wanted: ConnectionList) -> list[ColumnElement[bool]]:
    places = []
    if wanted.organization_id is not None:
        places.append(c.organization_id == wanted.organization_id)
    if wanted.project_id is not None:
        places.append(c.project_id == wanted.project_id)
    return places


def _expires(column: ColumnElement[Any], span: Expires) -> ColumnElement[bool]:
    if span.never:
        return column == _NO_EXPIRY
    end = _NO_EXPIRY if span.before is None else span.before
    return column < end if span.after is None else (column > span.after) & (column < end)


def _summary(row: AnyRow) -> ConnectionSummary:
    # By position: by name it costs as much again as the query.
    row_id, name, provider, method, organization_id, project_id, *rest = row
    project_name, state, failure_kind, expires_at, expiry_known, tested_at, *rest = rest
    unverified, platform_managed, version, tls_unverified = rest
    return ConnectionSummary(
        row_id,
        name,
        provider,
        method,
        Scope(organization_id, project_id),
        project_name or "org",
        state,
        FailureKind(failure_kind) if failure_kind else None,
        expires_at,
        ExpiryKnown(expiry_known),
        tested_at,
        unverified,
        platform_managed,
        version,
        tls_unverified,
    )
