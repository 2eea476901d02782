"""What a form asks the vendor before it is saved: the values a target may have, and a login."""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from jackfield.model.errors import Refused
from jackfield.model.secret import FieldValue, Stored
from jackfield.net.deadline import Deadline
from jackfield.net.failure import NetFailure
from jackfield.net.network import Network
from jackfield.net.trace import Trace
from jackfield.providers.contract.snippet import target_values
from jackfield.services.form import Form
from jackfield.services.session import Session
from jackfield.services.testing import Draft

if TYPE_CHECKING:
    from jackfield.checks.picking import Pick
    from jackfield.net.http import Reply
    from jackfield.providers.contract.oauth import DevicePrompt


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


def can_log_in(form: Form) -> bool:
    """Whether the chosen method gets its tokens by a login that a terminal can do."""
    return form.method.oauth is not None and form.method.oauth.device is not None


async def log_in(form: Form, network: Network, show: "Callable[[DevicePrompt], None]") -> dict[str, FieldValue]:
    """Log in by device with the fields typed so far; what comes back is for `Form.logged_in`. Raises Refused.

    `show` is called once, in the network's thread, with what the person has to do.
    """
    from jackfield.checks.run import call_for
    from jackfield.net.http import HttpClient
    from jackfield.providers.contract.oauth import OAuthClient

    fields = {name: value for name, value in form.readable().items() if not isinstance(value, Stored)}
    organization, private = form.scope.organization_id if form.scope else "", form.private_allowed
    provider, method = form.provider, form.method

    async def send(verb: str, url: str, /, *, form: Mapping[str, str]) -> "Reply":
        """Each question has a deadline of its own: the login as a whole waits for a person."""
        deadline, trace = Deadline(), Trace()
        async with AsyncExitStack() as cleanup:
            call = call_for(
                provider, method, fields, network, deadline, cleanup,
                trace=trace, organization_id=organization, private_allowed=private,
            )  # fmt: skip
            client = HttpClient(network, deadline=deadline, trace=trace, tls=call.tls, private_allowed=private)
            await cleanup.enter_async_context(client)
            return await client.request(verb, url, form=form)

    try:
        return await OAuthClient(provider, method, fields, send).log_in_by_device(show)
    except NetFailure as failure:
        raise Refused(failure.message, failure.next_step) from None
