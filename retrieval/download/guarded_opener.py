"""One URL's connection: what it may cost, where it may lead, and whether its site and host let us come now.

`GuardedOpener` is an opener for urllib, which img2dataset uses for all it fetches. Of every URL, and of every redirect,
it asks in this order:

1. is the address of the open internet (unless --allow-private-hosts)? It is judged again when the connection is made;
2. do the rules of its site allow it (unless --ignore-opt-outs)? The rules are fetched in the same way;
3. is it our turn at its host (host_turns.py)?

Then the answer is read, within the URL's deadline and its cap of bytes. Waiting for rules or a turn does not count
towards the deadline.
"""

import contextlib
import http.client
import os
import socket
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from retrieval.download.answer_bytes import TOO_LARGE, BadAnswer, check_image, unpacked
from retrieval.download.host_turns import LATER, HostTurns
from retrieval.download.opt_outs import header_refusal, product_tokens
from retrieval.download.settings import Manners
from retrieval.download.site_rules import RULES_BYTES, SiteRulesCache, origin_of
from retrieval.private_hosts import is_public_address, names_private_host, resolves_to_private

READ_BYTES = 1 << 18
DEADLINE = "deadline: the answer took too long in all"
PRIVATE = "private address"
NOT_HTTP = "not valid HTTP"


@dataclass(frozen=True)
class Limits:
    """What one URL may cost, and where it may lead."""

    deadline_seconds: float
    max_bytes: int
    allow_private_hosts: bool
    manners: Manners
    progress: str  # path of the file that grows by one byte per URL answered


class Refused(urllib.error.URLError):
    """A limit of ours was reached. Asking again would not change that."""

    def __str__(self) -> str:
        return f"refused: {self.reason}"


# ---- one URL's connection ----

_thread = threading.local()  # `call`: the one that this thread is at


@dataclass
class _Call:
    """One URL with its redirects: an image's, or those of a site's rules, which are fetched while the image waits."""

    deadline: float
    timeout: float
    is_for_rules: bool = False
    is_opening: bool = True
    turn: int | None = None  # of HostTurns

    def end_turn(self) -> None:
        if self.turn is not None:
            os.close(self.turn)
            self.turn = None


def _seconds_left() -> float:
    left = _thread.call.deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError(DEADLINE)
    return min(left, _thread.call.timeout)


class _Socket(socket.socket):
    def recv_into(self, *arguments):
        self.settimeout(_seconds_left())
        return super().recv_into(*arguments)


class _TLSSocket(ssl.SSLSocket):
    def recv_into(self, *arguments):
        self.settimeout(_seconds_left())
        return super().recv_into(*arguments)


def _connect(limits: Limits, proxies: set[str]):
    """A `create_connection` for http.client. The address that is judged is the one that is connected to, so a name
    cannot resolve to another address in between."""

    def create_connection(host_and_port, timeout=None, source_address=None):
        host, port = host_and_port[:2]
        is_proxy = f"{host}:{port}" in proxies
        refused = error = None
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
            if not (limits.allow_private_hosts or is_proxy or is_public_address(address[0])):
                refused = Refused(PRIVATE)
                continue
            connection = _Socket(family, kind, protocol)
            try:
                connection.settimeout(_seconds_left())
                connection.connect(address)
                return connection
            except OSError as failure:
                connection.close()
                error = failure
        raise error or refused or OSError("no address for this host")

    return create_connection


class _HTTPHandler(urllib.request.HTTPHandler):
    def __init__(self, connect):
        super().__init__()
        self.connect = connect

    def http_open(self, request):
        def connection(*arguments, **keywords):
            made = http.client.HTTPConnection(*arguments, **keywords)
            made._create_connection = self.connect
            return made

        return self.do_open(connection, request)


class _HTTPSHandler(urllib.request.HTTPSHandler):
    def __init__(self, connect):
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        context.sslsocket_class = _TLSSocket
        super().__init__(context=context)
        self.connect, self.tls = connect, context

    def https_open(self, request):
        def connection(*arguments, **keywords):
            made = http.client.HTTPSConnection(*arguments, context=self.tls, **keywords)
            made._create_connection = self.connect
            return made

        return self.do_open(connection, request)


class _RedirectHandler(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, request, response, code, message, headers, new_url):
        response.read = bytes  # urllib would read the redirect's own body to its end, which may never come
        return super().redirect_request(request, response, code, message, headers, new_url)


class GuardedOpener(urllib.request.OpenerDirector):
    """Opens http and https, nothing else. `read` of its answer keeps to the limits."""

    def __init__(self, limits: Limits):
        super().__init__()
        self.limits, self.manners = limits, limits.manners
        self.tokens = product_tokens(limits.manners.user_agent)
        self.turns = HostTurns(Path(self.manners.folder), self.manners.per_host, self.manners.pace)
        self.rules = SiteRulesCache(Path(self.manners.folder), self._read_text, Refused)
        self.proxies = urllib.request.getproxies()
        proxies = {urllib.parse.urlsplit(proxy).netloc.rpartition("@")[2] for proxy in self.proxies.values()}
        connect = _connect(limits, proxies)
        for handler in (
            urllib.request.ProxyHandler(self.proxies), urllib.request.UnknownHandler(), _HTTPHandler(connect),
            _HTTPSHandler(connect), urllib.request.HTTPDefaultErrorHandler(), _RedirectHandler(),
            urllib.request.HTTPErrorProcessor(),
        ):  # fmt: skip
            self.add_handler(handler)

    def open(self, request, data=None, timeout=None):
        call = getattr(_thread, "call", None)
        if call and call.is_opening:  # urllib calls `open` again for a redirect, which shares the first URL's deadline
            return self._ask(request, call)
        seconds = self.limits.deadline_seconds
        call = _Call(time.monotonic() + seconds, timeout if isinstance(timeout, (int, float)) else seconds)
        return CappedResponse(self._begin(request, call), call, self.limits.max_bytes)

    def _begin(self, request, call: _Call):
        """The answer to a call's last redirect. Its turn at the host goes on until the answer is closed."""
        _thread.call = call
        try:
            response = self._ask(request, call)
            if self.manners.opt_outs and (refusal := header_refusal(response.headers, self.tokens)):
                response.close()
                raise Refused(refusal)
            return response
        except BaseException:
            call.end_turn()
            raise
        finally:
            call.is_opening = False

    def _ask(self, request, call: _Call):
        request.full_url = ascii_url(request.full_url)
        parts = urllib.parse.urlsplit(request.full_url)
        _ = parts.port  # raises if it is no port; the C library would take 65616 for 80
        host = host_of(request.full_url)
        if not self.limits.allow_private_hosts and (
            names_private_host(host) or (self.proxies.get(parts.scheme) and resolves_to_private(host))
        ):
            raise Refused(PRIVATE)
        request.add_header("User-Agent", self.manners.user_agent)
        call.end_turn()  # of the host that redirects: its answer is closed
        if parts.scheme in ("http", "https") and host:
            self._wait_to_be_let_in(request.full_url, host, call)
        try:
            return super().open(request, None, _seconds_left())
        except urllib.error.HTTPError as error:
            retry_after = error.headers["Retry-After"]
            if error.code == 429 or (error.code == 503 and retry_after):
                self.turns.ask_later(host, retry_after)
                error.msg = LATER if retry_after else error.msg
            error.close()
            raise
        except (http.client.InvalidURL, http.client.RemoteDisconnected):
            raise
        except http.client.HTTPException as error:  # its text quotes the server, and could look like another reason
            raise Refused(NOT_HTTP) from error

    def _wait_to_be_let_in(self, url: str, host: str, call: _Call) -> None:
        began, delay = time.monotonic(), 0.0
        if self.manners.opt_outs and not call.is_for_rules:
            rules = self.rules.rules_of(url)
            if refusal := rules.refusal(url, self.tokens):
                raise Refused(refusal)
            delay = rules.crawl_delay(self.tokens)
        call.turn = self.turns.take(host, delay)
        call.deadline += time.monotonic() - began

    def _read_text(self, url: str) -> str:
        """A small text of a site, cut after RULES_BYTES."""
        seconds, image = self.limits.deadline_seconds, getattr(_thread, "call", None)
        call = _Call(time.monotonic() + seconds, image.timeout if image else seconds, is_for_rules=True)
        try:
            with contextlib.closing(self._begin(urllib.request.Request(url), call)) as response:
                data = response.read(RULES_BYTES)
                data = unpacked(data, response.headers.get_all("Content-Encoding", []), RULES_BYTES)
        except BadAnswer as error:
            raise Refused(str(error)) from error
        finally:
            call.end_turn()
            _thread.call = image
        return data.decode("utf-8-sig", "replace")

    def fetch_rules(self, url: str) -> None:
        """Have the rules of a URL's site at hand when it is asked for."""
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            self.rules.said_by(origin_of(ascii_url(url)))


class CappedResponse(contextlib.closing):
    """The parts of an answer that img2dataset uses: `headers`, `read()`, and `with`."""

    def __init__(self, response, call: _Call, max_bytes: int):
        super().__init__(response)
        self.headers, self.response, self.call, self.max_bytes = response.headers, response, call, max_bytes

    def __enter__(self):
        return self

    def __exit__(self, *error):
        super().__exit__(*error)
        self.call.end_turn()

    def read(self) -> bytes:
        if (self.response.length or 0) > self.max_bytes:
            raise Refused(TOO_LARGE)
        pieces, size = [], 0
        while piece := self.response.read(READ_BYTES):
            pieces.append(piece)
            size += len(piece)
            if size > self.max_bytes:
                raise Refused(TOO_LARGE)
        if self.response.length:  # read(n) does not raise when the answer ends before its Content-Length
            raise http.client.IncompleteRead(b"", self.response.length)
        try:
            data = unpacked(b"".join(pieces), self.headers.get_all("Content-Encoding", []), self.max_bytes)
            check_image(data)
        except BadAnswer as error:
            raise Refused(str(error)) from error
        return data


def host_of(url: str) -> str:
    """The URL's host as it is asked for, in lower case, without port; empty where it has none that can be read."""
    try:
        return (urllib.parse.urlsplit(ascii_url(url)).hostname or "").rstrip(".")
    except ValueError:
        return ""


def ascii_url(url: str) -> str:
    """The URL as a browser would send it: accents and spaces escaped, the host in IDNA. urllib would raise instead.

    A user name and password before the host are left out: urllib would take them for a part of the host's name.
    """
    url = url.strip()
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if url.isascii() and " " not in url:
        return url if host == parts.netloc else url.replace(parts.netloc, host, 1)
    host = host if host.isascii() else host.encode("idna").decode()
    path, query = (urllib.parse.quote(text, safe="%/:=&?~+!$,;'@()*[]|") for text in (parts.path, parts.query))
    return urllib.parse.urlunsplit((parts.scheme, host, path, query, ""))
