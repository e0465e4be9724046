"""Fetches one web address for the index, and nothing inside: a name is resolved once, checked, and that address used.

Every redirect goes the same way. No credentials, no other ports than those of the web, limits on size and time.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from rag.candidates import Candidate, Fetched
from rag.loaders import LOADERS

_PORTS = {"http": 80, "https": 443}
_MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_PART_BYTES = 1 << 16
_SUFFIXES = {
    "application/epub+zip": ".epub",
    "application/json": ".json",
    "application/msword": ".doc",
    "application/pdf": ".pdf",
    "application/rtf": ".rtf",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/xhtml+xml": ".html",
    "application/xml": ".xml",
    "message/rfc822": ".eml",
    "text/csv": ".csv",
    "text/html": ".html",
    "text/markdown": ".md",
    "text/plain": ".txt",
    "text/tab-separated-values": ".tsv",
    "text/xml": ".xml",
}
# What is_global lets through in some releases: IPv4 inside IPv6 by translation or tunnel, and addresses of protocols.
_NOT_EVERYWHERE = tuple(
    map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/23", "192.0.0.0/24"))
)

Resolve = Callable[[str, int], Sequence[str]]
Allow = Callable[[str], bool]
Connect = Callable[[str, int, float], socket.socket]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """What one fetch may take, redirects included."""

    size_bytes: int = 50_000_000
    seconds: float = 30.0
    ports: tuple[int, ...] = (80, 443)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """How names are resolved, which addresses may be reached, and how: tests bring their own."""

    resolve: Resolve
    allow: Allow
    connect: Connect


def fetch_candidate(
    url: str, *, limits: FetchLimits | None = None, network: Network | None = None
) -> Candidate:
    """The page or file at `url`; its source is the address where it was found after redirects.

    ValueError for an address that is refused, an answer other than 200, or a format that is not read;
    TimeoutError and other OSErrors, which name the address, when the network fails.
    """
    bounds, net = limits or FetchLimits(), network or INTERNET
    deadline = time.monotonic() + bounds.seconds
    here = url
    for _ in range(_MOST_REDIRECTS + 1):
        parts, port = _checked(here, bounds)
        try:
            answer = _ask(parts, port, bounds, net, deadline)
        except (OSError, http.client.HTTPException) as error:
            raise OSError(f"{here} could not be fetched: {str(error) or type(error).__name__}.") from error
        if isinstance(answer, Fetched):
            if answer.suffix not in LOADERS:
                raise ValueError(f"{here} is of a format that is not read ({answer.suffix or 'unknown'}).")
            return Candidate(source=here.partition("#")[0], fetched=answer)
        here = urljoin(here, answer)
    raise ValueError(f"{url} redirects more than {_MOST_REDIRECTS} times.")


def is_public(address: str) -> bool:
    """Whether an IP address lies in the public internet: not private, loopback, link-local, multicast or reserved."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if any(found in network for network in _NOT_EVERYWHERE if network.version == found.version):
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return is_public(str(found.ipv4_mapped))
    unwanted = found.is_multicast or found.is_reserved or found.is_loopback or found.is_link_local
    return found.is_global and not unwanted and not found.is_private and not found.is_unspecified


def _checked(url: str, bounds: FetchLimits) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise ValueError(f"{url!r} is no web address ({error}).") from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"{url!r} is no web address; it must begin with http:// or https:// and a name.")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"The address at {parts.hostname} holds a user name or a password; leave them out.")
    if any(letter <= " " or letter == "\x7f" for letter in url):
        raise ValueError(f"{url!r} holds a space or a control character; write it as %20 or the like.")
    if port not in bounds.ports:
        allowed = " and ".join(map(str, bounds.ports))
        raise ValueError(f"{url} is at port {port}; only ports {allowed} are asked.")
    return parts, port


def _ask(parts: SplitResult, port: int, bounds: FetchLimits, net: Network, deadline: float) -> Fetched | str:
    """What the address gives, or where it redirects to."""
    host = parts.hostname or ""
    connection = http.client.HTTPConnection(host, port)
    connection.sock = _connected(host, port, parts.scheme, net, deadline)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        shown = f"[{host}]" if ":" in host else host
        headers = {
            "Host": shown if port == _PORTS[parts.scheme] else f"{shown}:{port}",
            "Accept-Encoding": "identity",  # what is limited is what arrives
            "User-Agent": "llm-adaptation-advisor",
            "Connection": "close",
        }
        connection.request("GET", target, headers=headers)
        answer = connection.getresponse()
        if answer.status in _REDIRECTS and (place := answer.getheader("Location")):
            return place
        if answer.status != 200:
            raise ValueError(f"{parts.geturl()} answered {answer.status} {answer.reason}.")
        if answer.getheader("Content-Encoding", "identity").lower() != "identity":
            raise ValueError(f"{parts.geturl()} sent packed content although it was asked not to.")
        data = _body(connection.sock, answer, parts.geturl(), bounds, deadline)
        return Fetched(data=data, suffix=_suffix(answer.getheader("Content-Type", ""), parts.path))
    finally:
        connection.close()


def _connected(host: str, port: int, scheme: str, net: Network, deadline: float) -> socket.socket:
    """Connected to an address that was checked; the name is not resolved a second time, which could give another."""
    addresses = net.resolve(host, port)
    refused = [address for address in addresses if not net.allow(address)]
    if refused or not addresses:
        # One inner address among outer ones is what rebinding looks like.
        raise ValueError(
            f"{host} leads to {refused[0] if refused else 'no address'}, which is not in the public internet."
        )
    opened = net.connect(addresses[0], port, _left(deadline))
    if scheme == "http":
        return opened
    try:
        return ssl.create_default_context().wrap_socket(opened, server_hostname=host)
    except OSError:
        opened.close()
        raise


def _body(
    opened: socket.socket | None,
    answer: http.client.HTTPResponse,
    url: str,
    bounds: FetchLimits,
    deadline: float,
) -> bytes:
    data = bytearray()
    while True:
        if opened is not None:
            opened.settimeout(_left(deadline))
        part = answer.read1(_PART_BYTES)
        if not part:
            return bytes(data)
        data += part
        if len(data) > bounds.size_bytes:
            raise ValueError(f"{url} holds more than {bounds.size_bytes / 1e6:.0f} MB.")


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("it took too long")
    return left


def _suffix(content_type: str, path: str) -> str:
    """By what the server says; by the name where it says nothing of use."""
    kind = content_type.partition(";")[0].strip().lower()
    named = PurePosixPath(unquote(path)).suffix.lower()
    if kind in ("", "text/plain", "application/octet-stream", "application/zip", "binary/octet-stream"):
        return (
            named if named in LOADERS else {"text/plain": ".txt", "application/zip": ".zip"}.get(kind, named)
        )
    return _SUFFIXES.get(kind, named)


def _resolved(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _opened(address: str, port: int, seconds: float) -> socket.socket:
    return socket.create_connection((address, port), timeout=seconds)


INTERNET = Network(resolve=_resolved, allow=is_public, connect=_opened)
