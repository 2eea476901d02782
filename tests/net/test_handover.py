"""Checks of one host that wait for one another go the same connection; nobody else does, and none stays open."""

import asyncio
import gc
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from jackfield.model.check import StepName, StepOutcome
from jackfield.net import handover
from jackfield.net.connection import Connection
from jackfield.net.deadline import Deadline
from jackfield.net.http import HttpClient, Reply
from jackfield.net.network import Network
from jackfield.net.tls import TlsOptions
from jackfield.net.trace import Trace
from support import faults
from support.serving import Place, serves
from support.vendor import Answer, MiniatureVendor, Request

HOST = "api.vendor.example"
Check = Callable[[HttpClient], Awaitable[Reply]]


async def one_after_the_other(network: Network, *checks: tuple[Check, dict[str, Any]]) -> list[tuple[Reply, Trace]]:
    """All wait from the start; each is let in when the one before it has ended."""

    async def run(check: Check, options: dict[str, Any]) -> tuple[Reply, Trace]:
        trace = Trace()
        async with (
            network.turn(HOST) as left,
            HttpClient(network, deadline=Deadline(), trace=trace, handover=left, **options) as client,
        ):
            return await check(client), trace

    return await asyncio.gather(*(run(check, options) for check, options in checks))


async def get(client: HttpClient) -> Reply:
    return await client.request("GET", f"https://{HOST}/", headers={"authorization": "Bearer tok_1"})


async def post(client: HttpClient) -> Reply:
    return await client.request("POST", f"https://{HOST}/", form={"grant_type": "client_credentials"})


class Signed(httpx.Auth):
    """An authentication that may be the connection's and not the request's, as NTLM's is."""


async def signed(client: HttpClient) -> Reply:
    return await client.request("GET", f"https://{HOST}/", auth=Signed())


def vendor_network(vendor: MiniatureVendor) -> Network:
    for verb in ("GET", "POST"):
        vendor.answers(verb, "/", {"id": 1})
    return vendor.network(HOST, checks_per_host=1)


async def test_checks_that_wait_go_one_connection_and_say_so() -> None:
    with MiniatureVendor() as vendor:
        done = await one_after_the_other(vendor_network(vendor), *[(get, {})] * 4)
        assert (len(vendor.requests), vendor.connections) == (4, 1)
    (_, first), *others = done
    assert [step.name for step in first.steps] == [StepName.RESOLVE, StepName.CONNECT, StepName.TLS]
    assert not any("kept" in step.detail for step in first.steps)
    for reply, trace in others:
        assert reply.body == {"id": 1}
        assert [step.name for step in trace.steps] == [step.name for step in first.steps]
        assert all(step.outcome is StepOutcome.PASSED and step.ms < 1 for step in trace.steps)
        assert [step.detail for step in trace.steps] == [
            f"{step.detail} (kept from the test before)" for step in first.steps
        ]
        assert (trace.reached, trace.certificate_ends) == (f"127.0.0.1:{vendor.port}", first.certificate_ends)


async def test_without_anyone_waiting_each_check_opens_its_own() -> None:
    with MiniatureVendor() as vendor:
        network = vendor_network(vendor)
        for _ in range(3):
            await one_after_the_other(network, (get, {}))
        assert vendor.connections == 3


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param((get, {}), (get, {"private_allowed": True}), id="another consent"),
        pytest.param((get, {}), (get, {"tls": TlsOptions(verify=False)}), id="another trust"),
        pytest.param((get, {}), (post, {}), id="a question that must not arrive twice"),
        pytest.param((signed, {}), (get, {}), id="left by a signed request"),
        pytest.param((get, {}), (signed, {}), id="taken by a signed request"),
    ],
)
async def test_what_differs_gets_a_connection_of_its_own(
    first: tuple[Check, dict[str, Any]], second: tuple[Check, dict[str, Any]]
) -> None:
    with MiniatureVendor() as vendor:
        done = await one_after_the_other(vendor_network(vendor), first, second)
        assert [reply.status for reply, _ in done] == [200, 200]
        assert vendor.connections == 2


async def test_a_credential_that_was_refused_leaves_the_next_one_judged_by_itself() -> None:
    """The vendor judges each request on a shared connection by what it carries."""
    with MiniatureVendor() as vendor:

        @vendor.get("/")
        def judge(request: Request) -> Answer:
            return Answer(200 if request.bearer == "good" else 401, json={})

        def with_token(token: str) -> Check:
            return lambda client: client.request(
                "GET", f"https://{HOST}/", headers={"authorization": f"Bearer {token}"}
            )

        network = vendor.network(HOST, checks_per_host=1)
        checks = [(with_token(token), {}) for token in ("good", "bad", "good", "bad")]
        done = await one_after_the_other(network, *checks)
        assert [reply.status for reply, _ in done] == [200, 401, 200, 401]
        assert vendor.connections == 1


async def test_a_connection_that_ends_under_a_question_is_replaced() -> None:
    """The vendor takes the second question on a connection and hangs up; the check asks anew, on one of its own."""
    talks: list[str] = []

    def conversation(client: socket.socket, _: Place) -> None:
        client.recv(65536)
        talks.append("answered")
        client.sendall(faults.answer(b"{}"))
        if len(talks) == 1 and client.recv(65536):
            talks.append("hung up")

    async def ask(client: HttpClient) -> Reply:
        return await client.request("GET", place.url)

    with serves(conversation) as place:
        near = {"private_allowed": True}
        done = await one_after_the_other(Network(checks_per_host=1), (ask, near), (ask, near))
    assert [reply.status for reply, _ in done] == [200, 200]
    assert talks == ["answered", "hung up", "answered"]
    assert not any("kept" in step.detail for _, trace in done for step in trace.steps)


@pytest.mark.parametrize("unasked", ["another answer", "the end, with a last word"])
async def test_what_a_vendor_says_unasked_is_nobodys_answer(unasked: str) -> None:
    """Two answers to one question, or 408 and the end, as servers say to who is idle: the next check asks elsewhere."""
    more = faults.answer(b'{"whose": "nobody\'s"}', status="200 OK" if unasked == "another answer" else "408 Timeout")
    answered = 0

    def conversation(client: socket.socket, _: Place) -> None:
        nonlocal answered
        client.recv(65536)
        answered += 1
        client.sendall(faults.answer(b'{"whose": "its own"}') + more)
        if unasked == "another answer":
            client.recv(65536)

    async def ask(client: HttpClient) -> Reply:
        return await client.request("GET", place.url)

    with serves(conversation) as place:
        near = {"private_allowed": True}
        done = await one_after_the_other(Network(checks_per_host=1), *[(ask, near)] * 3)
    assert [(reply.status, reply.body) for reply, _ in done] == [(200, {"whose": "its own"})] * 3
    assert answered == 3


async def test_a_connection_that_was_idle_too_long_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "_FRESH_SECONDS", -1.0)
    with MiniatureVendor() as vendor:
        await one_after_the_other(vendor_network(vendor), *[(get, {})] * 2)
        assert vendor.connections == 2


async def test_nothing_stays_open_after_the_last_check() -> None:
    with MiniatureVendor() as vendor:
        network = vendor_network(vendor)
        await one_after_the_other(network, *[(get, {})] * 3)
        ours = [one for one in gc.get_objects() if isinstance(one, asyncio.StreamWriter)]
        assert all(one.is_closing() for one in ours)


async def test_a_cancelled_check_leaves_nothing_behind() -> None:
    """Its connection is in the middle of an answer, which the next check must not read as its own."""
    with MiniatureVendor() as vendor:
        arrived, go = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        @vendor.get("/slow")
        def slow(_: Request) -> Answer:
            loop.call_soon_threadsafe(arrived.set)
            asyncio.run_coroutine_threadsafe(go.wait(), loop).result()
            return Answer(json={"whose": "the cancelled one's"})

        vendor.answers("GET", "/", {"whose": "its own"})
        network = vendor.network(HOST, checks_per_host=1)

        async def ask_slowly(client: HttpClient) -> Reply:
            return await client.request("GET", f"https://{HOST}/slow")

        cancelled = asyncio.create_task(one_after_the_other(network, (ask_slowly, {})))
        await arrived.wait()
        following = asyncio.create_task(one_after_the_other(network, (get, {})))
        while network._hosts[HOST].handover.checks < 2:  # until it is in the queue
            await asyncio.sleep(0)
        cancelled.cancel()
        [(reply, _)] = await following
        go.set()
        assert reply.body == {"whose": "its own"}
        assert vendor.connections == 2


@pytest.mark.parametrize("unasked", [b"HTTP/1.1 408", b""], ids=["a byte", "the end"])
async def test_a_connection_is_lost_by_a_byte_or_by_the_end(unasked: bytes) -> None:
    """Looking takes nothing away from an answer that comes later."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        reader, writer = await asyncio.open_connection(*server.getsockname())
        connection = Connection(reader, writer)
        with server.accept()[0] as theirs:
            assert not connection.is_lost()
            waiting = asyncio.create_task(reader.readexactly(2))
            theirs.sendall(b"ok")
            assert await waiting == b"ok"
            assert not connection.is_lost()
            theirs.sendall(unasked) if unasked else theirs.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(20):
                while not connection.is_lost():
                    await asyncio.sleep(0)
        writer.close()
