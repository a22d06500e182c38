"""Where requests of hooks may go: a list of URL prefixes, and the addresses behind their names. Pure.

A name in the list is not enough: whoever answers for the name could point it at this machine, at a neighbour in the local
network, or at a cloud's metadata service. Such addresses are reached only where the list says the host without a wildcard.
"""

from __future__ import annotations

import fnmatch
import ipaddress
from dataclasses import dataclass
from typing import Final

from kraken_hooks.api.url import Url, parse
from kraken_hooks.errors import HookUsageError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Addresses that only an entry with the very address reaches: link-local (cloud metadata among them), unspecified, multicast, and
#: the metadata services of clouds elsewhere.
_LITERAL_ONLY: Final = tuple(
    ipaddress.ip_network(network)
    for network in """0.0.0.0/8 169.254.0.0/16 224.0.0.0/4 255.255.255.255/32 100.100.100.200/32 168.63.129.16/32 192.0.0.192/32
    ::/128 fe80::/10 ff00::/8 fd00:ec2::254/128 fd20:ce::254/128""".split()
)
#: Addresses that are not of the internet: this machine, local networks, carriers' networks, reserved and documentation ranges.
_INNER: Final = tuple(
    ipaddress.ip_network(network)
    for network in """10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16
    198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4 ::1/128 100::/64 2001:db8::/32 3fff::/20 5f00::/16 fc00::/7
    fec0::/10""".split()
)
#: IPv6 networks in whose addresses an IPv4 address is at the end: mapped, compatible, NAT64 (well-known and local).
_EMBEDDING: Final = tuple(
    ipaddress.ip_network(network) for network in ("::ffff:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48")
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One prefix. `host` may hold `*`, each within one label. `path` has no `/` at its end."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def exact(self) -> bool:
        return "*" not in self.host

    def names(self, url: Url) -> bool:
        """Whether the URL lies under this prefix."""
        return self.leads_to(url) and (url.path == self.path or url.path.startswith(f"{self.path}/"))

    def leads_to(self, url: Url) -> bool:
        """Whether the URL has this entry's scheme, host and port."""
        return (self.scheme, self.port) == (url.scheme, url.port) and self._fits(url.host)

    def _fits(self, host: str) -> bool:
        if self.exact:
            return self.host == host
        ours, given = self.host.split("."), host.split(".")
        return len(ours) == len(given) and all(map(fnmatch.fnmatchcase, given, ours))


class AllowList:
    """The operator's list."""

    def __init__(self, text: str) -> None:
        """Raises:
        ValueError: an entry is no prefix; names it.
        """
        self._entries = [_entry(part.strip()) for part in text.split(",") if part.strip()]
        if not self._entries:
            raise ValueError("must name at least one URL prefix, such as https://api.example.com/v1/")

    def names(self, url: Url) -> bool:
        return any(entry.names(url) for entry in self._entries)

    def reaches(self, url: Url, address: str) -> bool:
        """Whether a request to this URL may go to this address, to which its host was resolved."""
        seen = _all_of(ipaddress.ip_address(address.partition("%")[0]))
        exact = any(entry.exact and entry.leads_to(url) for entry in self._entries)
        literal = exact and url.host == str(ipaddress.ip_address(address.partition("%")[0]))
        if any(one in network for one in seen for network in _LITERAL_ONLY):
            return literal
        return exact or not any(one in network for one in seen for network in _INNER)


def _entry(text: str) -> Entry:
    scheme, mark, rest = text.partition("://")
    authority, slash, path = rest.partition("/")
    if any(sign in text for sign in "?#") or "*" in scheme + path:
        raise ValueError(f"{text:.80}: a prefix ends with its path, and * stands in the host alone")
    try:
        url = parse(f"{scheme}{mark}{authority.replace('*', 'w')}{slash}{path}")
    except HookUsageError as error:
        raise ValueError(f"{text:.80}: {error}") from None
    wild = authority.partition(":")[0].lower().removesuffix(".")
    return Entry(url.scheme, wild if "*" in authority else url.host, url.port, url.path.rstrip("/"))


def _all_of(address: Address) -> list[Address]:
    """The address, and the IPv4 addresses that it leads to by one of the ways from IPv6 to IPv4."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    inner: list[Address] = [address]
    if any(address in network for network in _EMBEDDING) and int(address) > 1:
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    if address.sixtofour is not None:
        inner.append(address.sixtofour)
    if address.teredo is not None:
        inner += address.teredo
    return inner
