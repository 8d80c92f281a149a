"""The address guard: which network addresses a listing may be fetched from.

Pure.  It judges an address that is about to be connected to, never a host name: a name may
answer differently the next time it is asked (DNS rebinding).
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

# `ipaddress.is_global` differs between Python releases and calls multicast, site-local and
# NAT64 forms of private addresses global, so the registries stand here.
# Source: IANA IPv4 Special-Purpose Address Registry, RFC 6890.
REFUSED_IPV4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # "this network"
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by carriers, RFC 6598
        "127.0.0.0/8",
        "168.63.129.16/32",  # a public address that answers inside one cloud only: metadata
        "169.254.0.0/16",  # link-local, the metadata service of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)

# Unicast that is handed out at all, RFC 4291 section 2.4; everything outside is refused.
GLOBAL_IPV6 = IPv6Network("2000::/3")
# Source: IANA IPv6 Special-Purpose Address Registry.
REFUSED_IPV6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo (RFC 4380) among them
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation, RFC 9637
    )
)
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Say whether an address is one of the public internet, whatever form it is dressed in.

    IPv4-mapped, NAT64 and 6to4 addresses are as public as the IPv4 address they carry.
    """
    if isinstance(address, IPv4Address):
        return not any(address in network for network in REFUSED_IPV4)
    carried = _carried_ipv4(address)
    if carried is not None:
        return is_public(carried)
    return address in GLOBAL_IPV6 and not any(address in network for network in REFUSED_IPV6)


def _carried_ipv4(address: IPv6Address) -> IPv4Address | None:
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
