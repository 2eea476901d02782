"""The servers of the demo's vendors on loopback, and the one network through which they alone are reached."""

import asyncio
import contextlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

import h11
import yaml

from jackfield.demo import aws, redis
from jackfield.demo.answers import Answer, Question, Vendor
from jackfield.demo.authority import Authority
from jackfield.net.network import CHECKS_IN_ALL, Network

_LOOPBACK: Final = "127.0.0.1"
_BODY_LIMIT: Final = 1 << 20
_DAYS: Final = re.compile(r"@(-?[0-9]+)d ?([a-z]*)")
_SPELLINGS: Final = {"": "%Y-%m-%dT%H:%M:%SZ", "date": "%Y-%m-%d", "spaced": "%Y-%m-%d %H:%M:%S UTC"}

Converse = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Vendors:
    """All servers of the demo, in a thread of their own, from entering the context to leaving it.

    They answer at once until `live` is called; from then on they take their time, and some change their mind.
    """

    def __init__(self) -> None:
        said = _read_files()
        self._vendors = {host: vendor for each in said.values() for vendor in [Vendor(each)] for host in vendor.hosts}
        self._aws = aws.Account(said["aws"]["keys"])
        self._vendors |= dict.fromkeys(aws.HOSTS, Vendor({"hosts": aws.HOSTS, "delay": said["aws"]["delay"]}))
        self._expired = frozenset(host for each in said.values() for host in each.get("expired_certificate", ()))
        self._redis = said["redis"]
        self._refused: list[str] = said["refused"]["places"]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="jackfield-demo", daemon=True)
        self._authority = Authority()
        self._places: dict[tuple[str, int], tuple[str, int]] = {}
        self._open = contextlib.ExitStack()
        self._talks: set[asyncio.Task[None]] = set()
        self._started: float | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._open.callback(self._end)
        try:
            asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def live(self) -> None:
        """Answer as slowly as vendors do from now on, and let the clock of what changes run."""
        self._started = time.monotonic()

    def network(self, *, at_once: int = CHECKS_IN_ALL) -> Network:
        """A closed network: these vendors, with certificates that it trusts, and nothing else."""
        return Network(roots=self._authority.pem, redirect=self._places, closed=True, checks_in_all=at_once)

    # --- in the servers' thread ------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        hosts = [host for host in self._vendors if host not in self._expired]
        context = self._authority.server_context(hosts)
        expired = self._authority.server_context(sorted(self._expired), days=(-90, -3))

        def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
            if name in self._expired:
                connection.context = expired

        context.sni_callback = choose
        web = await self._serve(self._converse, tls=context)
        self._places = {(host, 443): web for host in self._vendors}
        for place, server in self._redis["servers"].items():
            host, _, port = place.rpartition(":")
            tls = self._authority.server_context([host])
            self._places[host, int(port)] = await self._serve(redis.Server(server).converse, tls=tls)
        silent = self._open.enter_context(socket.socket())
        silent.bind((_LOOPBACK, 0))  # and never listens, so that connections to it are refused
        for place in self._refused:
            host, _, port = place.rpartition(":")
            self._places[host, int(port)] = silent.getsockname()

    async def _serve(self, converse: Converse, *, tls: ssl.SSLContext) -> tuple[str, int]:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is not None:
                self._talks.add(task)
                task.add_done_callback(self._talks.discard)
            try:
                await converse(reader, writer)
            except (OSError, EOFError, h11.RemoteProtocolError, asyncio.CancelledError):
                pass  # the client left in the middle, or the demo ends
            finally:
                writer.transport.abort()

        server = await asyncio.start_server(talk, _LOOPBACK, 0, ssl=tls)
        self._open.callback(self._loop.call_soon_threadsafe, server.close)
        address, port = server.sockets[0].getsockname()
        return address, port

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        while (question := await _receive(connection, reader)) is not None:
            host = question.headers.get("host", "").partition(":")[0]
            vendor = self._vendors.get(host)
            answer = Answer(421) if vendor is None else await self._answer(vendor, host, question)
            headers = {**answer.headers, "content-type": answer.content_type, "content-length": str(len(answer.body))}
            data = connection.send(h11.Response(status_code=answer.status, headers=list(headers.items()))) or b""
            if question.method != "HEAD":
                data += connection.send(h11.Data(data=answer.body)) or b""
            writer.write(data + (connection.send(h11.EndOfMessage()) or b""))
            await writer.drain()
            if connection.our_state is not h11.DONE:
                return
            connection.start_next_cycle()

    async def _answer(self, vendor: Vendor, host: str, question: Question) -> Answer:
        age = 0.0
        if self._started is not None:
            age = time.monotonic() - self._started
            await asyncio.sleep(vendor.delay(question))
        return self._aws.answer(host, question) if host in aws.HOSTS else vendor.answer(question, age)

    def _end(self) -> None:
        """End every conversation, then the thread."""
        if not self._thread.is_alive():
            return

        async def wind_down() -> None:
            for task in self._talks:
                task.cancel()
            await asyncio.gather(*self._talks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(wind_down(), self._loop).result(timeout=5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)
        self._loop.close()


async def _receive(connection: h11.Connection, reader: asyncio.StreamReader) -> Question | None:
    """The next question; None where the client has gone."""
    head: h11.Request | None = None
    body = b""
    while len(body) < _BODY_LIMIT:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            parts = urlsplit(head.target.decode("ascii"))
            headers = {name.decode("ascii"): value.decode("latin-1") for name, value in head.headers}
            return Question(head.method.decode("ascii"), unquote(parts.path), parts.query, headers, body)
        else:
            break
    return None


def _read_files() -> Mapping[str, Mapping[str, Any]]:
    folder, now = files("jackfield.demo") / "vendors", datetime.now(UTC)
    return {
        file.name.removesuffix(".yaml"): _dated(yaml.safe_load(file.read_text("utf-8")), now)
        for file in folder.iterdir()
        if file.name.endswith(".yaml")
    }


def _dated(value: Any, now: datetime) -> Any:
    """With each `@23d` replaced by the time in so many days, in the vendor's own spelling: `@23d ms`."""
    if isinstance(value, dict):
        return {name: _dated(inner, now) for name, inner in value.items()}
    if isinstance(value, list):
        return [_dated(inner, now) for inner in value]
    found = _DAYS.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value
    moment = now + timedelta(days=int(found[1]), hours=12)
    return int(moment.timestamp() * 1000) if found[2] == "ms" else moment.strftime(_SPELLINGS[found[2]])
