"""Which addresses are public."""

import ipaddress

import pytest

from apps_registry.outbound.addresses import refusal, rule_against

FORBIDDEN = {
    "loopback address": ["127.0.0.1", "127.255.255.254", "::1"],
    "private address": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"],
    "shared address of a carrier (CGN)": ["100.64.0.1", "100.127.255.255"],
    "link-local address": ["169.254.1.1", "fe80::1", "febf::1", "fec0::1"],
    "cloud metadata address": ["169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254"],
    "unique local address": ["fc00::1", "fdff::1"],
    "unspecified address": ["0.0.0.0", "0.1.2.3", "::"],
    "multicast address": ["224.0.0.1", "239.255.255.255", "ff02::1"],
    "reserved address": [
        *("192.0.0.1", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "240.0.0.1"),
        *("255.255.255.255", "2001:db8::1", "2001:10::1", "3fff::1", "5f00::1", "100::1", "4000::1"),
    ],
    "IPv6 address with an embedded IPv4 address": [
        *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::7f00:1", "::8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1"),
        *("64:ff9b::8.8.8.8", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:808:808::1", "2001::1", "2001:0:7f00:1::"),
    ],
}
PUBLIC = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.32.0.1", "169.253.1.1", "2606:4700::1", "2a00::1"]


@pytest.mark.parametrize(
    ("rule", "address"), [(rule, address) for rule, addresses in FORBIDDEN.items() for address in addresses]
)
def test_a_forbidden_address_names_its_rule(rule: str, address: str) -> None:
    matched_rule = refusal(address, is_allowed_host=False)
    assert matched_rule is not None
    assert matched_rule.name == rule


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed(address: str) -> None:
    assert rule_against(ipaddress.ip_address(address)) is None


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.1", "100.64.0.1", "fd12::1"])
def test_an_operator_may_allow_a_host_of_a_private_network(address: str) -> None:
    assert refusal(address, is_allowed_host=True) is None


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1%eth0", "0.0.0.0", "224.0.0.1", "::ffff:127.0.0.1"])
def test_no_operator_can_allow_the_rest(address: str) -> None:
    assert refusal(address, is_allowed_host=True) is not None
