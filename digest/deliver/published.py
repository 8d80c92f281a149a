"""What a sender must publish in the DNS so that mailbox providers believe it.

Values only: nothing is looked up, so what stands there today is not known.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import NamedTuple

from digest.deliver.dkim import Signer

LONGEST_STRING = 255  # RFC 1035 section 3.3: a TXT record of more text holds several strings


class Record(NamedTuple):
    """One TXT record as a zone file writes it."""

    name: str
    text: str

    def __str__(self) -> str:
        strings = " ".join(f'"{part}"' for part in wrap(self.text, LONGEST_STRING))
        return f"{self.name}. TXT {strings}"


def records(sender_domain: str, relay_hosts: Iterable[str], signer: Signer | None) -> list[Record]:
    """Give the records that mail from a domain through these relays needs.

    Args:
        relay_hosts: names or addresses; a relay that sends from others' addresses names its
            own SPF domain to be included instead.

    Source: RFC 7208 section 5 (SPF), RFC 6376 section 3.6 (DKIM), RFC 9989 section 4 (DMARC).
    """
    mechanisms = " ".join(dict.fromkeys(_mechanisms(relay_hosts)))
    return [
        *([Record(signer.dns_name, signer.dns_text)] if signer else []),
        Record(sender_domain, f"v=spf1 {mechanisms} ~all".replace("  ", " ")),
        Record(
            f"_dmarc.{sender_domain}", f"v=DMARC1; p=none; rua=mailto:postmaster@{sender_domain}"
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
