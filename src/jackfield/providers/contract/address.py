"""Where a provider's fields send a credential, and whether the peer there is verified."""

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jackfield.providers.contract.expression import Template
from jackfield.providers.contract.values import NOTHING

if TYPE_CHECKING:
    from jackfield.providers.contract.spec import Method, Provider


def address_fields(provider: "Provider", method: "Method") -> frozenset[str]:
    """Fields that decide where the credential is sent, and how safely."""
    texts: list[Template] = []
    if isinstance(provider.base_url, tuple):
        texts += [address.url for address in provider.base_url]
    elif provider.base_url is not None:
        texts.append(provider.base_url)
    if provider.endpoint is not None:
        texts += [provider.endpoint.host, provider.endpoint.port]
    reads = frozenset().union(*(text.reads for text in texts))
    for rule in (provider.tls.used, provider.tls.verified, provider.tls.ca):
        reads |= rule.reads if rule is not None else frozenset()
    for address in provider.base_url if isinstance(provider.base_url, tuple) else ():
        reads |= address.when.reads
    return reads & {field.name for field in method.fields if not field.is_secret}


def vendor_host(provider: "Provider", names: Mapping[str, object]) -> str:
    """The host a check mainly talks to, as far as the fields tell; the provider's slug where they do not."""
    texts: list[Template] = []
    if isinstance(provider.base_url, tuple):
        texts += [address.url for address in provider.base_url if address.when.decide(names) is True]
    elif provider.base_url is not None:
        texts.append(provider.base_url)
    if provider.endpoint is not None:
        texts.append(provider.endpoint.host)
    for text in texts:
        place = text.render(names)
        if place is not NOTHING:
            try:
                return urlsplit(place if "://" in place else f"//{place}").hostname or provider.slug
            except ValueError:  # half an address, as while it is typed
                return provider.slug
    return provider.slug


def verification_switch(provider: "Provider", method: "Method") -> str:
    """The field that switches the verification of the peer's certificate; empty where nothing does."""
    reads = provider.tls.verified.reads if provider.tls.verified is not None else frozenset()
    return next((field.name for field in method.fields if field.name in reads), "")


def is_unverified(provider: "Provider", names: Mapping[str, object]) -> bool:
    """Whether these values ask for TLS whose certificate nobody verifies."""
    tls = provider.tls
    in_use = tls.used is None or tls.used.decide(names) is not False
    return in_use and tls.verified is not None and tls.verified.decide(names) is False
