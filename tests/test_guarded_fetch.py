"""Servers, names and addresses that mean harm, and the guard against them."""

import socket
import time
from collections import Counter

import pytest
from download_server import chunks, loaded, record

from retrieval.fetch_rounds import reason_of
from retrieval.guarded_fetch import ascii_url, is_public_address, names_private_host

pytest_plugins = "download_server"


def test_hostile_servers_end_in_their_bucket_in_bounded_time_and_memory(server, tmp_path, download):
    server.bomb = png_bomb(50_000)
    server.elsewhere = {"file": "file:///etc/passwd", "ftp": "ftp://127.0.0.1/x"}
    wanted = {
        "endless/1": "too many bytes", "drip/1": "timeout", "dripheaders/1": "timeout", "silent/1": "timeout",
        "bomb/1": "too many pixels", "loop/1": "redirect loop", "to/file": "redirect refused",
        "to/ftp": "redirect refused", "short/1": "cut short", "cut/1": "cut short", "html/1": "not an image",
        "noai/1": "X-Robots-Tag", "status/429": "HTTP 429", "status/500": "HTTP 500",
    }  # fmt: skip
    rows = [record(f"{server.at}/{path}", path) for path in wanted]
    rows += [record(f"https://127.0.0.1:{server.server_port}/tls", "tls"), record("http://127.0.0.1:1/", "closed")]
    rows += [record(f"{server.at}/endlessredirect/1", "redirected"), record(f"{server.at}/jpeg/1", "fine")]
    chunks(tmp_path / "chunks", rows)
    began = time.monotonic()
    download("--deadline", 5, "--max-megabytes", 5)
    assert time.monotonic() - began < 40
    report, metadata, _ = loaded(tmp_path)
    assert sorted(entry["QUERY"] for entry in metadata.values()) == ["fine", "redirected"]
    assert report["dropped"] == Counter(wanted.values()) + Counter({"TLS": 1, "connection": 1})


def png_bomb(side: int) -> bytes:
    """A PNG of side × side black pixels: 7.5 GB decoded, some 100 KB on the wire if it were whole."""
    import struct
    import zlib

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1 << 24), 9) * 3
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", body) + part(b"IEND", b"")


def test_private_addresses_are_never_asked_not_by_name_nor_after_a_redirect(server, tmp_path, download):
    port = server.server_port
    hosts = ["127.0.0.1", "localhost", "0x7f000001", "127.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]"]
    rows = [record(f"http://{host}:{port}/jpeg/{number}") for number, host in enumerate(hosts)]
    rows += [
        record("http://169.254.169.254/latest/meta-data"),
        record("http://10.0.0.1/a"),
        record("http://[fe80::1]/a"),
    ]
    rows += [record(f"http://user@127.0.0.1:{port}/jpeg/user")]
    rows += [record(f"http://{socket.gethostname()}:{port}/jpeg/name")]  # only its look-up says that it is private
    chunks(tmp_path / "chunks", rows)
    download(private=False)
    report, _, _ = loaded(tmp_path)
    assert server.asked == []
    assert report["kept"] == 0
    assert report["dropped"]["private address"] >= len(rows) - 1
    assert set(report["dropped"]) <= {"private address", "DNS"}


@pytest.mark.parametrize(
    ("address", "public"),
    [("8.8.8.8", True), ("127.0.0.1", False), ("169.254.169.254", False), ("100.64.0.1", False), ("224.0.0.1", False),
     ("0.0.0.0", False), ("::1", False), ("fe80::1%eth0", False), ("::ffff:10.0.0.1", False), ("fd00::1", False),
     ("64:ff9b::7f00:1", False), ("64:ff9b::808:808", True), ("2002:7f00:1::", False), ("2606:4700::1111", True)],
)  # fmt: skip
def test_addresses_of_the_open_internet_are_told_from_the_rest(address, public):
    assert is_public_address(address) is public


def test_hosts_that_name_a_private_address_are_known_without_a_look_up():
    private = ["localhost", "LOCALHOST.", "a.localhost", "127.1", "0x7f.1", "017700000001", "10.0.0.1", "[::1]"]
    assert all(map(names_private_host, private))
    assert not any(map(names_private_host, ["example.com", "8.8.8.8", "1.example.com", "deadbeef", "", "käse.de"]))


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("http://a.com/x%20y?q=1&r=%C3%A9#f", "http://a.com/x%20y?q=1&r=%C3%A9#f"),
        ("http://a.com/x y.jpg", "http://a.com/x%20y.jpg"),
        ("http://käse.de/é.jpg?ü=1", "http://xn--kse-qla.de/%C3%A9.jpg?%C3%BC=1"),
    ],
)
def test_urls_are_sent_as_a_browser_sends_them(url, sent):
    assert ascii_url(url) == sent


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        ("success", None, None),
        ("failed_to_download", "HTTP Error 404: Not Found", "HTTP 404"),
        ("failed_to_download", "<urlopen error [Errno -2] Name or service not known>", "DNS"),
        ("failed_to_download", "<urlopen error [Errno 111] Connection refused>", "connection"),
        ("failed_to_download", "<urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed>", "TLS"),
        ("failed_to_download", "The read operation timed out", "timeout"),
        ("failed_to_resize", "Image decoding error", "not an image"),
        ("failed_to_download", "something new", "other failure"),
    ],
)
def test_failures_are_named_by_their_reason(status, error, reason):
    assert reason_of(status, error) == reason
