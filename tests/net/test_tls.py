"""Nothing is sent before the server proved who it is, and each way of failing has its own words."""

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from jackfield.model.check import FailureKind, StepName, StepOutcome
from jackfield.net.deadline import Deadline
from jackfield.net.failure import NetFailure
from jackfield.net.http import HttpClient, Reply
from jackfield.net.network import Network
from jackfield.net.tls import TlsContexts, TlsOptions
from jackfield.net.trace import Trace
from support import faults
from support.certificates import Authority, authority, context_of, self_signed
from support.vendor import MiniatureVendor

HOST = "api.vendor.example"
SECRET = "tok_hunter2hunter2"


async def ask(port: int, *, tls: TlsOptions | None = None, trace: Trace | None = None, roots: str = "") -> Reply:
    network = Network(roots=roots or authority().ca_pem, redirect={(HOST, 443): ("127.0.0.1", port)})
    async with HttpClient(network, deadline=Deadline(), trace=trace or Trace(), tls=tls) as client:
        return await client.request("GET", f"https://{HOST}/user", headers={"authorization": f"Bearer {SECRET}"})


@pytest.mark.parametrize(
    ("context", "words"),
    [
        (lambda: authority().expired_context(HOST), f"The certificate of {HOST} has expired."),
        (lambda: authority().not_yet_valid_context(HOST), f"The certificate of {HOST} is not valid yet."),
        (
            lambda: authority().server_context("other.example"),
            f"The certificate of {HOST} was issued for another name.",
        ),
        (lambda: context_of(*self_signed(HOST)), f"The certificate of {HOST} is self-signed."),
        (
            lambda: Authority("Unknown Authority").server_context(HOST),
            f"The certificate of {HOST} was issued by an authority this machine does not know.",
        ),
        (lambda: authority().old_protocol_context(HOST), f"{HOST} offers only TLS versions older than 1.2."),
    ],
    ids=["expired", "not-yet", "wrong-name", "self-signed", "unknown-authority", "old-protocol"],
)
async def test_a_server_that_cannot_be_trusted_gets_no_byte(context: Callable[[], ssl.SSLContext], words: str) -> None:
    trace = Trace()
    with faults.bad_tls(context()) as place, pytest.raises(NetFailure) as failed:
        await ask(place.port, trace=trace)
    assert failed.value.kind is FailureKind.TLS
    assert failed.value.message == words
    assert failed.value.next_step
    assert place.received == b""
    assert [(step.name, step.outcome) for step in trace.steps] == [
        (StepName.RESOLVE, StepOutcome.PASSED),
        (StepName.CONNECT, StepOutcome.PASSED),
        (StepName.TLS, StepOutcome.FAILED),
    ]


async def test_plain_text_on_the_tls_port_is_named_and_hears_no_secret() -> None:
    with faults.plain_text() as place, pytest.raises(NetFailure, match="does not speak TLS on port 443"):
        await ask(place.port)
    assert SECRET.encode() not in place.received


async def test_a_server_that_hangs_up_during_tls_is_named() -> None:
    with faults.hangs_up() as place, pytest.raises(NetFailure) as failed:
        await ask(place.port)
    assert failed.value.kind in (FailureKind.TLS, FailureKind.UNREACHABLE)
    assert "closed the connection" in failed.value.message


async def test_a_server_that_never_agrees_on_tls_ends_at_the_connect_limit() -> None:
    with faults.hangs() as place:
        network = Network(redirect={(HOST, 443): ("127.0.0.1", place.port)})
        async with HttpClient(network, deadline=Deadline(connect=0.05), trace=Trace()) as client:
            with pytest.raises(NetFailure, match=f"{HOST} did not answer in time on port 443"):
                await client.request("GET", f"https://{HOST}/")


async def test_agreeing_on_tls_can_be_cancelled_at_once() -> None:
    with faults.hangs() as place:
        asking = asyncio.create_task(ask(place.port))
        await asyncio.to_thread(place.reached.wait, 5)
        asking.cancel()
        done, _ = await asyncio.wait([asking], timeout=0.1)
        assert asking in done
        assert asking.cancelled()


async def test_a_good_certificate_is_kept_as_evidence() -> None:
    trace = Trace()
    with MiniatureVendor() as vendor:
        vendor.answers("GET", "/user", {"id": 1})
        await ask(vendor.port, trace=trace)
    assert trace.certificate_issuer == "Jackfield Test Authority"
    assert trace.certificate_ends is not None
    assert trace.certificate_ends > datetime.now(UTC)
    assert trace.protocol == "TLSv1.3"
    assert trace.steps[-1].name is StepName.TLS
    assert "issued by Jackfield Test Authority, valid until" in trace.steps[-1].detail


async def test_a_connections_own_ca_is_trusted_instead_of_the_usual_roots() -> None:
    own, usual = Authority("Own Authority"), authority()
    with MiniatureVendor(signed_by=own) as vendor:
        vendor.answers("GET", "/user", {"id": 1})
        assert (await ask(vendor.port, tls=TlsOptions(ca_pem=own.ca_pem))).status == 200
    with faults.bad_tls(usual.server_context(HOST)) as place, pytest.raises(NetFailure, match="does not know"):
        await ask(place.port, tls=TlsOptions(ca_pem=own.ca_pem))


async def test_a_pinned_certificate_is_accepted_and_no_other_one() -> None:
    certificate, key = self_signed(HOST)
    with MiniatureVendor(context=context_of(certificate, key)) as vendor:
        vendor.answers("GET", "/user", {"id": 1})
        assert (await ask(vendor.port, tls=TlsOptions(ca_pem=certificate))).status == 200
    other, _ = self_signed(HOST)
    with faults.bad_tls(context_of(certificate, key)) as place, pytest.raises(NetFailure, match="self-signed"):
        await ask(place.port, tls=TlsOptions(ca_pem=other))
    assert place.received == b""


async def test_a_certificate_that_an_authority_issued_can_be_pinned_without_it() -> None:
    chain, key = Authority("Unknown Authority").leaf(HOST)
    with MiniatureVendor(context=context_of(chain, key)) as vendor:
        vendor.answers("GET", "/user", {"id": 1})
        assert (await ask(vendor.port, tls=TlsOptions(ca_pem=chain))).status == 200


async def test_verification_can_be_switched_off_for_near_hosts_and_is_marked() -> None:
    trace = Trace()
    with MiniatureVendor(context=context_of(*self_signed("whatever.example"))) as vendor:
        vendor.answers("GET", "/user", {"id": 1})
        assert (await ask(vendor.port, tls=TlsOptions(verify=False), trace=trace)).status == 200
    assert trace.certificate_issuer == "whatever.example"
    assert trace.certificate_ends is not None
    assert trace.steps[-1].detail.endswith("not verified")


async def test_verification_stays_on_for_public_hosts() -> None:
    async def public(host: str, port: int) -> list[str]:
        return ["8.8.8.8"]

    route = Network(resolver=public).route(HOST, 443, deadline=Deadline(), trace=Trace(), tls=TlsOptions(verify=False))
    with pytest.raises(NetFailure, match="always verified"):
        await route.tls_context()


@pytest.mark.parametrize("pem", ["not a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])
def test_a_ca_that_is_no_certificate_is_named(pem: str) -> None:
    with pytest.raises(NetFailure, match="CA certificate of this connection cannot be read"):
        TlsContexts().context(TlsOptions(ca_pem=pem))


def test_every_context_but_the_switched_off_one_verifies() -> None:
    contexts = TlsContexts(authority().ca_pem)
    for options in (TlsOptions(), TlsOptions(ca_pem=authority().ca_pem)):
        context = contexts.context(options)
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
        assert contexts.context(options) is context
    assert contexts.context(TlsOptions(verify=False)).verify_mode is ssl.CERT_NONE
    assert contexts.context(TlsOptions()).verify_mode is ssl.CERT_REQUIRED


def test_the_machines_own_roots_are_the_default() -> None:
    assert TlsContexts().context(TlsOptions()).verify_mode is ssl.CERT_REQUIRED


async def test_the_environment_cannot_ask_for_session_keys(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = tmp_path_factory.mktemp("keys") / "keys.log"
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    assert TlsContexts(authority().ca_pem).context(TlsOptions()).keylog_filename is None
    assert not log.exists()
