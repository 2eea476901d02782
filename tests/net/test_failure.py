"""Errors of sockets, TLS and HTTP are told in words, whatever library wrapped them."""

import errno
import os
import ssl

import h11
import pytest

from jackfield.model.check import FailureKind
from jackfield.net.failure import NetFailure, explain

HOST = "db.example"


def failed(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (failed(errno.ECONNREFUSED), FailureKind.UNREACHABLE, "refused the connection: nothing listens on port 5432"),
        (failed(errno.ENETUNREACH), FailureKind.UNREACHABLE, "no route from here to db.example"),
        (failed(errno.EHOSTUNREACH), FailureKind.UNREACHABLE, "no route from here to db.example"),
        (failed(errno.ETIMEDOUT), FailureKind.UNREACHABLE, "did not answer in time on port 5432"),
        (failed(errno.ECONNRESET), FailureKind.UNREACHABLE, "closed the connection"),
        (failed(errno.EPIPE), FailureKind.UNREACHABLE, "closed the connection"),
        (failed(errno.EPERM), FailureKind.UNREACHABLE, "does not permit"),
        (failed(errno.EMFILE), FailureKind.UNREACHABLE, "failed"),
        (ConnectionResetError(), FailureKind.UNREACHABLE, "closed the connection"),
        (TimeoutError(), FailureKind.UNREACHABLE, "did not answer in time"),
        (EOFError(), FailureKind.UNREACHABLE, "closed the connection"),
        (ssl.SSLError(1, "[SSL: WEIRD] weird"), FailureKind.TLS, "could not agree on TLS"),
        (ssl.SSLEOFError(8, "EOF"), FailureKind.TLS, "closed the connection while TLS was being agreed"),
        (h11.RemoteProtocolError("illegal"), FailureKind.MISCONFIGURED, "does not answer with HTTP"),
        (h11.LocalProtocolError("illegal header value b'hunter2'"), FailureKind.MISCONFIGURED, "cannot carry"),
    ],
)
def test_an_error_is_told_in_words(error: Exception, kind: FailureKind, words: str) -> None:
    failure = explain(error, HOST, 5432)
    assert failure.kind is kind
    assert words in failure.message
    assert failure.next_step
    assert "hunter2" not in f"{failure!r} {failure.next_step}"


@pytest.mark.parametrize(
    "error",
    [
        *map(failed, (errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ETIMEDOUT, errno.ECONNRESET)),
        TimeoutError(),
        EOFError(),
        ssl.SSLError(1, "[SSL: WEIRD] weird"),
    ],
    ids=repr,
)
def test_a_fault_of_the_network_does_not_blame_the_credential(error: Exception) -> None:
    """Nobody is sent to look at a secret that was never sent."""
    failure = explain(error, HOST, 5432)
    told = f"{failure.message} {failure.next_step}".casefold()
    assert not [word for word in ("credential", "secret", "password", "token", "key") if word in told]


def test_the_cause_counts_and_not_its_wrapping() -> None:
    wrapped = RuntimeError("driver: cannot connect")
    wrapped.__cause__ = failed(errno.ECONNREFUSED)
    assert "refused the connection" in explain(wrapped, HOST, 5432).message


def test_an_error_without_a_network_cause_stays_what_it_is() -> None:
    with pytest.raises(KeyError):
        explain(KeyError("mistake"), HOST, 5432)


def test_a_failure_is_a_value_for_the_result_too() -> None:
    failure = NetFailure(FailureKind.NAME, "There is no host.", "Check it.").as_failure()
    assert (failure.kind, failure.message, failure.next_step) == (FailureKind.NAME, "There is no host.", "Check it.")
