"""The values that a picker of a provider offers for a use's target."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from jackfield.checks.facts import FactBook
from jackfield.checks.request import CheckRequest
from jackfield.checks.run import call_for
from jackfield.model.errors import Refused
from jackfield.net.deadline import Deadline, within
from jackfield.net.network import Network
from jackfield.net.trace import Trace
from jackfield.providers.contract.expression import Expression
from jackfield.providers.contract.fields import all_names
from jackfield.providers.contract.spec import Picker
from jackfield.text import cleaned

ITEMS_SHOWN = 2000


@dataclass(frozen=True, slots=True)
class Pick:
    """One value to choose; `lacks` says why it would not work with this credential."""

    value: str
    label: str
    lacks: str = ""


async def list_picks(
    request: CheckRequest, picker: Picker, target: Mapping[str, object], network: Network
) -> tuple[Pick, ...]:
    """Ask the vendor, once. Raises Refused with the reason when it does not tell, or NetFailure."""
    deadline = Deadline(connect=request.connect_seconds, total=request.total_seconds)
    async with AsyncExitStack() as cleanup:
        book = await _open(request, network, deadline, cleanup)
        async with within(deadline):
            answer = await book.make(picker.fact, target)
            names, _ = await book.read(picker.items, target)
    items = picker.items.evaluate(names)
    if answer.values is None or not answer.decides or not isinstance(items, list):
        if answer.failure is not None:
            raise Refused(answer.failure.message, answer.failure.next_step)
        why = answer.reason if answer.reason and not answer.not_needed else "this credential may not list them"
        raise Refused(f"{request.provider.name} does not offer a list: {why}.", "Type the value.")
    return tuple(_picks(picker, items[:ITEMS_SHOWN]))


def _picks(picker: Picker, items: list[object]) -> list[Pick]:
    found: dict[str, Pick] = {}
    for item in items:
        value = _said(picker.value, item)
        if value:
            hidden = picker.hidden is not None and picker.hidden.when.decide({"item": item}) is True
            label = _said(picker.label, item) if picker.label is not None else ""
            found.setdefault(value, Pick(value, label or value, picker.hidden.why if hidden and picker.hidden else ""))
    return sorted(found.values(), key=lambda pick: (bool(pick.lacks), pick.label.casefold()))


def _said(rule: Expression, item: object) -> str:
    value = rule.evaluate({"item": item})
    return cleaned(str(value), limit=500, lines=False) if isinstance(value, str | int) else ""


async def _open(request: CheckRequest, network: Network, deadline: Deadline, cleanup: AsyncExitStack) -> FactBook:
    trace = Trace()
    call = call_for(
        request.provider,
        request.method,
        request.fields,
        network,
        deadline,
        cleanup,
        trace=trace,
        organization_id=request.organization_id,
        private_allowed=request.private_allowed,
    )
    names = all_names(request.method, request.fields) | {
        "connection": {"name": request.connection_name},
        "organization": {"id": request.organization_id},
        "now": datetime.now(UTC),
        "random": call.random,
    }
    return FactBook(
        request.provider,
        request.method,
        names,
        call,
        call.http(),
        functions=request.function,
        attempts_allowed=False,
    )
