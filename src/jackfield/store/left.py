"""What the trail says that rows were left as: so an older row in the place of a newer one, or none, is noticed.

Each change of a guarded row is noted in the entry of its transaction under a name, `<table>/<key>`. What is there now
has to be what the newest entry with that name says, and at least of its version: sealing the same anew, as after a
change of keys, raises that without an entry.

| name | what, parts after a space | version |
|---|---|---|
| `credential/<connection>/<status>` | its id | of the row |
| `identity/<id>`, `organization/<id>`, `project/<id>` | its name | of the row |
| `connection/<id>` | `tls_unverified` as 0 or 1, digest of its uses and tags | of the row |
| `result/<connection>` | state, time of the last test, its id, number of tests, digest of verdicts | of that test |
| `data_key/<scope>` | ids of the scope's keys, a retired one with a hyphen, in order | 0 |
| `draft/<id>` | `kept` | of the row |
| `setting/<key>` | digest of the value | 0 |
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    String,
    Table,
    and_,
    bindparam,
    func,
    select,
    type_coerce,
)

from jackfield.store import tables
from jackfield.store.transaction import AnyRow, Reading

GUARDED_SETTINGS: Final = ("automatic_tests", "head_in_keyring", "idle_minutes", "trusted_providers")
_BEGIN_ANEW: Final = ("credential/", "draft/", "result/")  # their versions, at each new row under the same name
UNGUARDED_SCOPE: Final = "audit"  # its key makes the digests of the trail itself
_table = tables.audit_left
_c = _table.c


def _newest(*conditions: ColumnElement[bool]) -> Select[Any]:
    last = select(_c.name, func.max(_c.seq).label("seq")).where(*conditions).group_by(_c.name).subquery()
    return select(_table).join(last, and_(_c.name == last.c.name, _c.seq == last.c.seq))


_NEWEST: Final = _newest(_c.name.in_(bindparam("names", expanding=True)))
_OF_ENTRIES: Final = (
    select(_table).where(_c.seq.between(bindparam("first"), bindparam("last"))).order_by(_c.seq, _c.name)
)


@dataclass(frozen=True, slots=True, order=True)
class Left:
    """What a name stood for at one time; `what` is empty where there was no row."""

    name: str
    what: str = ""
    version: int = 0

    def is_still(self, now: "Left") -> bool:
        """Whether that is there now: the same, and not an older version of it."""
        return now.what == self.what and now.version >= self.version


def now(tx: Reading, name: str) -> Left:
    """What the rows of this name are now."""
    kind, _, key = name.partition("/")
    return next(_KINDS[kind](tx, key), Left(name))


def to_note(tx: Reading, name: str) -> Left:
    """The same, for an entry. A row older than the trail says does not become the right one by a change of it."""
    found = now(tx, name)
    if found.what and not name.startswith(_BEGIN_ANEW) and (before := newest(tx, name).get(name)) is not None:
        return replace(found, version=max(found.version, before[0].version))
    return found


def newest(tx: Reading, *names: str) -> dict[str, tuple[Left, int]]:
    """What the newest entry with each of these names says, and its seq; unverified. Nothing where none has it."""
    return {row.name: (_left(row), row.seq) for row in tx.all(_NEWEST, {"names": names})}


def by_entry(tx: Reading, first: int, last: int) -> dict[int, tuple[Left, ...]]:
    """What each of these entries noted, in order of the names."""
    found: dict[int, list[Left]] = defaultdict(list)
    for row in tx.all(_OF_ENTRIES, {"first": first, "last": last}):
        found[row.seq].append(_left(row))
    return {seq: tuple(lefts) for seq, lefts in found.items()}


def replaced(tx: Reading) -> tuple[str, ...]:
    """The names of all rows that are not what the trail says, those that it does not know and those gone included."""
    wrong: list[str] = []
    for prefix, kind in _KINDS.items():  # one after the other, for there may be many of each
        there = {one.name: one for one in kind(tx, None)}
        for row in tx.all(_newest(_c.name.startswith(f"{prefix}/", autoescape=True))):
            said = _left(row)
            if not said.is_still(there.pop(said.name, Left(said.name))):
                wrong.append(said.name)
        wrong += there
    return tuple(sorted(wrong))


def digest_of(*rows: Sequence[object]) -> str:
    """32 hex digits over rows of texts and numbers: SHA-256, each value as text after its length as 4 bytes."""
    digest = hashlib.sha256()
    for row in rows:
        for value in row:
            text = ("" if value is None else str(value)).encode()
            digest.update(len(text).to_bytes(4, "big") + text)
    return digest.hexdigest()[:32]


# --- the kinds of names: each gives the one with this key, or all of them ------------------------------------------

_Kind = Callable[[Reading, str | None], Iterator[Left]]


class _Look:
    """A query for every row, and for those of one key: made once, for they are asked with each change."""

    def __init__(self, wanted: Callable[..., Select[Any]], key: ColumnElement[str]) -> None:
        """`wanted` makes the query with the conditions it is given."""
        self._every = wanted()
        self._one = wanted(key == bindparam("key"))

    def rows(self, tx: Reading, key: str | None) -> Sequence[AnyRow]:
        return tx.all(self._every) if key is None else tx.all(self._one, {"key": key})

    def grouped(self, tx: Reading, key: str | None) -> dict[str, list[tuple[Any, ...]]]:
        """The rows by their first column, without it."""
        found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for row in self.rows(tx, key):
            found[row[0]].append(tuple(row[1:]))
        return found


def _look(wanted: Select[Any], key: ColumnElement[str]) -> _Look:
    return _Look(wanted.where, key)


def _credentials() -> _Kind:
    c = tables.credential.c
    every = select(c.connection_id, c.status, c.id, c.version)
    one = every.where(c.connection_id == bindparam("connection"), c.status == bindparam("status"))

    def lefts(tx: Reading, key: str | None) -> Iterator[Left]:
        connection, _, status = (key or "").partition("/")
        for row in tx.all(every) if key is None else tx.all(one, {"connection": connection, "status": status}):
            yield Left(f"credential/{row.connection_id}/{row.status}", row.id, row.version)

    return lefts


def _named(table: Table) -> _Kind:
    look = _look(select(table.c.id, table.c.name, table.c.version), table.c.id)

    def lefts(tx: Reading, key: str | None) -> Iterator[Left]:
        for row in look.rows(tx, key):
            yield Left(f"{table.name}/{row.id}", row.name, row.version)

    return lefts


def _connections() -> _Kind:
    c, use, tag = tables.connection.c, tables.intended_use.c, tables.tag.c
    look = _look(select(c.id, type_coerce(c.tls_unverified, Integer).label("tls"), c.version), c.id)
    targets = type_coerce(use.targets, String)
    listed = select(use.connection_id, use.position, use.use, targets).order_by(use.connection_id, use.position)
    uses = _look(listed, use.connection_id)
    tags = _look(select(tag.connection_id, tag.tag).order_by(tag.connection_id, tag.tag), tag.connection_id)

    def lefts(tx: Reading, key: str | None) -> Iterator[Left]:
        used, tagged = uses.grouped(tx, key), tags.grouped(tx, key)
        for row in look.rows(tx, key):
            digest = digest_of(*used.get(row.id, ()), *tagged.get(row.id, ()))
            yield Left(f"connection/{row.id}", f"{row.tls} {digest}", row.version)

    return lefts


def _results() -> _Kind:
    c, run, verdict = tables.connection.c, tables.check_run.c, tables.grant_verdict.c

    def with_last_run(*conditions: ColumnElement[bool]) -> Select[Any]:
        last = select(run.connection_id, func.max(run.seq).label("seq"), func.count().label("amount"))
        same = [run.connection_id == bindparam("key") for _ in conditions]  # else it would go through every run
        newest = last.where(*same).group_by(run.connection_id).subquery()
        state, at = type_coerce(c.state, Integer).label("state"), type_coerce(c.tested_at, BigInteger).label("at")
        wanted = select(c.id, state, at, run.id.label("run"), newest.c.amount, run.version).where(*conditions)
        joined = wanted.outerjoin(newest, newest.c.connection_id == c.id)
        return joined.outerjoin(tables.check_run, run.seq == newest.c.seq)

    look = _Look(with_last_run, c.id)
    raw = {"facts": String, "seen_at": BigInteger}
    values = [type_coerce(one, raw[one.name]) if one.name in raw else one for one in verdict]
    verdicts = _look(select(*values).order_by(verdict.connection_id, verdict.position), verdict.connection_id)

    def lefts(tx: Reading, key: str | None) -> Iterator[Left]:
        judged = verdicts.grouped(tx, key)
        for row in look.rows(tx, key):
            digest = digest_of(*judged.get(row.id, ()))
            what = f"{row.state} {row.at} {row.run or '-'} {row.amount or 0} {digest}"
            yield Left(f"result/{row.id}", what, row.version or 0)

    return lefts


def _data_keys() -> _Kind:
    c = tables.data_key.c
    wanted = select(c.scope, c.id, c.retired_at).where(c.scope != UNGUARDED_SCOPE).order_by(c.scope, c.id)
    look = _look(wanted, c.scope)

    def lefts(tx: Reading, key: str | None) -> Iterator[Left]:
        for scope, rows in look.grouped(tx, key).items():
            yield Left(f"data_key/{scope}", " ".join(f"{one}-" if retired else one for one, retired in rows))

    return lefts


def _drafts() -> _Kind:
    c = tables.draft.c
    look = _look(select(c.id, c.version), c.id)
    return lambda tx, key: (Left(f"draft/{row.id}", "kept", row.version) for row in look.rows(tx, key))


def _settings() -> _Kind:
    c = tables.setting.c
    wanted = select(c.key, type_coerce(c.value, String).label("value")).where(c.key.in_(GUARDED_SETTINGS))
    look = _look(wanted, c.key)
    return lambda tx, key: (Left(f"setting/{row.key}", digest_of((row.value,))) for row in look.rows(tx, key))


_KINDS: Final[dict[str, _Kind]] = {
    "credential": _credentials(),
    "identity": _named(tables.identity),
    "organization": _named(tables.organization),
    "project": _named(tables.project),
    "connection": _connections(),
    "result": _results(),
    "data_key": _data_keys(),
    "draft": _drafts(),
    "setting": _settings(),
}


def _left(row: AnyRow) -> Left:
    return Left(row.name, row.what, row.version)
