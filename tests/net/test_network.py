"""Names are looked up once, every address is judged, and only judged addresses are reached."""

import asyncio
import socket
import threading
from collections.abc import Sequence

import pytest

from jackfield.model.check import FailureKind, Step, StepName, StepOutcome
from jackfield.net.deadline import Deadline
from jackfield.net.failure import NetFailure
from jackfield.net.network import Network, Route
from jackfield.net.resolver import resolve
from jackfield.net.trace import Trace
from support import faults


class Answers:
    """A name server that gives prepared answers, one for each question, and keeps what it was asked."""

    def __init__(self, *answers: Sequence[str] | OSError) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answer = self.answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer


def route_to(
    host: str, port: int = 443, *, resolver: Answers, private_allowed: bool = False, trace: Trace | None = None
) -> Route:
    return Network(resolver=resolver).route(
        host, port, deadline=Deadline(), trace=trace or Trace(), private_allowed=private_allowed
    )


async def test_a_name_that_changes_its_answer_is_connected_to_where_it_was_judged() -> None:
    """A rebinding name server gets one question; its second answer is never heard."""
    resolver = Answers(["127.0.0.1"], ["169.254.169.254"])
    with faults.hangs() as place:
        route = route_to("rebind.example", place.port, resolver=resolver, private_allowed=True)
        for _ in range(2):
            connection = await route.open_socket()
            assert connection.getpeername() == ("127.0.0.1", place.port)
            connection.close()
    assert resolver.asked == ["rebind.example"]


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.5", "::1", "fd00::5", "::ffff:192.168.0.1"])
async def test_near_addresses_need_consent(address: str) -> None:
    with pytest.raises(NetFailure) as refused:
        await route_to("inside.example", resolver=Answers([address])).endpoints()
    assert refused.value.kind is FailureKind.MISCONFIGURED
    assert "Allow private addresses" in refused.value.next_step
    allowed = route_to("inside.example", resolver=Answers([address]), private_allowed=True)
    assert [endpoint.address for endpoint in await allowed.endpoints()] == [address]
    assert await allowed.is_near()


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254", "0.0.0.0", "::", "64:ff9b::a9fe:a9fe"])
async def test_consent_never_opens_the_way_to_forbidden_addresses(address: str) -> None:
    with pytest.raises(NetFailure) as refused:
        await route_to("trap.example", resolver=Answers([address]), private_allowed=True).endpoints()
    assert "trap.example" in refused.value.message
    assert "Allow private" not in refused.value.next_step


@pytest.mark.parametrize("host", ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254"])
async def test_a_literal_address_is_judged_without_a_look_up(host: str) -> None:
    resolver = Answers()
    with pytest.raises(NetFailure):
        await route_to(host, resolver=resolver, private_allowed=True).endpoints()
    assert resolver.asked == []


async def test_a_metadata_name_is_not_even_looked_up() -> None:
    resolver = Answers(["8.8.8.8"])
    with pytest.raises(NetFailure, match="metadata service"):
        await route_to("metadata.google.internal", resolver=resolver).endpoints()
    assert resolver.asked == []


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1"])
async def test_odd_notations_of_an_address_are_judged_for_what_they_mean(host: str) -> None:
    """What only the system's own look-up takes for an address goes through it, and its answer is judged."""
    route = Network().route(host, 443, deadline=Deadline(), trace=Trace())
    with pytest.raises(NetFailure, match="this machine itself"):
        await route.endpoints()


@pytest.mark.parametrize(
    "host",
    [
        *("2852039166", "0xa9fea9fe", "0xA9.0xFE.0xA9.0xFE", "0251.0376.0251.0376", "025177524776", "169.254.43518"),
        *(
            "169.16689662",
            "0xa9.254.0251.0xfe",
            "169.254.169.254.",
            "::ffff:a9fe:a9fe",
            "0:0:0:0:0:ffff:169.254.169.254",
        ),
        *(
            "[::ffff:169.254.169.254]",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::",
            "FD00:EC2::254",
            "fe80::a9fe:a9fe%1",
        ),
        *(
            "1684301000",
            "0144.0144.0144.0310",
            "0",
            "0.0.0.0",
            "0x0",
            "::",
            "::0.0.0.0",
            "4294967295",
            "255.255.255.255",
        ),
        *("3758096385", "0xe0000001", "ff02::1", "::ffff:224.0.0.1"),
    ],
)
async def test_no_notation_of_a_forbidden_address_is_connected_to(host: str) -> None:
    """Metadata, unspecified, broadcast and multicast: decimal, octal, hexadecimal, short and mixed, with consent."""
    route = Network().route(host, 443, deadline=Deadline(), trace=Trace(), private_allowed=True)
    with pytest.raises(NetFailure) as refused:
        await route.open_socket()
    assert "Allow private" not in refused.value.next_step
    assert refused.value.kind in {FailureKind.MISCONFIGURED, FailureKind.NAME}


async def test_only_the_admissible_addresses_of_a_name_are_used() -> None:
    route = route_to("mixed.example", resolver=Answers(["169.254.0.9", "10.0.0.1", "8.8.8.8"]))
    assert [endpoint.address for endpoint in await route.endpoints()] == ["8.8.8.8"]
    assert await route.judged_address() == "8.8.8.8"
    assert not await route.is_near()


async def test_the_next_address_is_tried_where_one_refuses() -> None:
    with faults.hangs() as place:
        route = route_to("two.example", place.port, resolver=Answers(["127.0.0.9", "127.0.0.1"]), private_allowed=True)
        connection = await route.open_socket()
        assert connection.getpeername()[0] == "127.0.0.1"
        connection.close()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, ""), "no host named gone.example"),
        (socket.gaierror(socket.EAI_AGAIN, ""), "gave no answer for gone.example"),
        (socket.gaierror(socket.EAI_FAIL, ""), "gone.example could not be looked up"),
    ],
)
async def test_a_failed_look_up_says_how_it_failed(error: OSError, words: str) -> None:
    trace = Trace()
    with pytest.raises(NetFailure, match=words) as failed:
        await route_to("gone.example", resolver=Answers(error), trace=trace).endpoints()
    assert failed.value.kind is FailureKind.NAME
    assert [(step.name, step.outcome) for step in trace.steps] == [(StepName.RESOLVE, StepOutcome.FAILED)]


async def test_an_empty_answer_is_a_name_without_a_host() -> None:
    with pytest.raises(NetFailure, match="no host named"):
        await route_to("void.example", resolver=Answers([])).endpoints()


async def test_a_refused_connection_names_host_and_port() -> None:
    with faults.refuses() as place, pytest.raises(NetFailure) as failed:
        await route_to("127.0.0.1", place.port, resolver=Answers(), private_allowed=True).open_socket()
    assert failed.value.kind is FailureKind.UNREACHABLE
    assert failed.value.message == f"127.0.0.1 refused the connection: nothing listens on port {place.port}."


async def test_a_connection_nobody_answers_ends_at_the_connect_limit() -> None:
    with faults.swallows() as place:
        route = Network().route(
            "127.0.0.1", place.port, deadline=Deadline(connect=0.05), trace=Trace(), private_allowed=True
        )
        with pytest.raises(NetFailure, match=r"accepted no connection .* within 0\.05 s"):
            await route.open_socket()


async def test_a_look_up_that_hangs_can_be_cancelled_and_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, release = threading.Event(), threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        asked.set()
        release.wait(30)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    waiting = asyncio.create_task(resolve("slow.example", 443))
    await asyncio.to_thread(asked.wait, 5)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not release.is_set()
    release.set()


async def test_a_look_up_that_hangs_ends_at_the_connect_limit() -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        forever: asyncio.Future[Sequence[str]] = asyncio.get_running_loop().create_future()
        return await forever

    route = Network(resolver=never).route("slow.example", 443, deadline=Deadline(connect=0.02), trace=Trace())
    with pytest.raises(NetFailure, match="No name server answered for slow"):
        await route.endpoints()


async def test_the_systems_own_look_up_knows_this_machine() -> None:
    assert set(await resolve("localhost", 80)) <= {"127.0.0.1", "::1"}


async def test_a_label_that_no_name_can_have_is_no_host() -> None:
    with pytest.raises(socket.gaierror):
        await resolve("a" * 64 + ".example", 443)


async def test_a_trace_keeps_the_first_connection_of_its_first_host_alone() -> None:
    seen: list[Step] = []
    with faults.hangs() as place:
        network = Network(redirect={("a.example", 80): ("127.0.0.1", place.port), ("b.example", 80): ("127.0.0.1", 1)})
        trace, deadline = Trace(seen.append), Deadline()
        for _ in range(2):
            (await network.route("a.example", 80, deadline=deadline, trace=trace).open_socket()).close()
        with pytest.raises(NetFailure):
            await network.route("b.example", 80, deadline=deadline, trace=trace).open_socket()
    assert [(step.name, step.outcome) for step in seen] == [
        (StepName.RESOLVE, StepOutcome.PASSED),
        (StepName.CONNECT, StepOutcome.PASSED),
    ]
    assert trace.steps == seen
    assert trace.reached == f"127.0.0.1:{place.port}"


@pytest.mark.parametrize("host", ["192.0.2.7", "elsewhere.example"])
async def test_a_closed_network_reaches_its_redirects_alone(host: str) -> None:
    """Anything else is refused by name, and no name server is asked."""
    resolver = Answers(["127.0.0.1"])
    with faults.hangs() as place:
        redirect = {("a.example", 80): ("127.0.0.1", place.port)}
        network = Network(resolver=resolver, redirect=redirect, closed=True)
        (await network.route("a.example", 80, deadline=Deadline(), trace=Trace()).open_socket()).close()
        route = network.route(host, place.port, deadline=Deadline(), trace=Trace(), private_allowed=True)

        with pytest.raises(NetFailure, match=host):
            await route.open_socket()

    assert resolver.asked == []


async def test_no_more_checks_than_allowed_run_at_once() -> None:
    """Two a host and three in all; whoever waits gets its turn when another ends."""
    network = Network(checks_per_host=2, checks_in_all=3)
    running: list[str] = []
    finished: list[str] = []
    full, go = asyncio.Event(), asyncio.Event()
    peak = 0

    async def check(host: str) -> None:
        nonlocal peak
        async with network.turn(host):
            running.append(host)
            peak = max(peak, len(running))
            if len(running) == 3:
                full.set()
            await go.wait()
            running.remove(host)
            finished.append(host)

    checks = [asyncio.create_task(check(host)) for host in "aaaaabbbbb"]
    await full.wait()
    assert sorted(running) == ["a", "a", "b"]
    go.set()
    await asyncio.gather(*checks)
    assert peak == 3
    assert sorted(finished) == list("aaaaabbbbb")


async def test_checks_that_are_let_in_together_begin_one_after_the_other() -> None:
    """Each a millisecond after the one before it, so that no burst of them holds up the loop."""
    network, clock = Network(), asyncio.get_running_loop().time
    begun: list[float] = []

    async def check(host: str) -> None:
        async with network.turn(host):
            begun.append(clock())

    first = clock()
    await asyncio.gather(*(check(host) for host in "abcdefgh"))
    assert all(each - first >= place * 0.001 - 1e-6 for place, each in enumerate(begun))


async def test_a_cancelled_check_gives_its_turn_back() -> None:
    network = Network(checks_per_host=1)
    started = asyncio.Event()

    async def hold() -> None:
        async with network.turn("a"):
            started.set()
            await asyncio.get_running_loop().create_future()

    holding = asyncio.create_task(hold())
    await started.wait()
    holding.cancel()
    await asyncio.gather(holding, return_exceptions=True)
    async with asyncio.timeout(1), network.turn("a"):
        assert holding.cancelled()


async def test_a_host_of_other_letters_is_looked_up_by_its_own_name() -> None:
    """By IDNA 2008, where ß is not ss; and what it reads as is told with the step."""
    resolver, seen = Answers(["8.8.8.8"]), list[Step]()
    route = route_to("straße.example", resolver=resolver, trace=Trace(seen.append))
    await route.endpoints()
    assert (route.host, resolver.asked) == ("xn--strae-oqa.example", ["xn--strae-oqa.example"])
    assert seen[0].detail == "8.8.8.8; xn--strae-oqa.example reads straße.example"


async def test_a_metadata_name_in_other_letters_is_that_name() -> None:
    resolver = Answers(["8.8.8.8"])
    with pytest.raises(NetFailure, match="metadata service"):
        await route_to("ｍetadata.google。internal", resolver=resolver).endpoints()
    assert resolver.asked == []


async def test_letters_that_no_host_has_are_refused() -> None:
    with pytest.raises(NetFailure, match="no host name"):
        route_to("☃.example", resolver=Answers())
