"""Ranges of one file over http and https, and from Hugging Face: checked, resumed, retried, told apart by version.

    ranges = HttpRanges("https://host/x.parquet")
    ranges.read(100, 200)       # exactly these bytes, or a sentence why not
    ranges.size, ranges.identity

A hub answers with a redirect to a signed address on another host: that address is asked until it expires, so a shard
costs the hub one or two requests. The invariants, which tests/test_remote_http.py holds against a hostile server: bytes
of two versions are never mixed; a token goes only to the host that it is for; no stranger's redirect leads to a private
address. (fsspec's http file system sends no If-Match, compares no Content-Range, and takes a whole file for a range.)
"""

import functools
import os
import re
import time
import urllib.request
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

import certifi
import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError, SSLError, TimeoutError

from retrieval.http_answers import (
    CONNECT_SECONDS,
    LONGEST_PAUSE_SECONDS,
    TEMPORARY_STATUS,
    GiveUp,
    Patience,
    PrivateAddress,
    Trickle,
    TryAgain,
    innermost,
    limit_resets,
    retry_after,
)
from retrieval.private_hosts import is_public_address, names_private_host, resolves_to_private
from retrieval.remote_address import ShardChanged, scrubbed
from retrieval.remote_traffic import is_stopped, pause, traffic

BLOCK_BYTES = 1 << 20
MOST_REDIRECTS = 5
MOST_CONNECTIONS = 16  # to one host that are kept open
MOST_TOLD_WAITS = 30  # times that a server may ask for patience: the hub counts in windows of five minutes
MOST_CUTS = 100  # of one range, each of which brought some bytes
REDIRECTS = {301, 302, 303, 307, 308}
EXPIRED = {400, 401, 403, 404, 410}  # what a signed address answers when its time is over
HUB_LOGIN = "accept the terms on its page, then log in with `hf auth login` (or set HF_TOKEN)"
STOPPED = "the run ended before it was read"
PRIVATE = "it leads to a private address, which is not asked"


PATIENCE = Patience()
LISTING_PATIENCE = Patience(retries=2, stall_seconds=10)  # the user is waiting for the first word


class HttpRanges:
    """One file. Threads may read side by side.

    Args:
        url: may hold user:password@, which is sent to that host only.
        headers: for `url`'s host only: a token.
        size, identity: what was listed (bytes, and the ETag or date of the answers); None: the first answer says it.
        checksum: what a hub's redirect must name (its X-Linked-ETag), where it names one.
        is_typed: whether the user gave the address, which may then be anywhere. One of a stranger's file leads to
            no private address.
    """

    def __init__(
        self,
        url: str,
        headers: dict | None = None,
        size: int | None = None,
        identity: str | None = None,
        checksum: str | None = None,
        patience: Patience | None = None,
        is_typed: bool = True,
    ):
        self._url, self._login = _without_login(url)
        self._headers, self._patience = headers or {}, patience or PATIENCE
        self.size, self.identity, self._checksum = size, identity, checksum
        self._moved_to: str | None = None  # where the last redirect led
        self._host, self._is_typed = urlsplit(self._url).hostname or "", is_typed
        self._is_private = is_typed and (names_private_host(self._host) or resolves_to_private(self._host))

    def read(self, start: int, end: int) -> bytes:
        """The bytes from `start` up to `end`. Afterwards `size` and `identity` are known.

        Raises:
            GiveUp: the server does not give them, or not within the patience; one sentence without the address.
            ShardChanged: the file has changed.
        """
        got = bytearray()
        failures = cuts = told = 0
        while len(got) < end - start:
            before = len(got)
            try:
                self._receive(start + before, end, got)
            except TryAgain as failure:
                if is_stopped():
                    raise GiveUp(STOPPED) from failure
                if failure.pause > LONGEST_PAUSE_SECONDS:
                    raise GiveUp(f"{failure}, and asks to wait {failure.pause:,.0f} seconds") from failure
                if failure.pause and told < MOST_TOLD_WAITS:  # `_ask` waits for the host
                    told += 1
                elif len(got) > before and cuts < MOST_CUTS:
                    cuts, failures = cuts + 1, 0
                else:
                    failures += 1
                    self._moved_to = None  # perhaps the first host knows another place by now
                    if failures > self._patience.retries:
                        raise GiveUp(f"{failure} ({failures} times)") from failure
                    pause(self._patience.first_pause_seconds * 2 ** (failures - 1))
        return bytes(got)

    # ---- one request ----

    def _receive(self, start: int, end: int, got: bytearray) -> None:
        """Ask once for a range, and append what comes of it.

        Raises:
            TryAgain: not all came.
        """
        try:
            with self._answer(start, end) as response:
                self._read_body(response, end - start, got)
        except (SSLError, ValueError) as error:  # urllib3's errors about an address are ValueErrors
            raise GiveUp(scrubbed(innermost(error))) from error
        except (HTTPError, OSError) as error:
            if isinstance(error, TimeoutError) and not isinstance(error, NewConnectionError):
                raise TryAgain(f"no byte for {self._patience.stall_seconds:g} seconds") from error
            reason = scrubbed(innermost(error))
            if PRIVATE in reason:
                raise PrivateAddress(reason) from error
            if "resolve" in reason:
                raise GiveUp(f"no server of that name ({self._host})") from error
            raise TryAgain(reason) from error

    def _answer(self, start: int, end: int):
        """The open answer with the first of these bytes, after redirects and checks."""
        url, moved = self._moved_to or self._url, self._moved_to is not None
        for _ in range(MOST_REDIRECTS + 1):
            response = self._ask(url, start, end)
            try:
                if response.status in REDIRECTS and "Location" in response.headers:
                    self._check_linked(response.headers)
                    url, moved = urljoin(url, response.headers["Location"]), True
                    if urlsplit(url).scheme not in ("http", "https"):
                        raise GiveUp("it redirects to an address that is not http")
                    response.close()
                    continue
                if moved and response.status in EXPIRED and url == self._moved_to:
                    self._moved_to = None  # its signature has expired: ask the first host again
                    url, moved = self._url, False
                    response.close()
                    continue
                self._check(response, start, end)
                self._moved_to = url if moved else None
                return response
            except BaseException:
                response.close()
                raise
        raise GiveUp(f"it redirects more than {MOST_REDIRECTS} times")

    def _ask(self, url: str, start: int, end: int):
        at_home = _origin(url) == _origin(self._url)
        host = urlsplit(url).hostname or ""
        headers = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
        if at_home:
            headers |= self._headers | self._login
        is_typed = self._is_typed and (host == self._host or self._is_private)  # what the user typed may be anywhere
        proxy = _proxy_of(url)
        if not is_typed and (names_private_host(host) or proxy and resolves_to_private(host)):
            raise PrivateAddress(PRIVATE)
        _wait_for(host)
        stall = self._patience.stall_seconds
        response = _connections(os.getpid(), proxy, is_guarded=not is_typed and not proxy).request(
            "GET",
            url,
            headers=headers,
            redirect=False,
            retries=False,
            preload_content=False,
            timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, stall), read=stall),
        )
        _note_limit(host, response)
        return response

    def _check_linked(self, headers) -> None:
        """A hub's redirect names the checksum of the file that it leads to."""
        linked = headers.get("X-Linked-ETag", "").strip('"')
        if self._checksum and linked:
            if linked != self._checksum:
                raise ShardChanged(changed(self._checksum, linked))
            self.identity = None  # each of the hosts that it leads to has its own ETag

    def _check(self, response, start: int, end: int) -> None:
        """Judge status and headers of an answer that is no redirect.

        Raises:
            TryAgain, GiveUp, ShardChanged.
        """
        status, headers = response.status, response.headers
        if status in TEMPORARY_STATUS:
            wait = retry_after(response) or (limit_resets(headers) if status == 429 else 0)
            raise TryAgain(f"answered {status} {response.reason}", wait)
        if status == 416:
            if self.size is None:
                raise GiveUp("it is empty")
            raise ShardChanged(changed(f"{self.size or end:,} bytes", "fewer"))
        if status == 200 and headers.get("Content-Type", "").startswith("text/html"):
            raise GiveUp("answered with a web page instead of the file")
        if status == 200:
            raise TryAgain("answered with the whole file instead of the range that was asked for")
        if status != 206:
            raise GiveUp(refusal(status, response.reason, headers.get("X-Error-Code")))
        if headers.get("Content-Encoding", "identity").lower() != "identity":
            raise TryAgain("answered with a compressed range")
        answered = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", headers.get("Content-Range", "").strip())
        if not answered or (int(answered[1]), int(answered[2]) + 1) != (start, min(end, int(answered[3]))):
            raise TryAgain("answered with another range than was asked for")
        self._check_version(int(answered[3]), headers.get("ETag") or headers.get("Last-Modified") or "")

    def _check_version(self, size: int, identity: str) -> None:
        if self.size is None:
            self.size = size
        if self.identity is None:
            self.identity = identity
        if size != self.size:
            raise ShardChanged(changed(f"{self.size:,} bytes", f"{size:,}"))
        if identity != self.identity:
            raise ShardChanged(changed(self.identity, identity))

    def _read_body(self, response, length: int, got: bytearray) -> None:
        received, trickle = 0, Trickle(self._patience.stall_seconds)
        while received < length and (block := _next_block(response, min(BLOCK_BYTES, length - received))):
            traffic().add(len(block))
            got += block
            received += len(block)
            trickle.add(len(block))
            if is_stopped():
                raise GiveUp(STOPPED)
        if received < length:
            raise TryAgain("its answers are cut short")


def _next_block(response, most: int) -> bytes:
    """The bytes that have arrived; empty at the end, also where it came too early."""
    try:
        return response.read1(most)
    except ProtocolError:
        return b""


def changed(then: str, now: str) -> str:
    return f"it has changed since it was listed ({then or 'no ETag'} then, {now or 'no ETag'} now)"


def refusal(status: int, reason: str, hub_code: str | None) -> str:
    if hub_code == "GatedRepo":
        return f"answered {status}: it is gated: {HUB_LOGIN}"
    if status in (401, 403):
        return f"answered {status} {reason}: its address needs a login, or has expired"
    return f"answered {status} {reason}"


# ---- hosts ----

_not_before: dict[str, float] = {}  # host -> the time before which it wants no request, as it said


def _wait_for(host: str) -> None:
    if (seconds := _not_before.get(host, 0) - time.monotonic()) > 0:
        traffic().tell_once(f"note: {host} limits its requests and asks to wait {seconds:.0f} seconds: waiting, now "
                            "and whenever it asks again")  # fmt: skip
        pause(seconds)


def _note_limit(host: str, response) -> None:
    asked = limit_resets(response.headers)
    if response.status in TEMPORARY_STATUS:
        asked = retry_after(response) or asked
    if 0 < asked <= LONGEST_PAUSE_SECONDS:
        _not_before[host] = time.monotonic() + asked


def _origin(url: str) -> tuple:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _without_login(url: str) -> tuple[str, dict[str, str]]:
    """The address, and the header that its user:password@ stands for."""
    parts = urlsplit(url)
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
    if parts.username is None:
        return bare, {}
    return bare, urllib3.make_headers(basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")


def _proxy_of(url: str) -> str | None:
    """The proxy that the environment names for this address (HTTPS_PROXY, NO_PROXY …)."""
    parts = urlsplit(url)
    proxies = _proxies()
    found = proxies.get(parts.scheme) or proxies.get("all")
    return None if not found or urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]) else found


@functools.cache
def _proxies() -> dict[str, str]:
    return urllib.request.getproxies()


class _GuardedHTTP(urllib3.connection.HTTPConnection):
    """Connects to the open internet only. The address that is judged is the one that is connected to."""

    def _new_conn(self):
        return _of_the_open_internet(super()._new_conn())


class _GuardedHTTPS(urllib3.connection.HTTPSConnection):
    def _new_conn(self):
        return _of_the_open_internet(super()._new_conn())


def _of_the_open_internet(connection):
    if not is_public_address(connection.getpeername()[0]):
        connection.close()
        raise OSError(PRIVATE)
    return connection


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _GuardedHTTP


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _GuardedHTTPS


@functools.cache
def _connections(process: int, proxy: str | None, is_guarded: bool) -> urllib3.PoolManager:
    """Open connections, kept for the next request. A forked process must not share those of its parent."""
    options = {"maxsize": MOST_CONNECTIONS, "ca_certs": os.environ.get("REQUESTS_CA_BUNDLE") or certifi.where()}
    if proxy:
        login = urlsplit(proxy)
        headers = (
            urllib3.make_headers(proxy_basic_auth=f"{login.username}:{login.password}") if login.username else None
        )
        return urllib3.ProxyManager(proxy, proxy_headers=headers, **options)
    manager = urllib3.PoolManager(**options)
    if is_guarded:
        manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
    return manager
