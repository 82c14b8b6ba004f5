"""Which hosts are not of the open internet: nothing of a stranger may make us ask them. Standard library only."""

import ipaddress
import socket


def is_public_address(text: str) -> bool:
    """Whether an address is of the open internet: not loopback, link-local, private, shared, or multicast."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if address.version == 6:
        inside = address.ipv4_mapped or address.sixtofour
        if address in ipaddress.ip_network("64:ff9b::/96"):  # RFC 6052: an IPv4 address in its last 32 bits
            inside = ipaddress.ip_address(int(address) & 0xFFFFFFFF)
        if inside:
            return is_public_address(str(inside))
    return address.is_global and not address.is_multicast


def names_private_host(host: str) -> bool:
    """Whether a URL's host is not of the open internet, as far as its spelling alone tells, without a look-up."""
    host = host.strip("[]").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    if ":" in host:
        return not is_public_address(host)
    try:
        packed = socket.inet_aton(host)  # takes 127.1 and 0x7f000001 as the C library's resolver does
    except (OSError, UnicodeEncodeError, ValueError):
        return False
    return not is_public_address(socket.inet_ntoa(packed))


def resolves_to_private(host: str) -> bool:
    """Whether a name has a private address here. Behind a proxy we connect to no address, and the proxy looks the name
    up itself; it may reach the private addresses that we can reach."""
    try:
        found = socket.getaddrinfo(host, None, 0, socket.SOCK_STREAM)
    except OSError:  # behind a proxy, names of the open internet may have no address
        return False
    return any(not is_public_address(address[0]) for *_, address in found)
