"""Which addresses a test may connect to.

Never: what can only be a trap or a mistake (link-local, cloud metadata, multicast, unspecified, reserved).
Only with the user's consent for that connection: what is near (loopback, private, carrier-grade, unique-local).
"""

from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Address = IPv4Address | IPv6Address


class Verdict(IntEnum):
    """Ordered from harmless to forbidden."""

    ALLOWED = 0
    ASK = 1
    NEVER = 2


@dataclass(frozen=True, slots=True)
class Judgement:
    """`reason` completes "Jackfield does not connect to HOST: …"."""

    verdict: Verdict
    reason: str = ""


_PUBLIC: Final = Judgement(Verdict.ALLOWED)


def _never(reason: str) -> Judgement:
    return Judgement(Verdict.NEVER, reason)


def _ask(reason: str) -> Judgement:
    return Judgement(Verdict.ASK, reason)


_METADATA: Final = _never("that is a cloud metadata service, which hands out the machine's own credentials")
_RESERVED: Final = _never("that is a reserved address, where no service can be")
_UNSPECIFIED: Final = _never("that is the unspecified address")
_LINK_LOCAL: Final = _never("that is a link-local address")
_MULTICAST: Final = _never("that is a multicast address")
_LOOPBACK: Final = _ask("that is this machine itself")
_PRIVATE: Final = _ask("that is a private address")
_CARRIER: Final = _ask("that is a carrier-grade or overlay network address")
_UNIQUE_LOCAL: Final = _ask("that is a unique-local address")

# The first network that holds an address decides.
_V4: Final = tuple(
    (IPv4Network(network), judgement)
    for network, judgement in (
        ("169.254.169.254/32", _METADATA),
        ("100.100.100.200/32", _METADATA),
        ("168.63.129.16/32", _METADATA),
        ("192.0.0.192/32", _METADATA),
        ("0.0.0.0/32", _UNSPECIFIED),
        ("255.255.255.255/32", _never("that is the broadcast address")),
        ("169.254.0.0/16", _LINK_LOCAL),
        ("127.0.0.0/8", _LOOPBACK),
        ("10.0.0.0/8", _PRIVATE),
        ("172.16.0.0/12", _PRIVATE),
        ("192.168.0.0/16", _PRIVATE),
        ("198.18.0.0/15", _PRIVATE),
        ("100.64.0.0/10", _CARRIER),
        ("224.0.0.0/4", _MULTICAST),
        ("0.0.0.0/8", _RESERVED),
        ("192.0.0.0/24", _RESERVED),
        ("192.0.2.0/24", _RESERVED),
        ("192.88.99.0/24", _RESERVED),
        ("198.51.100.0/24", _RESERVED),
        ("203.0.113.0/24", _RESERVED),
        ("240.0.0.0/4", _RESERVED),
    )
)
_V6: Final = tuple(
    (IPv6Network(network), judgement)
    for network, judgement in (
        ("fd00:ec2::254/128", _METADATA),
        ("fd20:ce::254/128", _METADATA),
        ("::/128", _UNSPECIFIED),
        ("::1/128", _LOOPBACK),
        ("fe80::/10", _LINK_LOCAL),
        ("fc00::/7", _UNIQUE_LOCAL),
        ("ff00::/8", _MULTICAST),
        ("2001:db8::/32", _RESERVED),
        ("3fff::/20", _RESERVED),
        ("2000::/3", _PUBLIC),
        ("::/0", _RESERVED),
    )
)
_V4_AT_THE_END: Final = tuple(map(IPv6Network, ("::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")))
_NAT64_LOCAL: Final = IPv6Network("64:ff9b:1::/48")
_METADATA_NAMES: Final = frozenset(
    {"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"}
)


def judge(address: str | Address) -> Judgement:
    """The verdict on one address; an IPv6 address that carries IPv4 addresses is as bad as the worst of them.

    Raises ValueError where `address` is not an address in its standard notation.
    """
    ip = ip_address(address) if isinstance(address, str) else address
    if isinstance(ip, IPv4Address):
        return next((judgement for network, judgement in _V4 if ip in network), _PUBLIC)
    carried = _carried(ip)
    if carried:
        return max((judge(inner) for inner in carried), key=lambda judgement: judgement.verdict)
    return next(judgement for network, judgement in _V6 if ip in network)


def judge_name(host: str) -> Judgement:
    """The verdict on a name before it is looked up: metadata services are refused by name too."""
    return _METADATA if host.rstrip(".").lower() in _METADATA_NAMES else _PUBLIC


def _carried(ip: IPv6Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses inside a mapped, translated, 6to4 or Teredo address; none for an ordinary one."""
    if any(ip in network for network in _V4_AT_THE_END):
        return (IPv4Address(int(ip) & 0xFFFF_FFFF),)
    if ip in _NAT64_LOCAL:
        return (_nat64_local(int(ip)),)
    if ip.sixtofour is not None:
        return (ip.sixtofour,)
    if ip.teredo is not None:
        return ip.teredo
    return ()


def _nat64_local(bits: int) -> IPv4Address:
    """The IPv4 address in a local NAT64 one: RFC 6052 places it by the prefix's length, followed by zeros."""
    if bits & ((1 << 40) - 1) == 0:  # /48: 16 bits, the unused octet, 16 bits
        return IPv4Address((bits >> 64 & 0xFFFF) << 16 | bits >> 40 & 0xFFFF)
    if bits & ((1 << 32) - 1) == 0:  # /56: 8 bits, the unused octet, 24 bits
        return IPv4Address((bits >> 64 & 0xFF) << 24 | bits >> 32 & 0xFF_FFFF)
    if bits & ((1 << 24) - 1) == 0:  # /64: the unused octet, 32 bits
        return IPv4Address(bits >> 24 & 0xFFFF_FFFF)
    return IPv4Address(bits & 0xFFFF_FFFF)
