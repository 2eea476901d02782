"""Why a vendor could not be reached, in words: every error of a socket, TLS or HTTP is explained here alone."""

import errno
import os
import socket
import ssl
from collections.abc import Iterable
from typing import Final

from jackfield.model.check import Failure, FailureKind

CHECK_PLACE: Final = "Check the host and the port."
_PROXY_VARIABLES: Final = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


class NetFailure(Exception):
    """The vendor was not reached, or not safely: `message` names the cause, `next_step` what to do about it."""

    def __init__(self, kind: FailureKind, message: str, next_step: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.next_step = next_step

    def as_failure(self) -> Failure:
        """The same as a value for a check's result."""
        return Failure(self.kind, self.message, self.next_step)


class SessionEnded(NetFailure):
    """The server ended a session that was logged in before the check was through: revoked or cut, nobody can tell."""

    def __init__(self, host: str) -> None:
        super().__init__(
            FailureKind.UNREACHABLE,
            f"{host} ended the session in the middle of the test.",
            "The login may have been revoked meanwhile, or its sessions ended: test again.",
        )


def explain(error: BaseException, host: str, port: int) -> NetFailure:
    """The NetFailure that says what `error` means for whoever tried to reach `host`.

    Looks through the chain of causes, so that an error wrapped by a library is still named for what it is.
    An error that is not one of the network is raised again as it is.
    """
    for link in _chain(error):
        match link:
            case NetFailure():
                return link
            case ssl.SSLCertVerificationError():
                return _distrusted(link, host)
            case ssl.SSLError():
                return _broken_tls(link, host, port)
            case socket.gaierror():
                return _unresolved(link, host)
            case TimeoutError():
                return _unreachable(f"{host} did not answer in time on port {port}.")
            case OSError():
                return _unconnected(link, host, port)
            case EOFError():
                return _closed(host)
    protocol = _http_failure(error, host, port)
    if protocol is None:
        raise error
    return protocol


def no_connection_in_time(host: str, port: int, seconds: float) -> NetFailure:
    """Nothing accepted a connection before the connect limit."""
    return _unreachable(f"{host} accepted no connection on port {port} within {seconds:g} s.")


def no_answer_in_time(host: str, seconds: float) -> NetFailure:
    """A connection stood, and the answer was not complete when the whole check had to end."""
    return NetFailure(
        FailureKind.UNREACHABLE,
        f"{host} did not finish its answer: the check ended after {seconds:g} s.",
        "Test again; if it stays so, ask the vendor's status page or allow the check more time.",
    )


def address_refused(host: str, reason: str, *, consent_helps: bool) -> NetFailure:
    """The address policy forbids every address of `host`."""
    return NetFailure(
        FailureKind.MISCONFIGURED,
        f"Jackfield does not connect to {host}: {reason}.",
        "Allow private addresses for this connection, if the host is really yours."
        if consent_helps
        else "Enter the vendor's public host name.",
    )


def url_refused(message: str, next_step: str) -> NetFailure:
    """The URL itself is not one a credential may be sent to."""
    return NetFailure(FailureKind.MISCONFIGURED, message, next_step)


def headers_too_large(host: str) -> NetFailure:
    """The head of an answer passed the limit, and was not read on."""
    return NetFailure(
        FailureKind.VENDOR_FAULT, f"{host} sent headers of more than 64 KiB.", "Check that this is the right host."
    )


def certificate_unreadable(what: str) -> NetFailure:
    """The CA or pinned certificate of the connection is not usable PEM."""
    return NetFailure(
        FailureKind.MISCONFIGURED,
        f"The {what} of this connection cannot be read.",
        "Paste it again as PEM, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----.",
    )


def _chain(error: BaseException) -> Iterable[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _unreachable(message: str) -> NetFailure:
    set_by = next((name for name in _PROXY_VARIABLES if os.environ.get(name)), None)
    hint = f" {set_by} is set, but Jackfield connects directly and uses no proxy." if set_by else ""
    return NetFailure(FailureKind.UNREACHABLE, message, f"{CHECK_PLACE}{hint}")


def _unresolved(error: socket.gaierror, host: str) -> NetFailure:
    if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
        return NetFailure(FailureKind.NAME, f"There is no host named {host}.", "Check how the host name is spelled.")
    if error.errno == socket.EAI_AGAIN:
        return NetFailure(
            FailureKind.NAME, f"The name server gave no answer for {host}.", "Check the network, then test again."
        )
    return NetFailure(FailureKind.NAME, f"The name {host} could not be looked up.", "Check how the host is spelled.")


def _unconnected(error: OSError, host: str, port: int) -> NetFailure:
    match error:
        case ConnectionRefusedError():
            return _unreachable(f"{host} refused the connection: nothing listens on port {port}.")
        case ConnectionError():
            return _closed(host)
        case PermissionError():
            return _unreachable(f"This machine does not permit a connection to {host} on port {port}.")
        case OSError(errno=errno.ENETUNREACH | errno.EHOSTUNREACH | errno.EADDRNOTAVAIL):
            return _unreachable(f"There is no route from here to {host}.")
    return _unreachable(f"The connection to {host} on port {port} failed.")


def _closed(host: str) -> NetFailure:
    return _unreachable(f"{host} closed the connection before it had answered.")


# OpenSSL's X509_V_ERR codes: what each says of the certificate, and what to do about it.
_OWN_CA: Final = "If this is a private server, give the connection its CA certificate."
_DISTRUST: Final = {
    9: ("is not valid yet", "Check this machine's clock; else the server's certificate must be replaced."),
    10: ("has expired", "The server needs a new certificate; check this machine's clock too."),
    18: ("is self-signed", _OWN_CA),
    19: ("was issued by an authority this machine does not know", _OWN_CA),
    20: ("was issued by an authority this machine does not know", _OWN_CA),
    21: ("was issued by an authority this machine does not know", _OWN_CA),
    23: ("was revoked", "Do not use this server until its certificate is replaced."),
    62: ("was issued for another name", "Enter the host name that the certificate was issued for."),
    64: ("was not issued for this address", "Enter the host name that the certificate was issued for."),
}


def _distrusted(error: ssl.SSLCertVerificationError, host: str) -> NetFailure:
    found, next_step = _DISTRUST.get(
        error.verify_code, ("cannot be trusted", "Ask whoever runs the server to check its certificate.")
    )
    return NetFailure(FailureKind.TLS, f"The certificate of {host} {found}.", next_step)


# OpenSSL's reasons. The first group comes from a server that answers in plain text where TLS is expected.
_PLAIN_TEXT: Final = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST"})
_OLD_PROTOCOL: Final = frozenset(
    {"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "VERSION_TOO_LOW", "WRONG_SSL_VERSION"}
)


def _broken_tls(error: ssl.SSLError, host: str, port: int) -> NetFailure:
    reason = getattr(error, "reason", None) or ""  # absent where Python, not OpenSSL, raised it
    if reason in _PLAIN_TEXT:
        return NetFailure(
            FailureKind.TLS,
            f"{host} does not speak TLS on port {port}: it answered in plain text.",
            "Use the port that speaks TLS.",
        )
    if reason in _OLD_PROTOCOL:
        return NetFailure(
            FailureKind.TLS,
            f"{host} offers only TLS versions older than 1.2.",
            "The server must offer TLS 1.2 or newer.",
        )
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return NetFailure(
            FailureKind.TLS,
            f"{host} closed the connection while TLS was being agreed on port {port}.",
            "Use the port that speaks TLS.",
        )
    if "CERTIFICATE_REQUIRED" in reason:
        return NetFailure(
            FailureKind.TLS,
            f"{host} asks for a client certificate.",
            "Use a host that accepts this kind of credential.",
        )
    return NetFailure(
        FailureKind.TLS,
        f"{host} and this machine could not agree on TLS.",
        "Ask whoever runs the server which TLS versions and ciphers it offers.",
    )


def _http_failure(error: BaseException, host: str, port: int) -> NetFailure | None:
    import h11

    match error:
        case h11.LocalProtocolError() | UnicodeError():
            return NetFailure(
                FailureKind.MISCONFIGURED,
                "A value of this connection holds a character that a request cannot carry.",
                "Enter the credential again, without line breaks or other hidden characters.",
            )
        case h11.RemoteProtocolError() if "too long" in str(error):
            return headers_too_large(host)
        case h11.RemoteProtocolError() if "closed connection" in str(error):
            return _closed(host)
        case h11.RemoteProtocolError():
            return NetFailure(
                FailureKind.MISCONFIGURED, f"{host} does not answer with HTTP on port {port}.", CHECK_PLACE
            )
    return None
