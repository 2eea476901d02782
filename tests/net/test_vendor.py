"""The miniature vendor itself: strict, and loud where a test or a provider is wrong."""

import pytest

from jackfield.net.deadline import Deadline
from jackfield.net.failure import NetFailure
from jackfield.net.http import HttpClient, Reply, Shape
from jackfield.net.trace import Trace
from support.vendor import Answer, MiniatureVendor

HOST = "api.vendor.example"


async def ask(vendor: MiniatureVendor, path: str, method: str = "GET", host: str = HOST, **options: str) -> Reply:
    async with HttpClient(vendor.network(HOST, "auth.vendor.example"), deadline=Deadline(), trace=Trace()) as client:
        return await client.request(method, f"https://{host}{path}", **options)  # type: ignore[arg-type]  # any of them


async def test_a_request_without_a_route_is_kept_as_undeclared() -> None:
    with MiniatureVendor() as vendor:
        vendor.answers("GET", "/user", {})
        assert (await ask(vendor, "/user", "DELETE")).status == 404
        assert (await ask(vendor, "/user/keys")).status == 404
    assert [(request.method, request.path) for request in vendor.undeclared] == [
        ("DELETE", "/user"),
        ("GET", "/user/keys"),
    ]


async def test_placeholders_match_one_segment_or_the_rest() -> None:
    with MiniatureVendor() as vendor:
        vendor.route("GET", "/teams/{team}")(lambda request: request.params)
        vendor.route("GET", "/files/{name:path}")(lambda request: request.params)
        assert (await ask(vendor, "/teams/a%20b")).body == {"team": "a b"}
        assert (await ask(vendor, "/files/a/b.txt")).body == {"name": "a/b.txt"}
        assert (await ask(vendor, "/teams/a/b")).status == 404


async def test_the_route_declared_last_wins() -> None:
    with MiniatureVendor() as vendor:
        vendor.answers("GET", "/user", {"role": "owner"})
        vendor.answers("GET", "/user", Answer(403, json={"error": "forbidden"}))
        assert (await ask(vendor, "/user")).status == 403


async def test_each_host_of_a_vendor_is_reached_under_its_own_name() -> None:
    with MiniatureVendor() as vendor:
        vendor.route("GET", "/")(lambda request: request.headers["host"])
        assert (await ask(vendor, "/", host="auth.vendor.example")).body == "auth.vendor.example"


async def test_no_other_host_exists() -> None:
    with MiniatureVendor() as vendor, pytest.raises(NetFailure, match="no host named"):
        await ask(vendor, "/", host="other.example")


async def test_a_head_request_is_answered_without_a_body() -> None:
    with MiniatureVendor() as vendor:
        vendor.answers("HEAD", "/", Answer(json={"a": 1}))
        assert (await ask(vendor, "/", "HEAD")).shape is Shape.EMPTY


async def test_a_bearer_is_read_by_the_vendor() -> None:
    with MiniatureVendor() as vendor:
        vendor.route("GET", "/")(lambda request: request.bearer)
        async with HttpClient(vendor.network(HOST), deadline=Deadline(), trace=Trace()) as client:
            reply = await client.request("GET", f"https://{HOST}/", headers={"Authorization": "Bearer abc"})
    assert reply.body == "abc"


async def test_a_mistake_in_a_handler_fails_the_test() -> None:
    vendor = MiniatureVendor().__enter__()
    vendor.route("GET", "/")(lambda request: request.params["missing"])
    assert (await ask(vendor, "/")).status == 500
    with pytest.raises(KeyError):
        vendor.__exit__(None, None, None)
