"""SMB with smbprotocol over a socket of ours: one NTLM login with encryption demanded, then reads over named pipes."""

import asyncio
import contextlib
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from jackfield.model.check import FailureKind
from jackfield.net.failure import NetFailure, SessionEnded, explain
from jackfield.net.network import Route
from jackfield.providers.contract.call import Call
from jackfield.providers.smb import rpc
from jackfield.text import cleaned

Result = TypeVar("Result")

_SMB_3: Final = 0x300
_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
_NEVER: Final = 0x7FFFFFFF00000000
_SAMBA_NEVER: Final = datetime(2036, 2, 6, 15, 6, 39, tzinfo=UTC)  # what Samba writes for accounts without an end
_ACCESS_DENIED: Final = {0xC0000022, 5}  # NT status and RPC fault
_SESSION_GONE: Final = {0xC0000203, 0xC000035C}  # deleted, expired
_NO_SUCH_ACCOUNT: Final = 0xC0000073


class _Session:
    """One authenticated session, used by one thread at a time; the end of the check cuts its line."""

    def __init__(self, connection: Any, route: Route) -> None:
        self.connection = connection
        self.smb: Any = None  # set by the login
        self.guest = False
        self._route = route
        self._turn = asyncio.Lock()

    async def do(self, work: Callable[[], Result]) -> Result:
        """Run blocking work. Raises NetFailure where the line breaks or no SMB is spoken."""
        from smbprotocol.exceptions import SMBConnectionClosed, SMBException, SMBResponseException

        host, port = self._route.host, self._route.port
        async with self._turn:
            try:
                return await asyncio.to_thread(work)
            except SMBResponseException as error:
                if self.smb is not None and error.status in _SESSION_GONE:
                    raise SessionEnded(host) from None
                raise
            except (SMBConnectionClosed, OSError):
                raise (SessionEnded(host) if self.smb is not None else explain(EOFError(), host, port)) from None
            except (SMBException, ValueError, LookupError):
                message = f"{host} does not answer with SMB on port {port}, or not as it should."
                raise NetFailure(FailureKind.MISCONFIGURED, message, "Check the host and the port.") from None

    def tree(self, share: str) -> Any:
        """A connected share. Raises SMBResponseException."""
        from smbprotocol.tree import TreeConnect

        tree = TreeConnect(self.smb, rf"\\{self._route.host}\{share}")
        tree.connect()
        return tree

    @contextlib.contextmanager
    def pipe(self, name: str, interface: tuple[uuid.UUID, int]) -> Iterator[rpc.Interface]:
        """A bound interface over a named pipe. Raises SMBResponseException and RpcRefused."""
        from smbprotocol.open import CreateDisposition, ImpersonationLevel, Open

        tree = self.tree("IPC$")
        pipe = Open(tree, name)
        pipe.create(ImpersonationLevel.Impersonation, 0x0012019F, 0, 7, CreateDisposition.FILE_OPEN, 0)
        try:
            yield rpc.Interface(_transact_over(pipe), interface)
        finally:
            pipe.close()
            tree.disconnect()


def _transact_over(pipe: Any) -> rpc.Transact:
    def transact(data: bytes) -> bytes:
        if data:
            pipe.write(data)
        return bytes(pipe.read(0, 8192))

    return transact


# --- the login ---------------------------------------------------------------------------------------------------


async def _session(call: Call) -> _Session:
    return await call.once("session", lambda: _open(call))


async def _open(call: Call) -> _Session:
    """A negotiated connection over a judged address; nobody is logged in yet."""
    route = call.network.route(
        call.text("host"), call.number("port", 445), deadline=call.deadline, trace=call.trace,
        private_allowed=call.private_allowed,
    )  # fmt: skip
    line = await route.open_socket()
    line.setblocking(True)
    connection = _new_connection(route, line)
    session = _Session(connection, route)
    call.cleanup.push_async_callback(_cut, connection, line)
    await session.do(lambda: connection.connect(timeout=call.deadline.remaining()))
    return session


def _new_connection(route: Route, line: socket.socket) -> Any:
    from smbprotocol.connection import Connection

    class OverOpenSocket(Connection):  # type: ignore[misc]  # smbprotocol is seen as untyped here
        """smbprotocol makes its transport and connects it; here it finds it connected already."""

        _transport: Any = None

        @property
        def transport(self) -> Any:
            return self._transport

        @transport.setter
        def transport(self, made: Any) -> None:
            if made is not None:
                made._sock, made.connected = line, True  # noqa: SLF001 - there is no public way to give a socket
            self._transport = made

    return OverOpenSocket(uuid.uuid4(), route.host, route.port, require_signing=True)


async def _cut(connection: Any, line: socket.socket) -> None:
    """End the line, which also ends smbprotocol's own thread and whatever waits for an answer."""
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    if connection.transport is not None:
        await asyncio.to_thread(connection.disconnect, close=False)
    line.close()


async def log_in(call: Call) -> Mapping[str, object]:
    """The one login: `error` (NT status as 0xC000006D, empty when it worked), `guest`, `encrypted`, `dialect`."""
    from smbprotocol.exceptions import SMBException, SMBResponseException
    from smbprotocol.session import Session

    session = await _session(call)
    dialect = int(session.connection.dialect or 0)
    told: dict[str, object] = {
        "error": "",
        "guest": False,
        "encrypted": False,
        "dialect": f"{dialect >> 8}.{dialect >> 4 & 15}",
    }
    if dialect < _SMB_3 or not session.connection.supports_encryption:
        return {**told, "error": "no-encryption"}
    user, domain = call.text("username"), call.text("domain")
    smb = Session(
        session.connection, f"{domain}\\{user}" if domain else user, call.text("password"),
        require_encryption=True, auth_protocol="ntlm",
    )  # fmt: skip

    def work() -> None:
        try:
            smb.connect()
        except SMBException as error:
            if isinstance(error, SMBResponseException) or "guest" not in str(error):
                raise
            session.guest = True  # a guest has no key to encrypt with, so the library ends here
            return
        session.smb = smb
        session.tree("IPC$").disconnect()

    try:
        await session.do(work)
    except SMBResponseException as error:
        return {**told, "error": f"0x{error.status:08X}"}
    return {**told, "guest": session.guest, "encrypted": bool(smb.encrypt_data)}


async def _ask(call: Call, work: Callable[[_Session], Mapping[str, object]]) -> Mapping[str, object]:
    """What `work` reads over the session; `error` with the status where the server refused to say."""
    from smbprotocol.exceptions import SMBResponseException

    session = await _session(call)
    if session.smb is None:
        return {"error": "guest"}
    try:
        return await session.do(lambda: work(session))
    except SMBResponseException as error:
        return {"error": f"0x{error.status:08X}"}
    except rpc.RpcRefused as refused:
        return {"error": f"0x{refused.status:08X}"}


async def who_am_i(call: Call) -> Mapping[str, object]:
    """`name`: the user as the server sees it, DOMAIN\\user."""

    def work(session: _Session) -> Mapping[str, object]:
        with session.pipe("lsarpc", rpc.LSARPC) as lsa:
            domain, user = rpc.own_name(lsa)
        return {"name": cleaned(f"{domain}\\{user}", limit=300)}

    return await _ask(call, work)


# --- rights ------------------------------------------------------------------------------------------------------


async def read_administration(call: Call) -> Mapping[str, object]:
    """`share`: whether the administrative share ADMIN$ opens; absent where the server has none."""

    def work(session: _Session) -> Mapping[str, object]:
        session.tree("ADMIN$").disconnect()
        return {"share": True}

    told = await _ask(call, work)
    return {"share": False} if _is_denied(told) else told


async def read_accounts(call: Call) -> Mapping[str, object]:
    """`reachable`: whether the account database may be asked at all; `listing`: whether its accounts may be listed."""

    def work(session: _Session) -> Mapping[str, object]:
        with session.pipe("samr", rpc.SAMR) as samr:
            return judge_accounts(samr, session.connection.server_name)

    told = await _ask(call, work)
    return {"reachable": False} if _is_denied(told) else told


def judge_accounts(samr: rpc.Interface, host: str) -> Mapping[str, object]:
    """Open the domain for looking up, then for listing."""
    accounts = rpc.Accounts(samr, host)
    accounts.close(accounts.open_domain(rpc.LOOK_UP))
    told = {"reachable": True, "domain": cleaned(accounts.domain, limit=100)}
    try:
        accounts.close(accounts.open_domain(rpc.LIST_ACCOUNTS))
    except rpc.RpcRefused as refused:
        return {**told, "listing": False} if refused.status in _ACCESS_DENIED else told
    return {**told, "listing": True}


async def read_target(call: Call) -> Mapping[str, object]:
    """`found` whether the `account` exists; `reset` and `change`: whether a handle with that right is given."""
    name = str(call.arguments["account"])

    def work(session: _Session) -> Mapping[str, object]:
        with session.pipe("samr", rpc.SAMR) as samr:
            return judge_target(samr, session.connection.server_name, name)

    return await _ask(call, work)


def judge_target(samr: rpc.Interface, host: str, name: str) -> Mapping[str, object]:
    """Ask for each right over the account and give the handle back at once."""
    accounts = rpc.Accounts(samr, host)
    domain = accounts.open_domain(rpc.LOOK_UP)
    try:
        number = accounts.find(domain, name)
    except rpc.RpcRefused as refused:
        if refused.status == _NO_SUCH_ACCOUNT:
            return {"found": False}
        raise
    told: dict[str, object] = {"found": True}
    for right, access in (("reset", rpc.FORCE_PASSWORD_CHANGE), ("change", rpc.CHANGE_PASSWORD)):
        try:
            accounts.close(accounts.open_user(domain, number, access))
            told[right] = True
        except rpc.RpcRefused as refused:
            if refused.status in _ACCESS_DENIED:
                told[right] = False
    return told


async def read_own_end(call: Call) -> Mapping[str, object]:
    """`expires` of the account or its password, whichever comes first: ISO 8601, or None for never."""

    def work(session: _Session) -> Mapping[str, object]:
        with session.pipe("samr", rpc.SAMR) as samr:
            accounts = rpc.Accounts(samr, session.connection.server_name)
            domain = accounts.open_domain(rpc.LOOK_UP)
            user = accounts.open_user(domain, accounts.find(domain, call.text("username")), rpc.READ_ACCOUNT)
            times = [_EPOCH + timedelta(microseconds=end // 10) for end in accounts.read_ends(user) if 0 < end < _NEVER]
        ends = [time for time in times if time.replace(microsecond=0) != _SAMBA_NEVER]
        return {"expires": min(ends).isoformat() if ends else None}

    return await _ask(call, work)


async def list_accounts(call: Call) -> Mapping[str, object]:
    """`names` of the accounts of people, for a form."""

    def work(session: _Session) -> Mapping[str, object]:
        with session.pipe("samr", rpc.SAMR) as samr:
            accounts = rpc.Accounts(samr, session.connection.server_name)
            names = accounts.names(accounts.open_domain(rpc.LIST_ACCOUNTS))
        return {"names": sorted(cleaned(name, limit=100) for name in names)}

    return await _ask(call, work)


def _is_denied(told: Mapping[str, object]) -> bool:
    return told.get("error") in {f"0x{status:08X}" for status in _ACCESS_DENIED}
