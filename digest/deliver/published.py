"""What a sender must publish in the DNS so that mailbox providers believe it.

Values only: nothing is looked up, so what stands there today is not known.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from digest.deliver.dkim import Signer

LONGEST_STRING = 255  # RFC 1035 section 3.3: a TXT record of more text holds several strings


DKIM = "DKIM, the public key"
SPF = "SPF, who may send; a domain has one: add this to what stands there"
DMARC = "DMARC, what to do with forgeries; p=none reports only, harden it later"


class Record(NamedTuple):
    """One TXT record as a zone file writes it, and what it is for."""

    name: str
    text: str
    purpose: str

    def __str__(self) -> str:
        starts = range(0, len(self.text), LONGEST_STRING)
        # Put together again without a blank between them, so none may be lost here.
        strings = " ".join(f'"{self.text[at : at + LONGEST_STRING]}"' for at in starts)
        return f"{self.name}. TXT {strings}"


def records(
    sender_domain: str, return_domain: str, relay_hosts: Iterable[str], signer: Signer | None
) -> list[Record]:
    """Give the records that mail from a domain through these relays needs.

    Args:
        return_domain: that of the return path, which SPF speaks of.
        relay_hosts: names or addresses; a relay that sends from others' addresses names its
            own SPF domain to be included instead.

    Source: RFC 7208 section 5 (SPF), RFC 6376 section 3.6 (DKIM), RFC 9989 section 4 (DMARC).
    """
    mechanisms = " ".join(dict.fromkeys(_mechanisms(relay_hosts)))
    return [
        *([Record(signer.dns_name, signer.dns_text, DKIM)] if signer else []),
        Record(return_domain, f"v=spf1 {mechanisms} ~all".replace("  ", " "), SPF),
        Record(
            f"_dmarc.{sender_domain}",
            f"v=DMARC1; p=none; rua=mailto:postmaster@{sender_domain}",
            DMARC,
        ),
    ]


def _mechanisms(hosts: Iterable[str]) -> Iterator[str]:
    for host in hosts:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            # The relay of this very machine sends from the address that the domain's mail has.
            yield "mx" if host == "localhost" else f"a:{host}"
            continue
        yield "mx" if address.is_loopback else f"ip{address.version}:{address}"
