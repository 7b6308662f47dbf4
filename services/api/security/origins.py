"""Where a request comes from: this machine, our own page, or somewhere else."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from starlette.types import Scope as Connection

_LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
# Whoever sends these passes on what others ask: a proxy on this machine is not its own client.
_PASSED_ON: Final = frozenset(
    {b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"}
)
_V6_NETWORK_BITS: Final = 64  # what one customer has at least: addresses within cost nothing


@lru_cache(4096)
def is_loopback(host: str) -> bool:
    """Return whether an address or name is this machine's own.

    >>> [is_loopback(host) for host in ("localhost", "127.0.0.5", "::1", "0.0.0.0")]
    [True, True, True, False]
    """
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


@lru_cache(4096)
def network(host: str) -> str:
    """Return what rates are kept by: an IPv4 address, or the network of an IPv6 one.

    >>> network("192.0.2.7"), network("2001:db8:1:2::9")
    ('192.0.2.7', '2001:db8:1:2::/64')
    """
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), _V6_NETWORK_BITS), strict=False))


def peer(connection: Connection) -> str:
    """Return the address of whoever is connected."""
    client = connection.get("client")
    return client[0] if client else "unknown"


def headers_of(connection: Connection) -> dict[bytes, bytes]:
    """Return the headers by name in small letters; one sent twice is joined, and so matches none.

    Only what servers and guards look at is of interest here.
    """
    found: dict[bytes, bytes] = {}
    for name, value in connection["headers"]:
        found[name] = value if name not in found else found[name] + b"," + value
    return found


def names_this_machine(headers: dict[bytes, bytes]) -> bool:
    """Return whether the Host header is a name of this machine.

    A page of somebody else's can have its own name resolved to 127.0.0.1; the browser then sends
    that name (DNS rebinding).
    """
    host = headers.get(b"host", b"").decode("latin-1").lower()
    name, _, port = host.partition("]:") if host.startswith("[") else host.partition(":")
    if host.startswith("[") and not name.endswith("]"):
        name += "]"
    return name in _LOCAL_NAMES and (not port or port.isdecimal())


def is_passed_on(headers: dict[bytes, bytes]) -> bool:
    """Return whether a proxy says that it passes on somebody else's request."""
    return not _PASSED_ON.isdisjoint(headers)


def is_foreign(
    connection: Connection, headers: dict[bytes, bytes], friends: frozenset[str]
) -> bool:
    """Return whether a page of another origin sent this, other than those of `friends`.

    Parameters:
        connection: of the request, for its scheme.
        headers: of the request.
        friends: origins that are let in, as https://dashboard.example.
    """
    origin = headers.get(b"origin")
    if origin is None:
        return False
    text = origin.decode("latin-1").lower()
    if text in friends:
        return False
    host = headers.get(b"host", b"").decode("latin-1").lower()
    return text != f"{connection.get('scheme', 'http')}://{host}"


def is_across_sites(headers: dict[bytes, bytes]) -> bool:
    """Return whether a browser says that another site's page asks, without a person following it.

    Images and scripts of a foreign page send no Origin, and could hold our streams open.
    """
    return (
        headers.get(b"sec-fetch-site") == b"cross-site"
        and headers.get(b"sec-fetch-mode") != b"navigate"
    )
