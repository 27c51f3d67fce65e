"""Which network a request comes from, as a key for rate limits. It is never logged."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network
_UNKNOWN = "unknown"


class ClientAddress:
    """Reads one header, and only from proxies that are trusted to set it; else the peer's address counts."""

    def __init__(self, *, header: str | None = None, trusted: Sequence[_Network] = ()) -> None:
        self._header = header.lower().encode() if header else None
        self._trusted = tuple(trusted)

    def key(self, connected: str | None, headers: Mapping[bytes, bytes]) -> str:
        """An IPv4 address, or the /64 of an IPv6 address: one home or one server, not one of its 2^64 addresses.

        Args:
            connected: The address at the other end of the connection, if it is known.
            headers: By lower-case name.
        """
        if self._header is not None and connected and (peer := _parse(connected)) and self._is_trusted(peer):
            value = headers.get(self._header)
            if value is not None:
                stranger = self._nearest_stranger(value[-1024:].decode("latin-1"))
                connected = str(stranger or peer)
        return network_key(connected) if connected else _UNKNOWN

    def problems(self) -> list[str]:
        """What a person should look at."""
        if any(network.prefixlen == 0 for network in self._trusted):
            return ["RELAY_TRUSTED_PROXIES trusts every address, so any visitor can make up his own; name your proxies"]
        return []

    def is_proxy(self, connected: str) -> bool:
        """Whether this address is trusted to speak for others."""
        peer = _parse(connected)
        return peer is not None and self._is_trusted(peer)

    def _nearest_stranger(self, value: str) -> _Address | None:
        """The right-most address that is no proxy of ours: everything left of it is the client's own claim."""
        for part in reversed(value.split(",")):
            address = _parse(_forwarded_for(part) if self._header == b"forwarded" else part.strip())
            if address is None or not self._is_trusted(address):
                return address
        return None

    def _is_trusted(self, address: _Address) -> bool:
        return any(address.version == network.version and address in network for network in self._trusted)


def _forwarded_for(element: str) -> str:
    """The `for` of one element of `Forwarded` (RFC 7239), such as `for="[2001:db8::1]:4711";proto=https`."""
    for pair in element.split(";"):
        name, _, value = pair.partition("=")
        if name.strip().lower() == "for":
            return value.strip().strip('"')
    return ""


@lru_cache(maxsize=4096)
def _parse(text: str) -> _Address | None:
    """An address, also in the spellings `ip:port` and `[ip]:port` of load balancers."""
    for candidate in (text, text.rpartition(":")[0], text.strip("[]"), text.rpartition(":")[0].strip("[]")):
        try:
            address = ip_address(candidate)
        except ValueError:
            continue
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        return mapped or address
    return None


@lru_cache(maxsize=4096)
def network_key(text: str) -> str:
    """The network of an address: itself, or the /64 of an IPv6 address."""
    address = _parse(text)
    if address is None:
        return _UNKNOWN
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address) >> 64 << 64, 64)))
    return str(address)


@lru_cache(maxsize=4096)
def is_public(network: str) -> bool:
    """Whether it is one that visitors have on the internet, not one behind a proxy or of this machine."""
    try:
        return ip_network(network).is_global
    except ValueError:
        return False
