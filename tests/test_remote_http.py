"""Ranges over http against servers that cut, stall, lie, refuse and redirect: the right bytes, or one sentence."""

import contextlib
import os
import random
import threading
import time

import pytest
from range_server import serving

from retrieval import private_hosts, remote_http
from retrieval.http_answers import GiveUp, Patience, limit_resets
from retrieval.remote_address import ShardChanged
from retrieval.remote_http import HttpRanges
from retrieval.remote_traffic import Traffic, computing, use, waiting

BODY = random.Random(3).randbytes(300_000)
HASTY = Patience(retries=3, first_pause_seconds=0.01, stall_seconds=3)


@pytest.fixture()
def server(tmp_path):
    (tmp_path / "x.bin").write_bytes(BODY)
    with serving(tmp_path) as made:
        use(Traffic(1))
        yield made


def ranges_at(server, **known) -> HttpRanges:
    return HttpRanges(f"{server.at}/x.bin", patience=HASTY, **known)


def test_a_range_is_exactly_the_bytes_asked_for_and_nothing_else_moves(server):
    ranges = ranges_at(server)
    assert ranges.read(1000, 201_000) == BODY[1000:201_000]
    assert ranges.read(299_990, 300_000) == BODY[-10:]
    assert (ranges.size, len(server.asked), server.sent()) == (300_000, 2, 200_010)


@pytest.mark.parametrize("fault", ["cut", "nothing", "short", "stall", "another range", "whole", (503, {}), (500, {})])
def test_one_fault_of_any_kind_is_tried_again_and_the_bytes_are_right(server, fault):
    server.faults["x.bin"] = [fault]
    assert ranges_at(server).read(5000, 250_000) == BODY[5000:250_000]
    assert len(server.asked) == 2


def test_twenty_cuts_in_one_range_are_resumed_where_they_were_cut(server):
    server.faults["x.bin"] = ["cut"] * 20
    assert ranges_at(server).read(0, 300_000) == BODY
    assert server.sent() == 300_000


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("nothing", "answers are cut short (4 times)"),
        ("another range", "another range than was asked for (4 times)"),
        ("whole", "the whole file instead of the range"),
        ((503, {}), "answered 503"),
        ((404, {}), "answered 404"),
        ((403, {}), "needs a login, or has expired"),
        ((429, {"Retry_After": "9999"}), "asks to wait 9,999 seconds"),
    ],
)
def test_a_fault_that_stays_is_one_sentence_without_the_address(server, fault, sentence):
    server.faults["x.bin"] = [fault] * 20
    with pytest.raises(GiveUp) as caught:
        ranges_at(server).read(0, 100_000)
    assert sentence in str(caught.value) and "http://" not in str(caught.value)


def test_a_server_that_is_gone_is_named_and_one_that_comes_back_is_read_on(tmp_path):
    (tmp_path / "x.bin").write_bytes(BODY)
    with serving(tmp_path) as first:
        port, ranges = first.server_port, HttpRanges(f"{first.at}/x.bin", patience=Patience(6, 0.1, 5))
        assert ranges.read(0, 10) == BODY[:10]
    with pytest.raises(GiveUp, match="refused"):
        HttpRanges(f"http://127.0.0.1:{port}/x.bin", patience=Patience(1, 0.01, 5)).read(0, 10)
    with contextlib.ExitStack() as restarted:
        threading.Timer(0.5, restarted.enter_context, [serving(tmp_path, port)]).start()
        assert ranges.read(10, 300_000) == BODY[10:]


@pytest.mark.parametrize("headers", [{"Retry_After": "1"}, {"RateLimit": '"api";r=0;t=1'}])
def test_a_limit_of_requests_is_waited_for_and_told_once(server, headers, capsys):
    server.faults["x.bin"] = [(429, headers), (429, headers)]
    begun = time.monotonic()
    assert ranges_at(server).read(0, 9) == BODY[:9]
    assert time.monotonic() - begun > 1.8
    assert capsys.readouterr().err.count("limits its requests and asks to wait") == 1


def test_no_request_is_sent_while_the_limit_header_says_that_none_is_left(server, monkeypatch):
    slept = []
    monkeypatch.setattr(remote_http, "pause", slept.append)
    monkeypatch.setattr(remote_http, "_not_before", {})
    server.headers["RateLimit"] = '"api";r=0;t=100'
    ranges = ranges_at(server)
    ranges.read(0, 5)
    assert slept == []
    ranges.read(5, 9)
    assert slept == [pytest.approx(100, abs=40)]
    assert limit_resets({"RateLimit": "limit=100, remaining=0, reset=7"}) == 7
    assert limit_resets({"RateLimit": '"api";r=3;t=7'}) == 0


@pytest.mark.parametrize("known", [{"size": 300_001}, {"identity": '"another"'}])
def test_a_file_that_is_not_the_listed_version_is_never_read(server, known):
    with pytest.raises(ShardChanged, match="has changed since it was listed"):
        ranges_at(server, **known).read(0, 100)


def test_a_file_that_changes_between_two_parts_of_a_range_is_never_mixed(server):
    ranges = ranges_at(server)
    ranges.read(0, 1)
    server.faults["x.bin"] = ["cut"]
    real, other = server.root / "x.bin", bytes(300_000)
    server.latency = 0.2
    threading.Timer(0.3, real.write_bytes, [other]).start()
    with pytest.raises(ShardChanged, match="has changed"):
        ranges.read(0, 300_000)


def test_a_token_and_a_password_do_not_follow_a_redirect_to_another_host(server, tmp_path):
    with serving(tmp_path) as elsewhere:
        server.elsewhere = elsewhere.at
        server.faults["x.bin"] = ["redirect"] * 3
        token = HttpRanges(f"{server.at}/x.bin", {"Authorization": "Bearer hf_secret"}, patience=HASTY)
        assert token.read(0, 4) == BODY[:4]
        address = server.at.replace("http://", "http://me:pass%20word@")
        assert HttpRanges(f"{address}/x.bin", patience=HASTY).read(0, 4) == BODY[:4]
        assert [asked.token for asked in server.asked] == ["Bearer hf_secret", "Basic bWU6cGFzcyB3b3Jk"]
        assert [asked.token for asked in elsewhere.asked] == [None, None]


def test_the_address_behind_a_redirect_is_kept_until_it_expires(server, tmp_path):
    with serving(tmp_path) as elsewhere:
        server.elsewhere = elsewhere.at
        server.faults["x.bin"] = ["redirect"] * 9
        ranges = ranges_at(server)
        assert [ranges.read(n, n + 5) for n in range(4)] == [BODY[n : n + 5] for n in range(4)]
        assert (len(server.asked), len(elsewhere.asked)) == (1, 4)
        elsewhere.faults["x.bin"] = [(403, {})]
        assert ranges.read(7, 9) == BODY[7:9]
        assert (len(server.asked), len(elsewhere.asked)) == (2, 6)


def test_endless_redirects_end(server):
    server.elsewhere, server.faults["x.bin"] = server.at, ["redirect"] * 99
    with pytest.raises(GiveUp, match="redirects more than 5 times"):
        ranges_at(server).read(0, 4)


def test_a_public_hosts_redirect_to_a_private_address_is_not_followed(server, tmp_path, monkeypatch):
    """The server is taken for one of the open internet by the name that was typed for it."""
    monkeypatch.setattr(remote_http, "names_private_host", lambda host: host != "localhost" and
                        private_hosts.names_private_host(host))  # fmt: skip
    monkeypatch.setattr(remote_http, "resolves_to_private", lambda host: False)
    with serving(tmp_path) as elsewhere:
        for target in (
            elsewhere.at,
            f"http://127.1:{elsewhere.server_port}",
            f"http://[::ffff:7f00:1]:{port_of(elsewhere)}",
        ):
            server.elsewhere = target
            server.faults["x.bin"] = ["redirect"]
            with pytest.raises(GiveUp, match="private address"):
                HttpRanges(f"http://localhost:{server.server_port}/x.bin", patience=HASTY).read(0, 4)
        assert elsewhere.asked == []


def test_a_name_that_only_resolves_to_a_private_address_is_seen_when_it_is_connected_to(server, tmp_path, monkeypatch):
    monkeypatch.setattr(remote_http, "names_private_host", lambda host: False)
    monkeypatch.setattr(remote_http, "resolves_to_private", lambda host: False)
    with serving(tmp_path) as elsewhere:
        server.elsewhere = elsewhere.at
        server.faults["x.bin"] = ["redirect"]
        with pytest.raises(GiveUp, match="private address"):
            HttpRanges(f"http://localhost:{server.server_port}/x.bin", patience=HASTY).read(0, 4)
        assert elsewhere.asked == []


def port_of(server) -> int:
    return server.server_port


def test_who_waits_lets_another_compute():
    use(Traffic(1))
    seen = []

    def other():
        with computing():
            seen.append("other")

    with computing():
        thread = threading.Thread(target=other)
        thread.start()
        time.sleep(0.05)
        assert seen == []
        with waiting():
            thread.join(60)
        assert seen == ["other"]


def test_a_forked_process_opens_its_own_connections():
    mine = remote_http._connections(os.getpid(), None, False)
    assert remote_http._connections(os.getpid(), None, False) is mine
    assert remote_http._connections(os.getpid() + 1, None, False) is not mine
