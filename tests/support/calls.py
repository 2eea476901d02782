"""Calling a provider's own functions as a check does, one at a time."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from jackfield.checks.picking import list_picks
from jackfield.checks.request import CheckRequest
from jackfield.checks.run import call_for
from jackfield.net.deadline import Deadline
from jackfield.net.network import Network
from jackfield.providers.contract.call import Call
from providers.contract import REGISTRY, World, typed_fields


class OnThisMachine(World):
    """Surroundings of a call whose fields name a server at this machine's own address."""

    private_allowed = True

    def __exit__(self, *exception: object) -> None:
        return None

    def network(self) -> Network:
        return Network()


@asynccontextmanager
async def opened_call(
    world: World, slug: str, method: str, fields: dict[str, Any] | None = None
) -> AsyncIterator[Call]:
    """The surroundings of one check of the world's credential; what the functions opened is closed at the end."""
    provider = REGISTRY.get(slug)
    typed = typed_fields(provider.method(method), world.fields(method) if fields is None else fields)
    async with AsyncExitStack() as cleanup:
        yield call_for(
            provider, provider.method(method), typed, world.network(), Deadline(), cleanup,
            private_allowed=world.private_allowed,
        )  # fmt: skip


async def listed(world: World, slug: str, method: str, picker: str, target: dict[str, str] | None = None) -> list[str]:
    """The values that one picker offers for a target, asked of the vendor as a form asks."""
    provider = REGISTRY.get(slug)
    request = CheckRequest(
        provider=provider,
        method=provider.method(method),
        fields=typed_fields(provider.method(method), world.fields(method)),
        uses=(),
        function=lambda name: REGISTRY.function(provider.slug, name),
        private_allowed=world.private_allowed,
    )
    return [pick.value for pick in await list_picks(request, provider.pickers[picker], target or {}, world.network())]
