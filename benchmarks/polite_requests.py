"""What politeness costs this machine's processor per URL: rules, turns and locks, without decoding any image.

In:  nothing: the server of download.py on loopback, in a process of its own, whose time does not count here
Out: lines on stdout: CPU milliseconds per URL of the guarded opener alone, with opt-outs kept to and four connections
     per host, and with both left out; medians of --rounds, run in turn

    python benchmarks/polite_requests.py
    python benchmarks/polite_requests.py --hosts 300     # 10 URLs per host instead of 2.1, as real captions have
"""

import argparse
import multiprocessing
import statistics
import tempfile
import time
import urllib.request
from multiprocessing.pool import ThreadPool

import _root  # noqa: F401
from download import SETTINGS, serve


def cpu_seconds(urls: list[str], folder: str, is_polite: bool) -> float:
    """CPU seconds of this process, all threads, for asking for each URL once."""
    from retrieval.download.guarded_fetch import one_url_per_site
    from retrieval.download.guarded_opener import GuardedOpener, Limits
    from retrieval.download.settings import Manners

    manners = Manners("benchmark/1.0", is_polite, 4 if is_polite else None, 0, f"{folder}/hosts")
    opener = GuardedOpener(Limits(30, 20 << 20, True, manners, f"{folder}/progress"))

    def fetch(url: str) -> int:
        with opener.open(urllib.request.Request(url), timeout=SETTINGS["timeout"]) as response:
            return len(response.read())

    began = time.process_time()
    with ThreadPool(SETTINGS["thread_count"]) as threads, ThreadPool(SETTINGS["thread_count"]) as ahead:
        if is_polite:
            ahead.imap_unordered(opener.fetch_rules, one_url_per_site(urls))
        assert all(threads.map(fetch, urls, 1))
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--urls", type=int, default=3_000, help="images to fetch (default %(default)s)")
    parser.add_argument("--hosts", type=int, default=1_400, help="of the URLs (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each (default %(default)s)")
    flags = parser.parse_args()

    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("fork").Process(target=serve, args=(theirs, 0.05), daemon=True)
    server.start()
    port = ours.recv()
    urls = [f"http://127.1.{n % flags.hosts // 250}.{n % flags.hosts % 250 + 1}:{port}/{n}.jpeg"
            for n in range(flags.urls)]  # fmt: skip
    spent: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(flags.rounds):
        for is_polite, seconds in spent.items():
            with tempfile.TemporaryDirectory() as folder:
                seconds.append(cpu_seconds(urls, folder, is_polite))
    server.kill()
    polite, plain = (1000 * statistics.median(spent[which]) / len(urls) for which in (True, False))
    print(f"CPU ms per URL: {polite:.2f} polite, {plain:.2f} without; {polite - plain:.2f} for "
          f"{2 * flags.hosts / len(urls):.1f} requests for rules, and turns at hosts")  # fmt: skip


if __name__ == "__main__":
    main()
