"""Which addresses a listing may be fetched from."""

from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.fetch.addresses import is_public


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "151.101.3.42",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.255.255",
        "172.32.0.1",
        "2606:4700:4700::1111",
        "2a04:4e42::42",
        pytest.param("::ffff:1.1.1.1", id="mapped public"),
        pytest.param("64:ff9b::101:101", id="nat64 public"),
        pytest.param("2002:101:101::1", id="6to4 public"),
    ],
)
def test_public_address_is_accepted(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("0.0.0.0", id="this host"),
        "0.1.2.3",
        "10.0.0.1",
        pytest.param("100.64.0.1", id="carrier"),
        pytest.param("100.100.100.200", id="metadata in the carrier range"),
        "127.0.0.1",
        "127.255.255.254",
        pytest.param("168.63.129.16", id="metadata on a public address"),
        pytest.param("169.254.169.254", id="metadata"),
        "172.16.0.1",
        "172.31.255.255",
        pytest.param("192.0.0.8", id="dummy address"),
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "203.0.113.5",
        pytest.param("224.0.0.1", id="multicast"),
        "240.0.0.1",
        pytest.param("255.255.255.255", id="broadcast"),
        "::",
        "::1",
        pytest.param("::7f00:1", id="ipv4-compatible"),
        pytest.param("::ffff:127.0.0.1", id="mapped loopback"),
        pytest.param("::ffff:169.254.169.254", id="mapped metadata"),
        pytest.param("64:ff9b::7f00:1", id="nat64 loopback"),
        pytest.param("64:ff9b:1::1", id="nat64 local use"),
        pytest.param("2002:7f00:1::", id="6to4 loopback"),
        pytest.param("2002:a00:1::1", id="6to4 private"),
        pytest.param("2001:0:7f00:1::1", id="teredo"),
        pytest.param("2001:db8::1", id="documentation"),
        pytest.param("fc00::1", id="unique local"),
        pytest.param("fd00:ec2::254", id="metadata over ipv6"),
        "fe80::1",
        pytest.param("fe80::1%eth0", id="link-local with a zone"),
        pytest.param("fec0::7", id="site-local"),
        "ff02::1",
    ],
)
def test_address_that_is_not_of_the_public_internet_is_refused(address):
    assert not is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_dressing_an_address_up_does_not_change_the_verdict(address: IPv4Address):
    value = int(address)
    dressed = [
        ip_address(f"::ffff:{address}"),
        ip_address(int(ip_address("64:ff9b::")) | value),
        ip_address(int(ip_address("2002::")) | value << 80),
    ]

    assert {is_public(form) for form in dressed} == {is_public(address)}
