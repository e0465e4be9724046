from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from rag.candidates import Candidate
from rag.loaders.address import INTERNET, FetchLimits, Network, fetch_candidate, is_public
from rag.loaders.pool import read_candidates
from rag.schema import Document

HOSTILE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.0.8", "198.18.0.1", "203.0.113.5", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1",
    "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1", "2001::1", "localhost", "",
]  # fmt: skip


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path
        if path.startswith("/go?"):
            self.send_response(302)
            self.send_header("Location", path.partition("?")[2])
            self.end_headers()
            return
        body = b"<html><title>Fees</title><nav>Menu</nav><p>The fee is 30 euro.</p></html>"
        kind = {"/t": "text/plain", "/x": "application/x-thing"}.get(path, "text/html; charset=utf-8")
        self.send_response(404 if path == "/none" else 200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body * (5_000 if path == "/long" else 1))

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def network(asked: list[str], names: dict[str, list[str]]) -> Network:
    """Names of the test lead to public addresses, behind which the local server answers."""

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return names.get(host, ["93.184.216.34"])

    return Network(
        resolve=resolve,
        allow=is_public,
        connect=lambda address, port, seconds: INTERNET.connect("127.0.0.1", port, seconds),
    )


def fetch(
    url: str, port: int, asked: list[str] | None = None, names: dict[str, list[str]] | None = None
) -> Candidate:
    limits = FetchLimits(ports=(port,), size_bytes=100_000)
    return fetch_candidate(
        url, limits=limits, network=network(asked if asked is not None else [], names or {})
    )


@pytest.mark.parametrize("address", HOSTILE)
def test_addresses_inside_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_addresses_outside_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "no web address"),
        ("ftp://example.com/a", "no web address"),
        ("http://user:secret@example.com/", "user name or a password"),
        ("http://example.com:22/", "port 22"),
        ("http://127.0.0.1/", "not in the public internet"),
        ("http://[::ffff:127.0.0.1]/", "not in the public internet"),
        ("http://2130706433/", "not in the public internet"),
        ("http://0x7f.1/", "not in the public internet"),
        ("http://localhost/", "not in the public internet"),
        ("http://example.com/a\r\nHost: other", "control character"),
    ],
)
def test_hostile_addresses_are_refused_with_the_reason(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        fetch_candidate(url)
    assert "secret" not in str(caught.value)


def test_a_page_is_fetched_and_read_in_a_worker(port: int) -> None:
    candidate = fetch(f"http://docs.test:{port}/fees#top", port)
    assert candidate.source == f"http://docs.test:{port}/fees" and candidate.stamp() == (0, 0)
    [(_, document)] = read_candidates([candidate], workers=1)
    assert isinstance(document, Document) and document.text == "The fee is 30 euro."
    assert candidate.sha256() == fetch(f"http://docs.test:{port}/fees", port).sha256()


def test_a_redirect_is_followed_and_checked_like_the_first_address(port: int) -> None:
    asked: list[str] = []
    candidate = fetch(f"http://a.test:{port}/go?http://b.test:{port}/t", port, asked)
    assert candidate.source == f"http://b.test:{port}/t" and asked == ["a.test", "b.test"]
    inside = {"inside.test": ["10.0.0.5"], "both.test": ["93.184.216.34", "127.0.0.1"]}
    for host in inside:
        with pytest.raises(ValueError, match="not in the public internet"):
            fetch(f"http://a.test:{port}/go?http://{host}:{port}/", port, None, inside)
    with pytest.raises(ValueError, match="no web address"):
        fetch(f"http://a.test:{port}/go?file:///etc/passwd", port)


def test_a_name_is_resolved_once_so_that_its_second_answer_does_not_count(port: int) -> None:
    asked: list[str] = []
    fetch(f"http://a.test:{port}/", port, asked)
    assert asked == ["a.test"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/none", "answered 404"),
        ("/long", "holds more than 0 MB"),
        ("/x", "format that is not read"),
        ("/go?/go?/go?/go?/go?/go?/go?/", "redirects more than 5 times"),
    ],
)
def test_what_is_no_document_is_named(port: int, path: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        fetch(f"http://a.test:{port}{path}", port)
