"""The network as a check sees it: names are looked up once, every address is judged, and only those are reached."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Final, NamedTuple

from jackfield.model.check import FailureKind, StepName
from jackfield.net.address import Judgement, Verdict, judge, judge_name
from jackfield.net.deadline import Deadline
from jackfield.net.failure import NetFailure, address_refused, explain, no_connection_in_time
from jackfield.net.handover import Endpoint, Handover, Place, Way
from jackfield.net.resolver import Resolver, resolve
from jackfield.net.tls import VERIFIED, TlsContexts, TlsOptions, peer_certificate
from jackfield.net.trace import Trace
from jackfield.text import cleaned
from jackfield.text.hosts import ascii_host, told_of_host

CHECKS_PER_HOST: Final = 3
CHECKS_IN_ALL: Final = 16
_BETWEEN_STARTS: Final = 0.001  # seconds; checks that begin together stay together, and then all wait for one another
_TLS_GOODBYE_SECONDS: Final = 1.0


class _Host(NamedTuple):
    """The places for checks of one host, and what those at work leave to those that wait."""

    places: asyncio.Semaphore
    handover: Handover


class Network:
    """The one way out of the program; made once, inside no particular check.

    `resolver` looks names up; `roots` (PEM) replaces the machine's trusted roots; `redirect` sends a host and port to
    another endpoint, which then counts as public and allowed, while TLS still expects the original name. A `closed`
    network reaches these endpoints alone, whatever a host resolves to.
    """

    def __init__(
        self,
        *,
        resolver: Resolver = resolve,
        roots: str = "",
        redirect: Mapping[tuple[str, int], tuple[str, int]] | None = None,
        closed: bool = False,
        checks_per_host: int = CHECKS_PER_HOST,
        checks_in_all: int = CHECKS_IN_ALL,
    ) -> None:
        self.resolver = resolver
        self.contexts = TlsContexts(roots)
        self.redirect = {place: Endpoint(*target) for place, target in (redirect or {}).items()}
        self.closed = closed
        self._in_all = asyncio.Semaphore(checks_in_all)
        self._checks_per_host = checks_per_host
        self._next_start = 0.0  # on the loop's clock
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[Handover]:
        """Hold one of the places for checks of a host, waiting for it if need be. Start the deadline inside.

        Gives what the checks of this host leave to one another.
        """
        host = self._hosts.setdefault(name, _Host(asyncio.Semaphore(self._checks_per_host), Handover()))
        handover = host.handover
        handover.checks += 1
        try:
            async with host.places, self._in_all:
                await self._spread_out()
                handover.at_work += 1
                try:
                    yield handover
                finally:
                    handover.at_work -= 1
        finally:
            handover.checks -= 1
            if not handover.checks:
                handover.close()
                del self._hosts[name]

    async def _spread_out(self) -> None:
        """Wait until it is some time since the last check began."""
        now = asyncio.get_running_loop().time()
        start = max(now, self._next_start)
        self._next_start = start + _BETWEEN_STARTS
        if start > now:
            await asyncio.sleep(start - now)

    def route(
        self,
        host: str,
        port: int,
        *,
        deadline: Deadline,
        trace: Trace,
        private_allowed: bool = False,
        tls: TlsOptions | None = None,
    ) -> "Route":
        """The way to one host and port for one check. Nothing is looked up before it is used.

        A host with other letters than those of ASCII is looked up, verified and told by its IDNA 2008 name. Raises
        NetFailure where it has none.
        """
        try:
            host = ascii_host(host)
        except ValueError:
            raise NetFailure(
                FailureKind.NAME, f"{cleaned(host, limit=80, lines=False)} is no host name.", "Check how it is written."
            ) from None
        return Route(self, host, port, deadline, trace, private_allowed=private_allowed, tls=tls or VERIFIED)


class Route:
    """The way to one host and port: looked up once, so that what was judged is what is connected to.

    Every method raises NetFailure, and CancelledError within the time of one callback.
    """

    __slots__ = (
        "_endpoints",
        "_looking_up",
        "_near",
        "_network",
        "deadline",
        "host",
        "port",
        "private_allowed",
        "tls",
        "trace",
    )

    def __init__(
        self,
        network: Network,
        host: str,
        port: int,
        deadline: Deadline,
        trace: Trace,
        *,
        private_allowed: bool,
        tls: TlsOptions,
    ) -> None:
        self.host = host
        self.port = port
        self.deadline = deadline
        self.trace = trace
        self.private_allowed = private_allowed
        self.tls = tls
        self._network = network
        self._looking_up = asyncio.Lock()
        self._endpoints: tuple[Endpoint, ...] = ()
        self._near = False

    async def endpoints(self) -> tuple[Endpoint, ...]:
        """The judged addresses to try, best first; at least one. For drivers that connect by themselves."""
        async with self._looking_up:
            if not self._endpoints:
                with self.trace.phase(StepName.RESOLVE, self.host) as phase:
                    self._endpoints = await self._resolve()
                    addresses = ", ".join(endpoint.address for endpoint in self._endpoints)
                    told = told_of_host(self.host)
                    phase.detail = f"{addresses}; {self.host} {told}" if told else addresses
        return self._endpoints

    def is_new(self) -> bool:
        """Whether nothing was looked up or followed yet."""
        return not self._endpoints

    def place(self, *, secure: bool) -> Place:
        """What a connection on this route may be used for."""
        return Place(self.host, self.port, secure, self.tls, self.private_allowed)

    def way(self) -> Way | None:
        """What was found out about the connection that stands; None where the trace is about another host."""
        trace = self.trace
        if trace.host != self.host:
            return None
        return Way(
            self._endpoints,
            self._near,
            tuple(trace.steps),
            trace.reached,
            trace.protocol,
            trace.certificate_issuer,
            trace.certificate_ends,
        )

    def follow(self, way: Way) -> None:
        """Go the way of a connection that another check has left to this one."""
        self._endpoints, self._near = way.endpoints, way.near
        self.trace.follow(self.host, way)

    async def judged_address(self) -> str:
        """The first judged address, for drivers that take a host name and an address to use for it."""
        return (await self.endpoints())[0].address

    async def is_near(self) -> bool:
        """Whether the host is at loopback or private addresses, or redirected to one by the program itself."""
        await self.endpoints()
        return self._near

    async def open_socket(self) -> socket.socket:
        """A connected, non-blocking TCP socket, for drivers that take one. The caller closes it."""
        endpoints = await self.endpoints()
        with self.trace.phase(StepName.CONNECT, self.host) as phase:
            connection, reached = await self._connect(endpoints)
            phase.detail = f"{reached.address} port {reached.port}"
            if self.trace.wants(StepName.CONNECT, self.host):
                self.trace.reached = f"{_bracketed(reached.address)}:{reached.port}"
        return connection

    async def open_stream(self, *, tls: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connected stream; with `tls`, one whose certificate was verified for the host. The caller closes it."""
        connection = await self.open_socket()
        try:
            if tls:
                return await self.secure(connection)
            return await asyncio.open_connection(sock=connection)
        except BaseException:
            connection.close()
            raise

    async def secure(self, connection: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Agree on TLS over a connected socket; nothing of the caller's is sent before the certificate is verified."""
        with self.trace.phase(StepName.TLS, self.host) as phase:
            context = await self.tls_context()
            try:
                async with asyncio.timeout_at(self.deadline.connect_ends()):
                    reader, writer = await asyncio.open_connection(
                        sock=connection,
                        ssl=context,
                        server_hostname=self.host,
                        ssl_shutdown_timeout=_TLS_GOODBYE_SECONDS,
                    )
            except (OSError, EOFError) as error:
                raise explain(error, self.host, self.port) from None
            if self.trace.wants(StepName.TLS, self.host):
                phase.detail = self._describe(writer.get_extra_info("ssl_object"))
        return reader, writer

    async def tls_context(self) -> ssl.SSLContext:
        """The shared context for this route, for drivers that take one. Raises NetFailure where it may not be used."""
        if not self.tls.verify and not await self.is_near():
            raise NetFailure(
                FailureKind.TLS,
                f"{self.host} is a public host: its certificate is always verified.",
                "Switch verification on for this connection.",
            )
        return self._network.contexts.context(self.tls)

    async def _resolve(self) -> tuple[Endpoint, ...]:
        redirected = self._network.redirect.get((self.host, self.port))
        if redirected is not None:
            self._near = True
            return (redirected,)
        if self._network.closed:
            raise NetFailure(
                FailureKind.NAME,
                f"{self.host} port {self.port} is not among the places that can be reached here.",
                "Use one of those, or leave for a network that is not closed.",
            )
        named = judge_name(self.host)
        if named.verdict is Verdict.NEVER:
            raise address_refused(self.host, named.reason, consent_helps=False)
        judged = [(address, judge(address)) for address in await self._look_up()]
        limit = Verdict.ASK if self.private_allowed else Verdict.ALLOWED
        admitted = [(address, judgement) for address, judgement in judged if judgement.verdict <= limit]
        if not admitted:
            raise self._refusal([judgement for _, judgement in judged])
        self._near = all(judgement.verdict is Verdict.ASK for _, judgement in admitted)
        return tuple(Endpoint(address, self.port) for address, _ in admitted)

    async def _look_up(self) -> list[str]:
        """Addresses in standard notation; a host that is one already is not looked up."""
        try:
            return [str(ip_address(self.host))]
        except ValueError:
            pass
        try:
            async with asyncio.timeout_at(self.deadline.connect_ends()):
                addresses = await self._network.resolver(self.host, self.port)
        except TimeoutError:
            raise NetFailure(
                FailureKind.NAME,
                f"No name server answered for {self.host} within {self.deadline.connect:g} s.",
                "Check the network, then test again.",
            ) from None
        except OSError as error:
            raise explain(error, self.host, self.port) from None
        if not addresses:
            raise explain(socket.gaierror(socket.EAI_NONAME, "no address"), self.host, self.port)
        return list(addresses)

    def _refusal(self, judgements: list[Judgement]) -> NetFailure:
        worst = max(judgements, key=lambda judgement: judgement.verdict)
        return address_refused(self.host, worst.reason, consent_helps=worst.verdict is Verdict.ASK)

    async def _connect(self, endpoints: tuple[Endpoint, ...]) -> tuple[socket.socket, Endpoint]:
        """Try each endpoint in turn; one that says nothing may take only its share of the time."""
        loop = asyncio.get_running_loop()
        ends = self.deadline.connect_ends()
        failure = no_connection_in_time(self.host, self.port, self.deadline.connect)
        for tried, endpoint in enumerate(endpoints):
            share = (ends - loop.time()) / (len(endpoints) - tried)
            connection = socket.socket(socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET)
            try:
                connection.setblocking(False)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                async with asyncio.timeout(share):
                    await loop.sock_connect(connection, endpoint)
            except TimeoutError:
                connection.close()
            except OSError as error:
                connection.close()
                failure = explain(error, self.host, self.port)
            except BaseException:
                connection.close()
                raise
            else:
                return connection, endpoint
        raise failure

    def _describe(self, connection: ssl.SSLObject) -> str:
        certificate = peer_certificate(connection)
        trace = self.trace
        trace.protocol = connection.version() or ""
        trace.certificate_issuer = certificate.issuer
        trace.certificate_ends = certificate.ends
        parts = [trace.protocol, f"issued by {certificate.issuer}" if certificate.issuer else ""]
        if certificate.ends is not None:
            parts.append(f"valid until {certificate.ends:%Y-%m-%d}")
        if not self.tls.verify:
            parts.append("not verified")
        return ", ".join(filter(None, parts))


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
