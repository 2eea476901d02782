"""Certificates for tests: one authority, and leaves of it that are good or wrong in exactly one way."""

import datetime as dt
import ssl
import warnings
from functools import cache

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = dt.timedelta(days=1)


class Authority:
    """A certificate authority that only tests trust. Server contexts are cached by name: leaves cost milliseconds."""

    def __init__(self, organization: str = "Jackfield Test Authority") -> None:
        self._ca = trustme.CA(organization_name=organization)
        self._contexts: dict[str, ssl.SSLContext] = {}

    @property
    def ca_pem(self) -> str:
        """The authority's certificate, to trust it."""
        return self._ca.cert_pem.bytes().decode()

    def leaf(self, *names: str, expired: bool = False, not_yet: bool = False) -> tuple[str, str]:
        """Certificate chain and key in PEM for host names or addresses; for servers that are given files."""
        leaf = self._issue(*names, expired=expired, not_yet=not_yet)
        chain = "".join(part.bytes().decode() for part in leaf.cert_chain_pems)
        return chain, leaf.private_key_pem.bytes().decode()

    def server_context(self, name: str = "127.0.0.1") -> ssl.SSLContext:
        """A server's context with a good certificate for one name."""
        context = self._contexts.get(name)
        if context is None:
            context = self._contexts[name] = self._configured(self._issue(name))
        return context

    def expired_context(self, name: str) -> ssl.SSLContext:
        return self._configured(self._issue(name, expired=True))

    def not_yet_valid_context(self, name: str) -> ssl.SSLContext:
        return self._configured(self._issue(name, not_yet=True))

    def old_protocol_context(self, name: str) -> ssl.SSLContext:
        """A server that speaks TLS 1.1 at best."""
        context = self._configured(self._issue(name))
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # old on purpose
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        return context

    def any_name_context(self) -> ssl.SSLContext:
        """A context that answers each client with a good certificate for the very name it asked for."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._issue("127.0.0.1", "localhost").configure_cert(context)

        def choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
            if name:
                connection.context = self.server_context(name)

        context.sni_callback = choose
        return context

    def _issue(self, *names: str, expired: bool = False, not_yet: bool = False) -> trustme.LeafCert:
        now = dt.datetime.now(dt.UTC)
        first = now + _DAY if not_yet else now - 10 * _DAY
        last = now - _DAY if expired else now + 30 * _DAY
        return self._ca.issue_cert(*names, not_before=first, not_after=last)

    @staticmethod
    def _configured(leaf: trustme.LeafCert) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(context)
        return context


@cache
def authority() -> Authority:
    """The authority of the test process."""
    return Authority()


def self_signed(name: str) -> tuple[str, str]:
    """Certificate and key in PEM of a server that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + 30 * _DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), pem.decode()


def context_of(certificate_pem: str, key_pem: str) -> ssl.SSLContext:
    """A server's context from PEM texts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with trustme.Blob((key_pem + certificate_pem).encode()).tempfile() as path:
        context.load_cert_chain(path)
    return context
