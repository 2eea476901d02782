"""Which addresses are connected to, asked about, or never touched."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.net.address import Verdict, judge, judge_name

ALLOWED, ASK, NEVER = Verdict.ALLOWED, Verdict.ASK, Verdict.NEVER


@pytest.mark.parametrize(
    ("address", "verdict"),
    [
        ("8.8.8.8", ALLOWED),
        ("1.1.1.1", ALLOWED),
        ("52.95.110.1", ALLOWED),
        ("11.0.0.1", ALLOWED),
        ("172.15.255.255", ALLOWED),
        ("172.32.0.1", ALLOWED),
        ("192.167.255.255", ALLOWED),
        ("169.253.255.255", ALLOWED),
        ("100.63.255.255", ALLOWED),
        ("100.128.0.1", ALLOWED),
        ("223.255.255.255", ALLOWED),
        ("127.0.0.1", ASK),
        ("127.255.255.254", ASK),
        ("10.0.0.1", ASK),
        ("10.255.255.255", ASK),
        ("172.16.0.1", ASK),
        ("172.31.255.255", ASK),
        ("192.168.1.1", ASK),
        ("100.64.0.1", ASK),
        ("100.127.255.255", ASK),
        ("198.18.0.1", ASK),
        ("0.0.0.0", NEVER),
        ("0.1.2.3", NEVER),
        ("169.254.0.1", NEVER),
        ("169.254.169.254", NEVER),
        ("169.254.170.2", NEVER),
        ("100.100.100.200", NEVER),
        ("168.63.129.16", NEVER),
        ("192.0.0.192", NEVER),
        ("192.0.0.1", NEVER),
        ("192.0.2.1", NEVER),
        ("192.88.99.1", NEVER),
        ("198.51.100.7", NEVER),
        ("203.0.113.7", NEVER),
        ("224.0.0.1", NEVER),
        ("239.255.255.255", NEVER),
        ("240.0.0.1", NEVER),
        ("255.255.255.255", NEVER),
        ("2001:4860:4860::8888", ALLOWED),
        ("2606:4700:4700::1111", ALLOWED),
        ("::1", ASK),
        ("fd12:3456::1", ASK),
        ("fc00::1", ASK),
        ("::", NEVER),
        ("fe80::1", NEVER),
        ("fe80::1%eth0", NEVER),
        ("febf::1", NEVER),
        ("fec0::1", NEVER),
        ("ff02::1", NEVER),
        ("fd00:ec2::254", NEVER),
        ("fd20:ce::254", NEVER),
        ("2001:db8::1", NEVER),
        ("3fff::1", NEVER),
        ("100::1", NEVER),
        ("4000::1", NEVER),
        ("::7f00:1", NEVER),
        ("::ffff:8.8.8.8", ALLOWED),
        ("::ffff:127.0.0.1", ASK),
        ("::ffff:169.254.169.254", NEVER),
        ("::ffff:a9fe:a9fe", NEVER),
        ("::ffff:0:10.0.0.1", ASK),
        ("64:ff9b::8.8.8.8", ALLOWED),
        ("64:ff9b::10.1.2.3", ASK),
        ("64:ff9b::a9fe:a9fe", NEVER),
        ("64:ff9b:1::169.254.169.254", NEVER),
        ("64:ff9b:1:a9fe:a9:fe00::", NEVER),
        ("64:ff9b:1:a00:0:100::", ASK),
        ("64:ff9b:1:a9:fe:a9fe::", NEVER),
        ("64:ff9b:1:0:a9:fea9:fe00:0", NEVER),
        ("2002:808:808::1", ALLOWED),
        ("2002:7f00:1::", ASK),
        ("2002:a9fe:a9fe::1", NEVER),
        ("2001:0:808:808::f7f7:f7f7", ALLOWED),
        ("2001:0:808:808::80ff:fffe", ASK),
        ("2001:0:808:808::5601:5601", NEVER),
        ("2001:0:a9fe:a9fe::f7f7:f7f7", NEVER),
    ],
)
def test_verdict_on(address: str, verdict: Verdict) -> None:
    judgement = judge(address)
    assert judgement.verdict is verdict
    assert bool(judgement.reason) is (verdict is not ALLOWED)


@pytest.mark.parametrize("address", ["2130706433", "0x7f.0.0.1", "0177.0.0.1", "127.1", "localhost", "", "1.2.3.4:80"])
def test_only_standard_notation_is_an_address(address: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        judge(address)


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_however_it_is_carried(address: ipaddress.IPv4Address) -> None:
    plain = judge(address).verdict
    bits = int(address)
    for carrier in (
        int(ipaddress.IPv6Address("::ffff:0:0")) | bits,
        int(ipaddress.IPv6Address("64:ff9b::")) | bits,
        int(ipaddress.IPv6Address("2002::")) | bits << 80,
    ):
        assert judge(ipaddress.IPv6Address(carrier)).verdict is plain
    teredo = int(ipaddress.IPv6Address("2001:0:808:808::")) | bits ^ 0xFFFF_FFFF
    assert judge(ipaddress.IPv6Address(teredo)).verdict is plain


@given(st.ip_addresses(v=4))
def test_nothing_is_allowed_that_python_knows_to_be_internal(address: ipaddress.IPv4Address) -> None:
    internal = address.is_private or address.is_loopback or address.is_link_local or address.is_multicast
    assert not (judge(address).verdict is ALLOWED and internal)


@pytest.mark.parametrize(
    "name", ["metadata.google.internal", "METADATA.google.internal.", "metadata", "instance-data", "metadata.goog"]
)
def test_metadata_services_are_refused_by_name(name: str) -> None:
    assert judge_name(name).verdict is NEVER


def test_other_names_are_judged_by_what_they_resolve_to() -> None:
    assert judge_name("api.netlify.com").verdict is ALLOWED
