"""Fetches a file from an address a caller named, and from nowhere inside: the one place that reaches out, off unless allowed.

The name is resolved once, every address it has must be public, and the connection goes to the address that was checked, so
that neither redirects, nor DNS that answers twice, nor ways to write 127.0.0.1 lead to the shop's own network (SSRF).
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from urllib.parse import SplitResult, urljoin, urlsplit

from aisle.errors import BadInput, TooLarge

MOST_REDIRECTS = 3
SECONDS = 10.0  # for the whole of it
BLOCK = 64 * 1024
PORTS = {"http": 80, "https": 443}
TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"), ipaddress.ip_network("2002::/16"))
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def fetch(url: str, most: int) -> bytes:
    """The file at a public http(s) address, at most `most` bytes. Raises BadInput, TooLarge."""
    until = time.monotonic() + SECONDS
    for _ in range(MOST_REDIRECTS + 1):
        parts = checked(url)
        status, content, location = _get(parts, resolve(parts.hostname or "", PORTS[parts.scheme]), most, until)
        if status in (301, 302, 303, 307, 308) and location:
            url = urljoin(url, location)
            continue
        if status != 200:
            raise BadInput(f"{parts.hostname} answered {status}, not the file: send the file itself as base64", param="/url")
        return content
    raise BadInput(f"the address leads on more than {MOST_REDIRECTS} times: give the last one", param="/url")


def checked(url: str) -> SplitResult:
    """The address in parts. Raises BadInput for whatever is no plain public web address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadInput("the address cannot be read", param="/url") from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise BadInput("the address must begin with http:// or https:// and name a host", param="/url")
    if parts.username is not None or parts.password is not None:
        raise BadInput("the address must not carry a user or password", param="/url")
    if port not in (None, PORTS[parts.scheme]):
        raise BadInput("the address must not name a port", param="/url")
    return parts


def resolve(host: str, port: int) -> Address:
    """The address of a host, when all it has are public. Raises BadInput."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise BadInput(f"the host {host!r} is not known", param="/url") from None
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not addresses or not all(is_public(address) for address in addresses):
        raise BadInput("the address is not a public one: files of your own network are sent as base64", param="/url")
    return addresses[0]


def is_public(address: Address) -> bool:
    """Whether it is neither private, local, reserved, multicast, nor a translation of an IPv4 address."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if any(address in network for network in TRANSLATED):
            return False
    return address.is_global and not address.is_multicast


def _get(parts: SplitResult, address: Address, most: int, until: float) -> tuple[int, bytes, str | None]:
    """Status, body and Location of one GET to the address that was checked."""
    host = parts.hostname or ""
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPConnection(host, timeout=_left(until))
    try:
        plain = socket.create_connection((str(address), PORTS[parts.scheme]), timeout=_left(until))
        secure = parts.scheme == "https"
        connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host) if secure else plain
        connection.request("GET", path, headers={"Host": host, "Accept": "*/*", "User-Agent": "aisle", "Connection": "close"})
        answer = connection.getresponse()
        return answer.status, _body(answer, connection.sock, most, until), answer.getheader("location")
    except (OSError, http.client.HTTPException) as error:
        raise BadInput(
            f"{host} could not be read ({type(error).__name__}): send the file itself as base64", param="/url"
        ) from None
    finally:
        connection.close()


def _body(answer: http.client.HTTPResponse, sock: socket.socket | None, most: int, until: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        if sock is not None:
            sock.settimeout(_left(until))
        part = answer.read1(BLOCK)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
        if size > most:
            raise TooLarge(f"the file is larger than {most:,} bytes", param="/url")


def _left(until: float) -> float:
    """Seconds that are left. Raises TimeoutError (an OSError) when none are."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
