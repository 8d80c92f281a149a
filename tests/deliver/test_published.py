"""What must stand in the DNS, as a zone file writes it."""

import re

from cryptography.hazmat.primitives.asymmetric import rsa

from digest.deliver.dkim import Signer
from digest.deliver.published import records


def test_relays_are_named_by_what_they_are():
    hosts = ["relay.example.org", "192.0.2.1", "2001:db8::1", "localhost", "127.0.0.1"]

    spf, dmarc = records("example.org", "bounces.example.org", hosts, None)

    assert spf.text == "v=spf1 a:relay.example.org ip4:192.0.2.1 ip6:2001:db8::1 mx ~all"
    assert (spf.name, dmarc.name) == ("bounces.example.org", "_dmarc.example.org")


def test_no_blank_is_lost_where_a_record_is_cut_into_strings():
    """Whoever reads it puts the strings together as they are."""
    hosts = [f"relay{number}.example.org" for number in range(30)]

    spf, _ = records("example.org", "example.org", hosts, None)

    assert "".join(re.findall(r'"([^"]*)"', str(spf))) == spf.text


def test_a_long_key_is_written_in_strings_that_a_record_can_hold():
    signer = Signer("example.org", "s1", rsa.generate_private_key(65537, 2048))

    [written, *_] = map(str, records("example.org", "example.org", ["localhost"], signer))

    strings = re.findall(r'"([^"]*)"', written)
    assert max(map(len, strings)) <= 255
    assert "".join(strings) == signer.dns_text
