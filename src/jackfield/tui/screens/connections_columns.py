"""The columns of the list of connections, and choosing among them."""

from collections.abc import Callable, Collection, Iterable
from typing import Final

from jackfield.model.connection import ConnectionSummary
from jackfield.services.connections import Sort
from jackfield.services.list_view import ALWAYS, ListColumn
from jackfield.tui.symbols import PARTLY, RUNNING, Mark, state_mark
from jackfield.tui.times import ago, left
from jackfield.tui.widgets.choice import Option
from jackfield.tui.widgets.choose_many import ChooseMany
from jackfield.tui.widgets.lines import Span
from jackfield.tui.widgets.paged_list import Column

TESTING: Final = Mark("testing", RUNNING.symbol, RUNNING.ascii, RUNNING.tone)
_ID_SHOWN: Final = 4  # characters of either end

AllColumns = dict[ListColumn, Column[ConnectionSummary]]


def short_id(connection_id: str) -> str:
    """Both ends of an id: enough to tell two apart."""
    return f"{connection_id[:_ID_SHOWN]}…{connection_id[-_ID_SHOWN:]}"


def columns(
    provider_name: Callable[[str], str], scope: Callable[[ConnectionSummary], str], testing: Collection[str]
) -> AllColumns:
    """Every column there is; connections whose ids are in `testing` show that instead of their state."""

    def state(row: ConnectionSummary) -> Span:
        mark = TESTING if row.id in testing else state_mark(row.state, row.failure_kind, row.unverified)
        return Span(f"{mark} ({row.unverified})" if mark is PARTLY else str(mark), mark.tone)

    def expiry(row: ConnectionSummary) -> Span:
        text = left(row.expires_at)
        return Span(text, "failed" if text == "expired" else "muted" if row.expires_at is None else "")

    def provider(row: ConnectionSummary) -> Span:
        return Span(provider_name(row.provider))

    return {
        ListColumn.NAME: Column("Name", lambda row: Span(row.name), share=8, need=14, sort=Sort.NAME),
        ListColumn.PROVIDER: Column("Provider", provider, share=5, need=8, rank=1, sort=Sort.PROVIDER),
        ListColumn.METHOD: Column("Method", lambda row: Span(row.method, "muted"), share=5, need=8, rank=5),
        ListColumn.SCOPE: Column("Scope", lambda row: Span(scope(row), "muted"), share=4, need=6, rank=3),
        ListColumn.STATE: Column("State", state, width=14, sort=Sort.STATE),
        ListColumn.EXPIRY: Column("Expiry", expiry, width=8, rank=2, sort=Sort.EXPIRY),
        ListColumn.TESTED: Column(
            "Tested", lambda row: Span(ago(row.tested_at), "muted"), width=8, rank=4, sort=Sort.TESTED
        ),
        ListColumn.ID: Column("Id", lambda row: Span(short_id(row.id), "muted"), width=9, rank=6),
    }


def chooser(
    every: AllColumns, chosen: Iterable[ListColumn], drawn: Collection[Column[ConnectionSummary]]
) -> ChooseMany:
    """Asks which columns to show. `drawn` are those that have room now; of the others it says so."""
    wanted = set(chosen) - ALWAYS
    options = [
        Option(name, column.title, "" if name not in wanted or column in drawn else "has no room in this window")
        for name, column in every.items()
        if name not in ALWAYS
    ]
    always = " and ".join(every[name].title for name in every if name in ALWAYS)
    return ChooseMany("Which columns?", options, wanted, note=f"{always} are always shown.")
