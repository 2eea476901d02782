"""What a form asks the vendor before it is saved: the values that a target may have."""

from typing import TYPE_CHECKING

from jackfield.model.errors import Refused
from jackfield.net.failure import NetFailure
from jackfield.net.network import Network
from jackfield.providers.contract.snippet import target_values
from jackfield.services.session import Session
from jackfield.services.testing import Draft

if TYPE_CHECKING:
    from jackfield.checks.picking import Pick


async def picks_for(session: Session, draft: Draft, use_id: str, target: str, network: Network) -> "tuple[Pick, ...]":
    """The values that the vendor offers for one target of a use. Raises Refused."""
    from jackfield.checks.picking import list_picks
    from jackfield.checks.request import CheckRequest

    provider, method = session.connections.provider_and_method(draft.provider, draft.method)
    use = provider.use(use_id)
    name = use.target[target].pick
    if name is None:
        raise Refused(f"{provider.name} offers no list for {use.target[target].label}.", "Type the value.")
    given = next((one.targets for one in draft.uses if one.use == use_id), {})
    request = CheckRequest(
        provider=provider,
        method=method,
        fields=draft.fields,
        uses=draft.uses,
        function=lambda function: session.registry.function(provider.slug, function),
        organization_id=draft.organization_id,
        connection_name=draft.name,
        private_allowed=draft.private_allowed,
    )
    try:
        return await list_picks(request, provider.pickers[name], target_values(use, given), network)
    except NetFailure as failure:
        raise Refused(failure.message, failure.next_step) from None
    except TimeoutError:
        raise Refused(f"{provider.name} did not answer in time.", "Try again, or type the value.") from None
