"""TLS contexts: verified by default, TLS 1.2 or newer, with a connection's own CA or pinned certificate."""

import hashlib
import ssl
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from jackfield.net.failure import certificate_unreadable
from jackfield.text import cleaned

_CACHED_CONTEXTS: Final = 64


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """How one connection wants the server's certificate judged.

    `ca_pem` is trusted instead of the usual roots: a private CA, or the server's own certificate to pin it.
    `verify=False` trusts any certificate; it is honoured for private addresses only.
    """

    ca_pem: str = ""
    verify: bool = True


VERIFIED: Final = TlsOptions()


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is shown of a server's certificate."""

    issuer: str
    ends: datetime | None


class TlsContexts:
    """Contexts by what they trust, made once: a context costs milliseconds, a connection with it nothing.

    `roots` (PEM) replaces the machine's own roots.
    """

    def __init__(self, roots: str = "") -> None:
        self._roots = roots
        self._own: OrderedDict[bytes, ssl.SSLContext] = OrderedDict()

    def context(self, options: TlsOptions) -> ssl.SSLContext:
        """The context for `options`. Raises NetFailure where its CA is not usable PEM."""
        if not options.verify:
            return self._trusting
        if not options.ca_pem:
            return self._verifying
        digest = hashlib.sha256(options.ca_pem.encode()).digest()
        context = self._own.get(digest)
        if context is None:
            context = self._own[digest] = _with_own_ca(options.ca_pem)
            if len(self._own) > _CACHED_CONTEXTS:
                self._own.popitem(last=False)
        return context

    @cached_property
    def _verifying(self) -> ssl.SSLContext:
        context = _new_context()
        if self._roots:
            context.load_verify_locations(cadata=self._roots)
        elif _machine_has_roots():
            context.load_default_certs()
        else:
            import certifi

            context.load_verify_locations(certifi.where())
        return context

    @cached_property
    def _trusting(self) -> ssl.SSLContext:
        context = _new_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context


def peer_certificate(connection: ssl.SSLObject | ssl.SSLSocket) -> Certificate:
    """The certificate of the server at the other end; empty where it cannot be read."""
    known: Mapping[str, Any] | None = connection.getpeercert()
    if known:
        issuer = {key: value for part in known.get("issuer", ()) for key, value in part}
        ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(known["notAfter"]), UTC)
        return Certificate(_issuer(issuer.get("organizationName"), issuer.get("commonName")), ends)
    return _unverified_certificate(connection.getpeercert(binary_form=True) or b"")


def _unverified_certificate(encoded: bytes) -> Certificate:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        certificate = x509.load_der_x509_certificate(encoded)
        issuer = {attribute.oid: str(attribute.value) for attribute in certificate.issuer}
        ends = certificate.not_valid_after_utc
    except ValueError:
        return Certificate("", None)
    return Certificate(_issuer(issuer.get(NameOID.ORGANIZATION_NAME), issuer.get(NameOID.COMMON_NAME)), ends)


def _issuer(organization: str | None, common_name: str | None) -> str:
    return cleaned(", ".join(filter(None, (organization, common_name))), limit=200, lines=False)


def _new_context() -> ssl.SSLContext:
    """A bare client context: hostname and chain are checked, and the environment's key log is not written."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _with_own_ca(pem: str) -> ssl.SSLContext:
    context = _new_context()
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a pinned certificate need not be a CA
    try:
        context.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        raise certificate_unreadable("CA certificate") from None
    return context


def _machine_has_roots() -> bool:
    paths = ssl.get_default_verify_paths()
    folder = Path(paths.capath) if paths.capath else None
    return bool(paths.cafile) or (folder is not None and any(True for _ in folder.iterdir()))
