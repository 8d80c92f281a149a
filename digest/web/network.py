"""Whose request it is: the client behind trusted proxies, and its network."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


def client_network(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """Give the network that a request came from: the /24 of IPv4, the /64 of IPv6.

    Args:
        peer: the address that the connection came from.
        forwarded_for: X-Forwarded-For; believed as far as trusted proxies wrote it.
        trusted: networks of proxies.
    """
    hops = [peer, *reversed([hop.strip() for hop in forwarded_for.split(",")][-20:])]
    client = peer
    for hop in hops:
        try:
            address = ip_address(hop)
        except ValueError:
            break
        client = hop
        if not any(address in network for network in trusted):
            break
    try:
        address = ip_address(client)
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            return str(ip_network((address, 64), strict=False))
        address = address.ipv4_mapped
    return str(ip_network((address, 24), strict=False))
