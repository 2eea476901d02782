"""The HTTP client asks once, reads no more than it should, and says plainly what it got."""

import asyncio
import gc
import gzip
import logging
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager

import httpx
import pytest

from jackfield.model.check import FailureKind
from jackfield.net.deadline import Deadline
from jackfield.net.failure import NetFailure
from jackfield.net.http import HttpClient, Reply, Shape
from jackfield.net.network import Network
from jackfield.net.trace import Trace
from support import faults
from support.serving import Place
from support.vendor import Answer, MiniatureVendor, Request

HOST = "api.vendor.example"
SECRET = "tok_hunter2hunter2"


@asynccontextmanager
async def client_of(vendor: MiniatureVendor) -> AsyncIterator[HttpClient]:
    async with HttpClient(vendor.network(HOST), deadline=Deadline(), trace=Trace()) as client:
        yield client


async def ask(place: Place, deadline: Deadline | None = None) -> Reply:
    """One plain request to a faulty server."""
    async with HttpClient(Network(), deadline=deadline or Deadline(), trace=Trace(), private_allowed=True) as client:
        return await client.request("GET", f"{place.url}/user", headers={"authorization": f"Bearer {SECRET}"})


# What is asked and what comes back.


async def test_a_request_arrives_as_it_was_meant() -> None:
    with MiniatureVendor() as vendor:
        vendor.answers("POST", "/api/{team}/users", {"ok": True})
        async with client_of(vendor) as client:
            reply = await client.request(
                "POST",
                f"https://{HOST}/api/ops/users?sort=name",
                query={"page": 2},
                json={"name": "Ada"},
                headers={"X-Key": "k"},
            )
    (request,) = vendor.requests
    assert reply.body == {"ok": True}
    assert request.params == {"team": "ops"}
    assert request.query == {"sort": "name", "page": "2"}
    assert request.json() == {"name": "Ada"}
    assert request.headers["host"] == HOST
    assert request.headers["x-key"] == "k"
    assert request.headers["accept"] == "application/json"
    assert request.headers["user-agent"].startswith("jackfield/")


async def test_a_form_arrives_as_a_form() -> None:
    with MiniatureVendor() as vendor:
        vendor.answers("POST", "/token", {"access_token": "t"})
        async with client_of(vendor) as client:
            await client.request("POST", f"https://{HOST}/token", form={"grant_type": "client_credentials", "a": "ä&b"})
    assert vendor.requests[0].form() == {"grant_type": "client_credentials", "a": "ä&b"}


async def test_the_evidence_of_a_reply_holds_no_value() -> None:
    with MiniatureVendor() as vendor:
        vendor.answers("GET", "/user", Answer(json={"token": SECRET}, headers={"X-Token": SECRET}))
        async with client_of(vendor) as client:
            reply = await client.request("GET", f"https://{HOST}/user", query={"key": SECRET, "page": 1})
    assert reply.target == f"https://{HOST}/user?key=…&page=…"
    assert reply.headers["x-token"] == SECRET
    assert SECRET not in repr(reply)


@pytest.mark.parametrize(
    ("answer", "shape", "body", "text"),
    [
        (Answer(json=[1]), Shape.JSON, [1], ""),
        (Answer(body='{"a": 1}', content_type="application/vnd.api+json"), Shape.JSON, {"a": 1}, ""),
        (Answer(body="<html>hi", content_type="text/html; charset=utf-8"), Shape.HTML, None, "<html>hi"),
        (Answer(body='{"a": 1}', content_type="text/plain"), Shape.TEXT, None, '{"a": 1}'),
        (Answer(body="<a/>", content_type="application/xml"), Shape.TEXT, None, "<a/>"),
        (Answer(204), Shape.EMPTY, None, ""),
        (Answer(body="  \n", content_type="application/json"), Shape.EMPTY, None, ""),
        (Answer(body='{"a":', content_type="application/json"), Shape.BROKEN, None, ""),
        (Answer(body="NaN", content_type="application/json"), Shape.BROKEN, None, ""),
        (Answer(body=b"\xff\xfe\xfd", content_type="application/json"), Shape.BROKEN, None, ""),
        (Answer(body="{}", headers={"content-encoding": "gzip"}), Shape.BROKEN, None, ""),
        (Answer(body="{}", headers={"content-encoding": "br"}), Shape.BROKEN, None, ""),
    ],
)
async def test_the_shape_of_a_body_is_judged(answer: Answer, shape: Shape, body: object, text: str) -> None:
    with MiniatureVendor() as vendor:
        vendor.answers("GET", "/", answer)
        async with client_of(vendor) as client:
            reply = await client.request("GET", f"https://{HOST}/")
    assert (reply.shape, reply.body, reply.text) == (shape, body, text)


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_packed_bodies_are_unpacked(encoding: str, pack: type) -> None:
    with MiniatureVendor() as vendor:
        packed = Answer(body=pack(b'{"a": 1}'), content_type="application/json", headers={"content-encoding": encoding})
        vendor.answers("GET", "/", packed)
        async with client_of(vendor) as client:
            assert (await client.request("GET", f"https://{HOST}/")).body == {"a": 1}


@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7.0), ("", None), ("soon", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)]
)
async def test_a_wish_to_wait_is_read_in_seconds(value: str, seconds: float | None) -> None:
    with MiniatureVendor() as vendor:
        vendor.answers("GET", "/", Answer(429, json={}, headers={"Retry-After": value}))
        async with client_of(vendor) as client:
            reply = await client.request("GET", f"https://{HOST}/")
    assert (reply.status, reply.retry_after) == (429, seconds)
    assert len(vendor.requests) == 1


# What is not done.


async def test_redirects_are_reported_and_not_followed() -> None:
    with faults.redirects("http://169.254.169.254/latest/meta-data/?token=x") as place:
        reply = await ask(place)
    assert (reply.status, reply.redirect_to) == (302, "169.254.169.254")


async def test_a_redirect_within_the_host_names_the_host() -> None:
    with faults.redirects("/login") as place:
        assert (await ask(place)).redirect_to == "127.0.0.1"


async def test_cookies_are_not_kept() -> None:
    with MiniatureVendor() as vendor:
        vendor.answers("GET", "/", Answer(json={}, headers={"Set-Cookie": "session=1; Path=/"}))
        async with client_of(vendor) as client:
            for _ in range(2):
                await client.request("GET", f"https://{HOST}/")
    assert "cookie" not in vendor.requests[1].headers


async def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with faults.hangs() as proxy, MiniatureVendor() as vendor:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        vendor.answers("GET", "/", {"ok": True})
        async with client_of(vendor) as client:
            assert (await client.request("GET", f"https://{HOST}/")).body == {"ok": True}
        assert not proxy.reached.is_set()


async def test_a_failure_mentions_the_proxy_that_was_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{SECRET}@proxy.example:3128")
    with faults.refuses() as place, pytest.raises(NetFailure) as failed:
        await ask(place)
    assert "HTTPS_PROXY is set, but Jackfield connects directly" in failed.value.next_step
    assert SECRET not in failed.value.next_step


async def test_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), MiniatureVendor() as vendor:
        vendor.answers("GET", "/", {})
        async with client_of(vendor) as client:
            await client.request("GET", f"https://{HOST}/", query={"key": SECRET})
    assert "vendor.example" not in caplog.text


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"https://user:{SECRET}@{HOST}/", "user name or password"),
        ("ftp://vendor.example/", "does not start with https"),
        ("/only/a/path", "does not start with https"),
        ("https://", "does not start with https"),
        ("https://[::1/", "not valid"),
    ],
)
async def test_urls_that_no_credential_may_be_sent_to(url: str, words: str) -> None:
    async with HttpClient(Network(), deadline=Deadline(), trace=Trace()) as client:
        with pytest.raises(NetFailure, match=words) as refused:
            await client.request("GET", url)
    assert refused.value.kind is FailureKind.MISCONFIGURED
    assert SECRET not in str(refused.value)


async def test_plain_http_is_for_near_hosts_only() -> None:
    async def public(host: str, port: int) -> list[str]:
        return ["8.8.8.8"]

    async with HttpClient(Network(resolver=public), deadline=Deadline(), trace=Trace()) as client:
        with pytest.raises(NetFailure, match="unencrypted"):
            await client.request("GET", f"http://{HOST}/")


# Connections.


async def test_a_check_keeps_its_connection_and_shares_it_with_no_other() -> None:
    with MiniatureVendor() as vendor:
        vendor.answers("GET", "/", {})
        network = vendor.network(HOST)
        for _ in range(2):
            async with HttpClient(network, deadline=Deadline(), trace=Trace()) as client:
                for _ in range(3):
                    await client.request("GET", f"https://{HOST}/")
    assert (len(vendor.requests), vendor.connections) == (6, 2)


async def test_a_connection_that_the_server_ends_is_not_used_again() -> None:
    with MiniatureVendor() as vendor:
        vendor.answers("GET", "/", Answer(json={}, headers={"Connection": "close"}))
        async with client_of(vendor) as client:
            for _ in range(2):
                assert (await client.request("GET", f"https://{HOST}/")).status == 200
    assert vendor.connections == 2


async def test_a_discarded_body_is_not_read_and_its_connection_not_used_again() -> None:
    with MiniatureVendor() as vendor:
        vendor.answers("GET", "/secret", {"value": SECRET})
        vendor.answers("GET", "/", {})
        async with client_of(vendor) as client:
            reply = await client.request("GET", f"https://{HOST}/secret", discard=True)
            await client.request("GET", f"https://{HOST}/")
    assert (reply.status, reply.shape, reply.body, reply.text) == (200, Shape.UNREAD, None, "")
    assert vendor.connections == 2


class TwoSteps(httpx.Auth):
    """Asks once without a credential and again with it, as digest and NTLM do."""

    requires_response_body = True

    def auth_flow(self, request: httpx.Request):  # type: ignore[no-untyped-def]  # httpx names no type for it
        response = yield request
        request.headers["authorization"] = f"Step {response.json()['nonce']}"
        yield request


async def test_an_authentication_of_several_steps_stays_on_one_connection() -> None:
    with MiniatureVendor() as vendor:

        @vendor.get("/")
        def challenge(request: Request) -> Answer:
            if request.headers.get("authorization") == "Step 42":
                return Answer(json={"ok": True})
            return Answer(401, body=gzip.compress(b'{"nonce": 42}'), headers={"content-encoding": "gzip"})

        async with client_of(vendor) as client:
            reply = await client.request("GET", f"https://{HOST}/", auth=TwoSteps())
    assert (reply.status, vendor.connections, len(vendor.requests)) == (200, 1, 2)


# What goes wrong.


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (faults.refuses, FailureKind.UNREACHABLE, "refused the connection"),
        (faults.resets, FailureKind.UNREACHABLE, "closed the connection before it had answered"),
        (faults.closes, FailureKind.UNREACHABLE, "closed the connection before it had answered"),
        (faults.half_closed, FailureKind.UNREACHABLE, "closed the connection before it had answered"),
        (faults.garbage, FailureKind.MISCONFIGURED, "does not answer with HTTP"),
        (faults.large_head, FailureKind.VENDOR_FAULT, "headers of more than 64 KiB"),
    ],
)
async def test_each_fault_has_its_own_words(
    fault: type[AbstractContextManager[Place]], kind: FailureKind, words: str
) -> None:
    with fault() as place, pytest.raises(NetFailure, match=words) as failed:
        await ask(place)
    assert failed.value.kind is kind
    assert "127.0.0.1" in failed.value.message
    assert failed.value.__cause__ is None


@pytest.mark.parametrize("fault", [faults.huge, faults.gzip_bomb, faults.endless_body])
async def test_a_body_stops_at_the_cap(fault: type[AbstractContextManager[Place]]) -> None:
    with fault() as place:
        reply = await ask(place)
    assert (reply.status, reply.shape, reply.body) == (200, Shape.TOO_LARGE, None)


async def test_a_bomb_in_a_bomb_is_not_unpacked() -> None:
    """Only one coding is asked for, and only one is undone."""
    twice = gzip.compress(gzip.compress(b"{}"))
    with MiniatureVendor() as vendor:
        coded = {"content-encoding": "gzip, gzip"}
        vendor.answers("GET", "/", Answer(body=twice, content_type="application/json", headers=coded))
        async with client_of(vendor) as client:
            assert (await client.request("GET", f"https://{HOST}/")).shape is Shape.BROKEN


async def test_a_packed_bomb_is_never_unpacked_whole() -> None:
    with faults.gzip_bomb() as place:
        tracemalloc.start()
        try:
            await ask(place)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 4 * 1024 * 1024


@pytest.mark.parametrize(("depth", "shape"), [(50, Shape.JSON), (51, Shape.TOO_DEEP), (100_000, Shape.TOO_DEEP)])
async def test_json_is_read_to_a_depth_of_fifty(depth: int, shape: Shape) -> None:
    with faults.deep_json(depth) as place:
        assert (await ask(place)).shape is shape


async def test_a_captive_portal_is_html_and_no_json() -> None:
    with faults.html200() as place:
        reply = await ask(place)
    assert (reply.status, reply.shape, reply.body) == (200, Shape.HTML, None)


async def test_what_would_steer_the_terminal_is_gone_from_bodies_and_headers() -> None:
    with faults.escape_sequences() as place:
        reply = await ask(place)
    assert reply.body == {"na[31mme": "]0;ownedevil2J\nsecond line"}
    assert reply.headers["x-request-id"] == "a [2Jb"


@pytest.mark.parametrize("value", [f"{SECRET}\r\nX-Injected: 1", f"{SECRET}\x00", f"{SECRET}ü€"])
async def test_a_value_no_header_can_carry_is_named_without_showing_it(value: str) -> None:
    with MiniatureVendor() as vendor:
        async with client_of(vendor) as client:
            with pytest.raises(NetFailure, match="cannot carry") as failed:
                await client.request("GET", f"https://{HOST}/", headers={"authorization": value})
    assert vendor.requests == []
    assert SECRET not in str(failed.value)
    assert failed.value.__context__ is None


@pytest.mark.parametrize("fault", [faults.hangs, faults.drips, faults.endless_head])
async def test_an_answer_that_does_not_end_stops_at_the_deadline(
    fault: type[AbstractContextManager[Place]],
) -> None:
    with fault() as place, pytest.raises(NetFailure, match=r"the check ended after 0\.1 s") as failed:
        await ask(place, Deadline(total=0.1))
    assert failed.value.kind is FailureKind.UNREACHABLE


async def test_a_deadline_is_shared_by_all_requests_of_a_check() -> None:
    with faults.hangs() as place:
        deadline = Deadline(total=0.05)
        for _ in range(2):
            with pytest.raises(NetFailure):
                await ask(place, deadline)
    assert deadline.remaining() == 0.0


@pytest.mark.parametrize("fault", [faults.hangs, faults.drips, faults.endless_head])
async def test_a_request_can_be_cancelled_at_once_and_is_not_explained_away(
    fault: type[AbstractContextManager[Place]],
) -> None:
    """Before the answer, in its head and in its body."""
    with fault() as place:
        asking = asyncio.create_task(ask(place))
        await asyncio.to_thread(place.reached.wait, 5)
        asking.cancel()
        done, _ = await asyncio.wait([asking], timeout=0.1)
        assert asking in done
        assert asking.cancelled()


async def test_an_error_of_our_own_is_not_taken_for_the_networks() -> None:
    class Faulty(httpx.Auth):
        def auth_flow(self, request: httpx.Request):  # type: ignore[no-untyped-def]  # httpx names no type for it
            request.headers["x-share"] = str(1 // int(request.headers["x-none"]))
            yield request

    with MiniatureVendor() as vendor:
        async with client_of(vendor) as client:
            with pytest.raises(ZeroDivisionError):
                await client.request("GET", f"https://{HOST}/", headers={"x-none": "0"}, auth=Faulty())


async def test_connections_used_side_by_side_are_all_closed() -> None:
    """Several requests at once leave several connections behind; the client's end closes every one of them."""
    with MiniatureVendor() as vendor:
        vendor.answers("GET", "/{rest:path}", {"id": 1})
        async with client_of(vendor) as client:
            await asyncio.gather(*(client.request("GET", f"https://{HOST}/{number}") for number in range(4)))
            ours = [one for one in gc.get_objects() if isinstance(one, asyncio.StreamWriter)]
        assert vendor.connections == 4
        assert all(one.is_closing() for one in ours)
