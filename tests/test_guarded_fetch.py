"""Servers, names and addresses that mean harm, and the guard against them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from download_server import HASTY, arguments, chunks, loaded, record
from hostile_internet import UNSHARE, why_no_internet
from process_tree import process_tree

from retrieval.download.fetch_rounds import reason_of
from retrieval.download.guarded_opener import ascii_url
from retrieval.private_hosts import is_public_address, names_private_host, resolves_to_private

ROOT = Path(__file__).parent.parent
pytest_plugins = "download_server"


def run_measured(command, env=None) -> tuple[subprocess.CompletedProcess, float, int]:
    """Run a command: its result, seconds, and the peak of its processes' resident bytes, added up."""
    began, peak = time.monotonic(), 0
    with tempfile.TemporaryFile("w+") as said:
        running = subprocess.Popen(list(map(str, command)), stderr=said, env=os.environ | (env or {}))
        while running.poll() is None:
            peak = max(peak, sum(process_tree(running.pid).values()))
            time.sleep(0.1)
        said.seek(0)
        done = subprocess.CompletedProcess(command, running.returncode, stderr=said.read())
    return done, time.monotonic() - began, peak


def test_hostile_servers_end_in_their_bucket_in_bounded_time_and_memory(server, tmp_path):
    server.elsewhere = {"file": "file:///etc/passwd", "ftp": "ftp://127.0.0.1/x", "data": "data:image/png;base64,AA=="}
    wanted = {
        "gone/1": "HTTP 404", "status/403": "HTTP 403", "status/429": "HTTP 429", "status/500": "HTTP 500",
        "status/204": "not an image", "status/304": "HTTP 304", "status/401": "HTTP 401", "status/999": "HTTP 999",
        "endless/1": "too many bytes", "chunks/1": "too many bytes", "drip/1": "timeout", "dripheaders/1": "timeout",
        "silent/1": "timeout", "continue/1": "timeout", "garbage/1": "not valid HTTP", "hugeheader/1": "not valid HTTP",
        "manyheaders/1": "not valid HTTP", "short/1": "cut short", "less/1": "cut short", "cut/1": "cut short",
        "empty/1": "not an image", "html/1": "not an image", "gzip/1": "too many bytes",
        "bomb/50000": "too many pixels",
        "loop/1": "redirect loop", "to/file": "redirect refused", "to/ftp": "redirect refused",
        "to/data": "redirect refused", "noai/1": "X-Robots-Tag", "scans/1": "too many scans",
    }  # fmt: skip
    wanted |= {f"cutbomb/13000/{number}": "cut short" for number in range(8)}  # 680 MB each where it is decoded
    urls = {f"{server.at}/{path}": reason for path, reason in wanted.items()}
    at = server.at.removeprefix("http://")
    urls |= {
        f"https://{at}/tls": "TLS", "http://127.0.0.1:1/closed": "connection", f"http://{at}x/port": "bad URL",
        "http://127.0.0.1:99999/port": "bad URL", "http://[::1/bracket": "bad URL",
        f"http://{at}/line\nfeed": "bad URL",
        f"http://name:secret@{at}/jpeg/credentials": None, f"{server.at}/jpeg/fine": None,
        f"{server.at}/endlessredirect/1": None, f"{server.at}/otheragent/1": None,
    }  # fmt: skip
    chunks(tmp_path / "chunks", [record(url, f"{number}") for number, url in enumerate(urls)])
    command = [sys.executable, ROOT / "download_urls_img2dataset.py", *arguments(tmp_path)]
    done, seconds, peak = run_measured([*command, *HASTY, "--max-megabytes", 5])
    assert done.returncode == 0, done.stderr
    report, metadata, _ = loaded(tmp_path)
    assert {entry["url"] for entry in metadata.values()} == {url for url, reason in urls.items() if reason is None}
    assert report["dropped"] == Counter(reason for reason in urls.values() if reason)
    assert seconds < 300  # one answer of each kind has no end
    assert peak < 2 << 30  # 0.7 GB as it is; 5.6 GB when the cut bombs were decoded


def test_a_worker_that_is_killed_ends_the_run_and_the_next_one_fetches_the_rest(server, tmp_path, download):
    chunks(tmp_path / "chunks", [record(f"{server.at}/jpeg/{number}") for number in range(40)])
    server.latency = 2
    command = [sys.executable, ROOT / "download_urls_img2dataset.py", *arguments(tmp_path)]
    with open(tmp_path / "said", "w+") as said:
        running = subprocess.Popen(list(map(str, command)), stderr=said)
        while len(server.asked) < 20 and running.poll() is None:  # the first 16 have come back
            time.sleep(0.05)
        os.kill(max(process_tree(running.pid), key=threads_of), signal.SIGKILL)
        assert running.wait(timeout=120) == 1
        said.seek(0)
        text = said.read()
    assert "a process was killed by SIGKILL" in text and "the same command asks for them again" in text
    assert "Traceback" not in text
    server.latency = 0
    download()
    assert loaded(tmp_path)[0]["kept"] == 40
    assert max(Counter(server.asked).values()) <= 2


def threads_of(process: int) -> int:
    return len(list(Path(f"/proc/{process}/task").iterdir()))


# URLs in the internet of tests/hostile_internet.py. Each of these leads to a private address.
PRIVATE_URLS = [
    "http://10.0.0.5/a", "http://169.254.169.254/latest/meta-data/", "http://100.64.0.1/a", "http://192.168.0.5/a",
    "http://172.16.0.5/a", "http://127.0.0.1/a", "http://localhost/a", "http://LOCALHOST./a", "http://127.1/a",
    "http://2130706433/a", "http://0x7f000001/a", "http://0x7f.1/a", "http://017700000001/a", "http://0177.0.0.1/a",
    "http://0/a", "http://0.0.0.0/a", "http://①②⑦.⓪.⓪.①/a", "http://127。0。0。1/a", "http://１０.0.0.5/a",
    "http://[::1]/a", "http://[::]/a", "http://[::ffff:127.0.0.1]/a", "http://[::ffff:a00:5]/a",
    "http://[fe80::5]/a", "http://[fe80::5%25lo]/a", "http://[fd00::5]/a", "http://[64:ff9b::a00:5]/a",
    "http://[2002:a00:5::]/a", "http://[0:0:0:0:0:0:0:1]/a", "https://10.0.0.5/a", "https://localhost/a",
    "http://user:word@10.0.0.5/a", "http://public.test@10.0.0.5/a", "http://public.test:80@10.0.0.5/a",
    "http://10.0.0.5:443/a", "http://10.0.0.5:80#@public.test/", "http://10.0.0.5\\@public.test@10.0.0.5/a",
    "http://private.test/a", "http://PRIVATE.test./a", "https://private.test/a", "http://metadata.test/a",
    "http://loopback.test/a", "http://mapped.test/a", "http://local.test/a", "http://zero.test/a",
    *(f"http://public.test/to/{name}" for name in ("private", "metadata", "name", "loopback", "decimal", "six")),
    "http://public.test/to/twice",
]  # fmt: skip
OTHER_FAILURES = {
    "http://public.test/to/file": "redirect refused", "http://public.test/to/ftp": "redirect refused",
    "http://public.test/to/data": "redirect refused", "http://nobody.test/a": "DNS", "http://broken.test/a": "DNS",
    "http://silent.test/a": "DNS", "https://public.test:80/a": "TLS", "http://public.test:81/a": "connection",
}  # fmt: skip
PUBLIC_URLS = [
    "http://public.test/jpeg/a", "http://192.31.196.7/jpeg/b", "http://[2620:4f:8000::7]/jpeg/c",
    "http://both.test/jpeg/d", "http://public.test/to/fine", "http://10.0.0.5@public.test/jpeg/e",
]  # fmt: skip


@pytest.mark.skipif(why_no_internet() is not None, reason=str(why_no_internet()))
def test_no_name_no_redirect_and_no_spelling_leads_to_a_private_address(tmp_path):
    others = dict(OTHER_FAILURES)
    if shutil.which("openssl"):
        others["https://public.test/jpeg/self-signed"] = "TLS"
    rebinding = [f"http://rebind.test/jpeg/{number}" for number in range(12)]
    urls = [*PRIVATE_URLS, *others, *PUBLIC_URLS, *rebinding]
    chunks(tmp_path / "chunks", [record(url, str(number)) for number, url in enumerate(urls)])
    command = [sys.executable, ROOT / "download_urls_img2dataset.py", *arguments(tmp_path, *HASTY, private=False)]
    internet = [*UNSHARE, sys.executable, ROOT / "tests" / "hostile_internet.py", tmp_path / "said.json"]
    done, seconds, _ = run_measured([*internet, *command], {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    said = json.loads((tmp_path / "said.json").read_text())
    assert said["private"] == []
    assert not [path for path in said["asked"] if path.startswith(("/redirected", "/latest", "/a"))]
    report, metadata, _ = loaded(tmp_path)
    found = {entry["url"] for entry in metadata.values()}
    results = {url: reason for url, reason in read_reasons(tmp_path / "work").items() if url not in found}
    assert found - set(rebinding) == set(PUBLIC_URLS)
    assert {url: results[url] for url in others} == others
    assert set(results.values()) - set(others.values()) == {"private address"}
    assert 0 < len(found & set(rebinding)) < len(rebinding)  # whichever address a look-up gave, that one was judged
    assert report["dropped"]["private address"] == len(PRIVATE_URLS) + len(set(rebinding) - found)
    assert seconds < 300  # one answer of each kind has no end


def test_a_proxy_is_not_asked_for_what_is_private(server, tmp_path, download):
    if not resolves_to_private(socket.gethostname()):
        pytest.skip("this machine's own name has no private address, and the test needs a name that has")
    rows = [record(f"http://{host}/a") for host in (socket.gethostname(), "10.0.0.5", "nowhere.invalid")]
    chunks(tmp_path / "chunks", rows)
    download(private=False, env={"http_proxy": server.at, "no_proxy": ""}, code=1)
    assert server.asked == ["http://nowhere.invalid/a"]
    assert loaded(tmp_path)[0]["dropped"] == {"private address": 2, "HTTP 404": 1}


def read_reasons(work: Path) -> dict[str, str | None]:
    """URL -> reason (None: an image), of the URLs that the plan did not drop."""
    tables = [pq.read_table(file, columns=["url", "reason"]) for file in work.glob("images-*/round-*.parquet")]
    return {row["url"]: row["reason"] for table in tables for row in table.to_pylist()}


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
