"""What sites ask of us: robots.txt, X-Robots-Tag, TDM reservations, Retry-After, few connections at once."""

import email.message
import json
import os
import time
from collections import Counter
from pathlib import Path

import pytest
from download_server import chunks, loaded, record, serving

from retrieval.download.host_turns import CRAWL_DELAY, LATER, DelayTooLong, HostTurns
from retrieval.download.opt_outs import HEADER, ROBOTS, ROBOTS_UNREADABLE, TDM, header_refusal, parse_rules
from retrieval.download.opt_outs import product_tokens as tokens_of

pytest_plugins = "download_server"
TOKENS = ("lab-images", "img2dataset")


@pytest.mark.parametrize(
    ("value", "says_no"),
    [("noai", True), ("NoImageAI , nofollow", True), ("nofollow, noml", True), ("none", True), ("noindex", True),
     ("all", False), ("nofollow", False), ("noarchive", False), ("lab-images: noai", True), ("IMG2dataset: noai", True),
     ("otherbot: noai", False), ("otherbot: nofollow, noai", False), ("otherbot: noindex, img2dataset: noai", True),
     ("*: noai", True), ("unavailable_after: Sunday, 25 Jun 2010 15:00:00 PST, noai", True), ("max-snippet: 5", False),
     ("", False), (":", False), ("noaimore", False)],
)  # fmt: skip
def test_a_robots_tag_counts_where_it_means_us(value, says_no):
    headers = email.message.Message()
    headers["X-Robots-Tag"] = value
    assert header_refusal(headers, TOKENS) == (HEADER if says_no else None)


@pytest.mark.parametrize(("value", "refusal"), [("1", TDM), (" 1 ", TDM), ("0", None), ("yes", None)])
def test_a_reservation_header_counts_as_tdmrep_defines_it(value, refusal):
    headers = email.message.Message()
    headers["tdm-reservation"] = value
    assert header_refusal(headers, TOKENS) == refusal


@pytest.mark.parametrize(
    ("robots", "path", "refusal"),
    [("User-agent: *\nDisallow: /a", "/a/b", ROBOTS), ("User-agent: *\nDisallow: /a", "/b", None),
     ("User-agent: img2dataset\nDisallow: /", "/b", ROBOTS), ("User-agent: Lab-Images\nDisallow: /", "/b", ROBOTS),
     ("User-agent: otherbot\nDisallow: /", "/b", None), ("User-agent: *\nDisallow: /\nAllow: /b", "/b", None),
     ("User-agent: *\nDisallow: /*.jpg$", "/b.jpg", ROBOTS), ("User-agent: *\nDisallow: /*.jpg$", "/b.jpg?x", None),
     ("<html>User-agent: * Disallow: /</html>", "/b", None), ("", "/b", None)],
)  # fmt: skip
def test_robots_txt_is_read_for_our_name_and_for_img2datasets(robots, path, refusal):
    assert parse_rules(robots, None).refusal(f"http://a.test{path}", TOKENS) == refusal


@pytest.mark.parametrize(
    ("tdmrep", "refusal"),
    [('[{"location": "/a", "tdm-reservation": 1}]', TDM), ('[{"location": "/a$", "tdm-reservation": 1}]', None),
     ('{"location": "/", "tdm-reservation": 1, "tdm-policy": "https://a.test"}', TDM), ("no JSON", None),
     ('[{"location": "/a/*", "tdm-reservation": 0}, {"location": "/", "tdm-reservation": 1}]', None),
     ('[{"location": "/", "tdm-reservation": 2}]', None), ('[1, {}, {"location": 3, "tdm-reservation": 1}]', None),
     ('[{"location": "/x\\nDisallow: /", "tdm-reservation": 1}]', None), ("[" * 100_000, None)],
)  # fmt: skip
def test_the_first_location_of_tdmrep_json_that_fits_decides(tdmrep, refusal):
    assert parse_rules(None, tdmrep).refusal("http://a.test/a/b.jpg", TOKENS) == refusal


def test_our_names_are_the_user_agents_first_one_and_img2dataset():
    assert tokens_of("lab-images/1.0 (+https://lab.example)") == TOKENS
    assert tokens_of("Mozilla/5.0 (compatible; Lab-Images/2; img2dataset)") == TOKENS


def site_of(server, number: int) -> str:
    return f"http://127.0.0.{number}:{server.server_port}"


def sites_that_say_no(server) -> dict[str, str | None]:
    """Rules for the hosts 127.0.0.2 and up; URL -> its drop reason (None: its image is kept)."""
    at = [site_of(server, number) for number in range(10)]
    server.elsewhere = {"forbidden": f"{at[2]}/jpeg/no/5", "allowed": f"{at[2]}/jpeg/yes/5"}
    server.rules = {
        "127.0.0.2/robots.txt": "User-agent: *\nDisallow: /jpeg/no/",
        "127.0.0.3/robots.txt": 503,
        "127.0.0.4/.well-known/tdmrep.json": '[{"location": "/jpeg/no/*", "tdm-reservation": 1}]',
        "127.0.0.5/robots.txt": {"code": 302, "Location": f"{at[2]}/robots.txt"},
        "127.0.0.6/robots.txt": "User-agent: img2dataset\nDisallow: /\n" + "# long\n" * 200_000,
        "127.0.0.7/robots.txt": {"code": 302, "Location": "/robots.txt"},
    }
    return {
        f"{at[2]}/jpeg/no/1": ROBOTS, f"{at[2]}/jpeg/yes/1": None, f"{at[2]}/jpeg/%6Eo/2": ROBOTS,
        f"{at[3]}/jpeg/1": ROBOTS_UNREADABLE, f"{at[3]}/jpeg/2": ROBOTS_UNREADABLE,
        f"{at[4]}/jpeg/no/1": TDM, f"{at[4]}/jpeg/yes/2": None, f"{at[5]}/jpeg/no/3": ROBOTS,
        f"{at[5]}/jpeg/yes/3": None, f"{at[6]}/jpeg/1": ROBOTS, f"{at[7]}/jpeg/7": None,
        f"{at[1]}/to/forbidden": ROBOTS, f"{at[1]}/to/allowed": None, f"{at[1]}/tdm/1": TDM, f"{at[1]}/tdm/0": None,
        f"{at[1]}/tag/nofollow,%20noml": HEADER, f"{at[1]}/tag/otherbot:%20noai": None,
        f"{at[1]}/status/403": "HTTP 403", f"{at[8]}/later/1/once/a": None, f"{at[8]}/later/1/always/b": "HTTP 429",
    }  # fmt: skip


def test_each_opt_out_is_kept_to_and_counted_and_no_forbidden_path_is_asked_for(tmp_path, download):
    with serving("") as server:
        wanted = sites_that_say_no(server)
        chunks(tmp_path / "chunks", [record(url, str(number)) for number, url in enumerate(wanted)])
        download("--nprocesses", 2, "--user-agent", "lab-images/1.0 (+https://lab.example)")
        report, metadata, _ = loaded(tmp_path)
        assert {entry["url"] for entry in metadata.values()} == {url for url, reason in wanted.items() if not reason}
        assert report["dropped"] == Counter(filter(None, wanted.values()))
        assert not [path for path in server.asked if "/no/" in path or "%6Eo" in path]
        assert server.agents == {"lab-images/1.0 (+https://lab.example)"}
        assert server.asked_rules.count("/.well-known/tdmrep.json") == 7  # once per origin whose robots.txt answered
        assert report["opt_outs"]["rows"] == 10
        assert report["opt_outs"]["hosts"]["127.0.0.3"] == {ROBOTS_UNREADABLE: 2}


def test_ignoring_opt_outs_is_said_and_never_mixes_with_a_dataset_that_keeps_to_them(tmp_path, download):
    with serving("") as server:
        wanted = sites_that_say_no(server)
        chunks(tmp_path / "chunks", [record(url, str(n)) for n, url in enumerate(wanted) if "later" not in url])
        download("--ignore-opt-outs")
        assert server.asked_rules == []
        report, metadata, _ = loaded(tmp_path)
        assert report["dropped"] == {"HTTP 403": 1}
        assert report["choice"]["ignore_opt_outs"] is True and report["opt_outs"] == {"kept_to": False}
        assert json.loads((tmp_path / "dataset" / "settings.json").read_text())["ignore_opt_outs"] is True
        assert "made with --ignore-opt-outs" in download(code=2).stderr
        download(out="other")
        assert loaded(tmp_path, "other")[0]["opt_outs"]["rows"] == 10


def test_no_host_gets_more_connections_than_were_set_from_all_processes_together(tmp_path, download):
    with serving("") as server:
        server.latency = 0.03
        rows = [record(f"{site_of(server, 2 + number % 3)}/jpeg/{number}") for number in range(90)]
        chunks(tmp_path / "chunks", rows)
        download("--nprocesses", 2, "--per-host", 2)
        assert loaded(tmp_path)[0]["kept"] == 90
        assert server.most_open == {f"127.0.0.{number}": 2 for number in (2, 3, 4)}
        assert Counter(server.asked_rules) == {"/robots.txt": 3, "/.well-known/tdmrep.json": 3}


def test_a_host_that_asks_for_a_long_wait_is_left_alone_also_by_later_runs(tmp_path, download):
    with serving("") as server:
        urls = [f"{site_of(server, 2)}/later/3600/always/{number}" for number in range(20)]
        chunks(tmp_path / "chunks", [record(url) for url in urls])
        download("--per-host", 1, code=1)
        assert loaded(tmp_path)[0]["dropped"] == {"HTTP 429": 1, LATER: 19}
        download("--per-host", 1, "--retry-failed", code=1)
        assert loaded(tmp_path)[0]["dropped"] == {LATER: 20}
        assert len(server.asked) == 1


def test_the_pace_of_a_host_is_kept_by_those_who_wait(tmp_path, monkeypatch):
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    turns = HostTurns(tmp_path, per_host=5, pace=7)
    for _ in range(3):
        assert turns.take("a.test") is not None
    assert [round(seconds) for seconds in slept if seconds > 1] == [7, 7]


@pytest.mark.parametrize(
    ("robots", "seconds"),
    [("User-agent: *\nCrawl-delay: 7", 7), ("User-agent: *\nCrawl-delay: 0.5\nDisallow: /a", 0.5),
     ("User-agent: lab-images\nCrawl-delay: 3\n\nUser-agent: img2dataset\nCrawl-delay: 4", 4),
     ("User-agent: otherbot\nCrawl-delay: 9", 0), ("User-agent: *\nCrawl-delay: -3", 0), ("Crawl-delay: 9", 0),
     ("User-agent: *\nCrawl-delay: nan", 0), ("User-agent: *\nCrawl-delay: soon", 0), ("", 0), (None, 0)],
)  # fmt: skip
def test_the_crawl_delay_is_the_longest_of_our_names(robots, seconds):
    assert parse_rules(robots, None).crawl_delay(TOKENS) == seconds


def test_a_crawl_delay_is_waited_for_up_to_ten_seconds_and_never_shortened(tmp_path, monkeypatch):
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    turns = HostTurns(tmp_path, per_host=9, pace=3)
    for delay in (7, 7, 1):  # the pace that the user set is longer than the last
        turns.take("a.test", delay)
    assert [round(seconds) for seconds in slept] == [7, 3]
    turns.take("b.test", 60)
    last = Path(turns._path("b.test", "pace"))
    with pytest.raises(DelayTooLong):
        turns.take("b.test", 60)
    for ago, waits in ((55, 5), (61, 0)):
        os.utime(last, (time.time() - ago,) * 2)
        slept.clear()
        turns.take("b.test", 60)
        assert round(sum(slept)) == waits and last.stat().st_mtime > time.time() - 50


def test_a_host_with_a_long_crawl_delay_is_asked_once_and_the_others_are_counted(tmp_path, download):
    with serving("") as server:
        server.rules = {"127.0.0.2/robots.txt": "User-agent: *\nCrawl-delay: 3600",
                        "127.0.0.3/robots.txt": "User-agent: otherbot\nCrawl-delay: 3600",
                        "127.0.0.4/robots.txt": "User-agent: *\nCrawl-delay: 0.05"}  # fmt: skip
        rows = [record(f"{site_of(server, 2 + number % 3)}/jpeg/{number}") for number in range(12)]
        chunks(tmp_path / "chunks", rows)
        for flags in ([], ["--retry-failed"]):
            download("--nprocesses", 2, *flags)
            report, _, _ = loaded(tmp_path)
            assert (report["kept"], report["dropped"]) == (9, {CRAWL_DELAY: 3})
            assert report["hosts"] == {"127.0.0.2": {"tried": 4, "failed": 3, "reasons": {CRAWL_DELAY: 3}}}
            assert len(server.asked) == 9


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [(["--user-agent", "a\nb"], "--user-agent is one line of ASCII"), (["--user-agent", ""], "--user-agent is one"),
     (["--per-host", "0"], "--per-host"), (["--per-host-pace", "-1"], "--per-host-pace is a number of seconds")],
)  # fmt: skip
def test_manners_that_cannot_be_kept_are_refused(tmp_path, download, flags, sentence):
    chunks(tmp_path / "chunks", [record("http://127.0.0.1:1/a")])
    assert sentence in download(*flags, code=2).stderr
