"""Which addresses may be called: public ones, and private networks only where the operator listed them."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address

# Never, whatever the operator lists: nobody's target lives here, and metadata services hand out credentials.
ALWAYS_DENIED = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "169.254.0.0/16",
        "100.100.100.200/32",
        "192.0.0.192/32",
        "224.0.0.0/4",
        "255.255.255.255/32",
        "::/128",
        "fe80::/10",
        "fd00:ec2::254/128",
        "ff00::/8",
    )
)
NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
# Databases, brokers, shells and orchestrators: an HTTP call to them is an attack or a slip.
DENIED_PORTS = frozenset((
    1433, 1521, 2049, 2375, 2376, 2379, 2380, 3306, 3389, 4369, 5432, 5433, 5671, 5672, 5900, 5984, 6000, 6379, 6380,
    6432, 6443, 8086, 8500, 9042, 9092, 9200, 9300, 10250, 10255, 11211, 15672, 25672, 27017, 27018,
))  # fmt: skip
LOW_PORTS = frozenset((80, 443))


class Forbidden(Exception):
    """The address, or the way it is written, may not be called; the message says why."""


def networks(texts: Sequence[str]) -> tuple[str, ...]:
    """The operator's list in canonical form. Raises ValueError on anything that is no network."""
    return tuple(str(ip_network(text, strict=False)) for text in texts)


def may_call(address: str, allowed: Sequence[str]) -> bool:
    """Whether a resolved address may be called; every IPv4 address hidden in an IPv6 one is judged as well."""
    ip = ip_address(address.partition("%")[0])
    return all(_may_call_one(one, allowed) for one in _meant(ip))


def _may_call_one(ip: Address, allowed: Sequence[str]) -> bool:
    if any(ip in network for network in ALWAYS_DENIED if network.version == ip.version):
        return False
    listed = (ip_network(text) for text in allowed)
    if any(ip in network for network in listed if network.version == ip.version):
        return True
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _meant(ip: Address) -> list[Address]:
    """The address itself, or the IPv4 addresses a packet to it would really reach."""
    if isinstance(ip, IPv4Address):
        return [ip]
    if ip.ipv4_mapped:
        return [ip.ipv4_mapped]
    if ip.sixtofour:
        return [ip, ip.sixtofour]
    if ip.teredo:
        return [ip, *ip.teredo]
    if any(ip in network for network in NAT64):
        return [IPv4Address(int(ip) & 0xFFFFFFFF)]
    if int(ip) >> 32 == 0 and int(ip) > 1:  # ::a.b.c.d, long deprecated and still understood
        return [ip, IPv4Address(int(ip))]
    return [ip]


def check_url(url: str) -> SplitResult:
    """The parts of a URL that may be configured. Raises Forbidden; looks at the text only, resolves nothing."""
    if any(character <= " " or character > "~" or character in '\\"<>^`{|}' for character in url):
        raise Forbidden("The address contains blanks or characters that must be written in their encoded form.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Forbidden("The address cannot be read.") from error
    if parts.scheme not in {"http", "https"}:
        raise Forbidden("The address must begin with https:// or http://.")
    if "@" in parts.netloc:
        raise Forbidden("User and password belong into the sign-in fields, not into the address.")
    if not parts.hostname:
        raise Forbidden("The address names no host.")
    if parts.fragment:
        raise Forbidden("The address has a part after #, which no target ever sees.")
    if port is not None and not _may_use_port(port):
        raise Forbidden(f"Port {port} belongs to another kind of service.")
    return parts


def _may_use_port(port: int) -> bool:
    return port in LOW_PORTS or (port >= 1024 and port not in DENIED_PORTS)
