"""Logging in at a vendor for a connection that is being typed, or again for a stored one.

    ways          how the method can log in, the best first
    log_in        for a form: gives the fields for `Form.logged_in`
    repair        for a stored connection: the new tokens take the place of the old, under the same id

Both are meant for `Engine.run`, and end when they are cancelled. `show` is called once, in the network's thread.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final

from jackfield.model.connection import Connection
from jackfield.model.errors import BlobTampered, Refused
from jackfield.model.secret import FieldInput, FieldValue, Stored
from jackfield.net.failure import NetFailure
from jackfield.net.network import Network
from jackfield.services.connections import Changes
from jackfield.services.form import Form
from jackfield.services.requirements import merged
from jackfield.services.session import Session
from jackfield.services.takeover import definition_of
from jackfield.services.tokens import oauth_client

if TYPE_CHECKING:
    from jackfield.providers.contract.oauth import BrowserPrompt, DevicePrompt, OAuthClient
    from jackfield.providers.contract.spec import Method, Provider

_QUIET: Final = 2  # light modules around a QR code
_HALVES: Final = {(True, True): " ", (True, False): "▄", (False, True): "▀", (False, False): "█"}  # dark above, below


class Way(StrEnum):
    """How a person logs in from a terminal."""

    DEVICE = "device"  # open an address anywhere and type a code
    BROWSER = "browser"  # a browser of this machine comes back by itself
    PASTED = "pasted"  # a browser elsewhere; the address it ends at, or the code in it, is pasted


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the person has to do now: open `url`, and type `code` there unless it is empty."""

    way: Way
    url: str
    code: str
    scanned: str  # what the QR code holds: the address, with the code in it where the vendor has such a one
    expires_at: datetime

    def qr(self, *, ascii_only: bool = False) -> tuple[str, ...]:
        """The lines of the QR code; none for an address that is too long for one."""
        return qr_lines(self.scanned, ascii_only=ascii_only)


Show = Callable[[Prompt], None]


def ways(method: "Method") -> tuple[Way, ...]:
    """How this method can log in, the best first; none for a method without a login."""
    oauth = method.oauth
    found: list[Way] = []
    if oauth is not None and oauth.device is not None:
        found.append(Way.DEVICE)
    if oauth is not None and oauth.loopback is not None:
        found += [Way.BROWSER, Way.PASTED]
    return tuple(found)


async def log_in(
    session: Session,
    form: Form,
    network: Network,
    show: Show,
    *,
    way: Way | None = None,
    pasted: Awaitable[str] | None = None,
) -> dict[str, FieldValue]:
    """Log in with the fields typed so far and give what it brought, to be passed to `Form.logged_in`.

    Without a `way` it is the best one. `pasted` gives what the person pastes, if anything, and serves BROWSER too.
    Raises InvalidField for a field that is wrong or missing, and Refused.
    """
    for field in form.asked():
        if problem := form.problem(field.name):
            raise problem
    organization = form.scope.organization_id if form.scope else ""
    client = oauth_client(
        form.provider,
        form.method,
        _fields_to_log_in(session, form),
        network,
        organization_id=organization,
        private_allowed=form.private_allowed,
    )
    return await _log_in(client, form.provider, form.method, show, way, pasted)


async def repair(
    session: Session,
    connection: Connection,
    network: Network,
    show: Show,
    *,
    way: Way | None = None,
    pasted: Awaitable[str] | None = None,
) -> Connection:
    """Log in again for a stored connection, as it is, and keep the new tokens in place of the old; it is untested then.

    Raises Conflict when it was edited meanwhile, NotFound, BlobTampered, and Refused as a login does.
    """
    provider, method = session.connections.provider_and_method(connection.provider, connection.method)
    client = oauth_client(
        provider,
        method,
        session.connections.fields(connection, reason="login"),
        network,
        organization_id=connection.scope.organization_id,
        private_allowed=connection.private_address_allowed,
    )
    obtained = await _log_in(client, provider, method, show, way, pasted)
    gone = dict.fromkeys(_obtained(method), Stored.CLEARED)  # what the last login gave and this one did not
    repaired = session.connections.edit(connection, Changes(definition_of(connection), {**gone, **obtained}))
    session.audit.note("connection.login", object_id=repaired.id, name=repaired.name)
    return repaired


def qr_lines(text: str, *, ascii_only: bool = False) -> tuple[str, ...]:
    """A QR code as lines of text, light on dark: two modules in one character, or two characters a module in ASCII.

    None at all for a text that is too long for a code.
    """
    import segno

    try:
        code = segno.make_qr(text, error="l", boost_error=False)
    except segno.DataOverflowError:
        return ()
    rows = [tuple(module == 1 for module in row) for row in code.matrix_iter(border=_QUIET)]
    if ascii_only:
        return tuple("".join("  " if dark else "##" for dark in row) for row in rows)
    if len(rows) % 2:
        rows.append((False,) * len(rows[0]))
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return tuple("".join(_HALVES[halves] for halves in zip(above, below, strict=True)) for above, below in pairs)


async def _log_in(
    client: "OAuthClient",
    provider: "Provider",
    method: "Method",
    show: Show,
    way: Way | None,
    pasted: Awaitable[str] | None,
) -> dict[str, FieldValue]:
    possible = ways(method)
    chosen = way or next(iter(possible), None)
    if chosen is None or chosen not in possible:
        raise Refused(
            f"{provider.name} has no such login by {method.name}.",
            f"It has: {', '.join(possible)}." if possible else "Choose another method.",
        )
    try:
        if chosen is Way.DEVICE:
            return await client.log_in_by_device(lambda prompt: show(_device_prompt(prompt)))
        return await client.log_in_by_browser(partial(_show_browser, show, chosen), pasted)
    except NetFailure as failure:
        raise Refused(failure.message, failure.next_step) from None


def _device_prompt(prompt: "DevicePrompt") -> Prompt:
    scanned = prompt.verification_uri_complete or prompt.verification_uri
    return Prompt(Way.DEVICE, prompt.verification_uri, prompt.user_code, scanned, prompt.expires_at)


def _show_browser(show: Show, way: Way, prompt: "BrowserPrompt") -> None:
    show(Prompt(way, prompt.url, "", prompt.url, prompt.expires_at))


def _fields_to_log_in(session: Session, form: Form) -> Mapping[str, FieldValue]:
    """What is typed, and of an edited connection the stored secrets that were kept, but nothing of an earlier login.

    Raises InvalidField when such a secret would go to another address.
    """
    obtained = _obtained(form.method)
    if form.connection is None:
        return {name: value for name, value in form.values().items() if name not in obtained}
    old: dict[str, FieldValue] = {}
    try:
        old = session.connections.fields(form.connection, reason="login")
    except BlobTampered:
        old = {}
    inputs: dict[str, FieldInput] = {**form.inputs(), **dict.fromkeys(obtained, Stored.CLEARED)}
    return merged(form.provider, form.method, old, inputs, managed=False)


def _obtained(method: "Method") -> frozenset[str]:
    """The fields that a login fills."""
    return frozenset(method.oauth.stores) if method.oauth is not None else frozenset()
