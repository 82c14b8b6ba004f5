"""A small internet of its own, to run a command in: a name server, public addresses, and private ones that listen.

In:  the command; /etc/resolv.conf and the addresses are those of new namespaces, so the machine's stay as they are.
Out: said.json: the paths that were asked of public addresses, the connections that were made to any other address.

    unshare --map-root-user --net --mount python tests/hostile_internet.py said.json COMMAND...
"""

import contextlib
import ipaddress
import json
import shutil
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path

PUBLIC = ["192.31.196.7", "2620:4f:8000::7"]  # of AS112 (RFC 7534), which answers nobody's web requests
PRIVATE = ["10.0.0.5", "169.254.169.254", "100.64.0.1", "192.168.0.5", "172.16.0.5", "fd00::5", "fe80::5"]
# What the name server answers; the n-th look-up of a name gets its n-th list, round and round.
NAMES = {
    "public.test": [PUBLIC], "private.test": [["10.0.0.5"]], "metadata.test": [["169.254.169.254"]],
    "loopback.test": [["127.0.0.1", "::1"]], "mapped.test": [["::ffff:10.0.0.5"]], "local.test": [["fd00::5"]],
    "zero.test": [["0.0.0.0"]], "both.test": [["10.0.0.5", "fd00::5", PUBLIC[0]]],
    "rebind.test": [[PUBLIC[0]], ["10.0.0.5"]],
}  # fmt: skip
LOCATIONS = {
    "private": "http://10.0.0.5/redirected", "metadata": "http://169.254.169.254/latest/meta-data/",
    "name": "http://private.test/redirected", "loopback": "http://localhost/redirected", "decimal": "http://2130706433/",
    "six": "http://[::ffff:10.0.0.5]/redirected", "twice": "http://public.test/to/private", "file": "file:///etc/passwd",
    "ftp": "ftp://public.test/x", "data": "data:image/png;base64,AAAA", "fine": "http://public.test/jpeg/redirected",
}  # fmt: skip


def why_no_internet() -> str | None:
    """Why a test cannot have an internet of its own here, or None."""
    if not all(map(shutil.which, ("unshare", "ip", "mount"))):
        return "needs unshare, ip and mount (Debian: util-linux, iproute2, mount)"
    needed = "ip link set lo up && ip address add fd00::5 dev lo && mount --bind /etc/hosts /etc/resolv.conf"
    made = subprocess.run([*UNSHARE, "sh", "-c", needed], capture_output=True, text=True)
    return f"no namespaces here: {made.stderr.strip()}" if made.returncode else None


UNSHARE = ["unshare", "--map-root-user", "--net", "--mount"]


class NameServer(socketserver.BaseRequestHandler):
    """Answers A and AAAA (RFC 1035, RFC 3596); `silent.test` never, `broken.test` with SERVFAIL, strangers NXDOMAIN."""

    asked = Counter()

    def handle(self):
        query, connection = self.request
        end = query.index(b"\0", 12)
        name, place = [], 12
        while place < end:
            name.append(query[place + 1 : place + 1 + query[place]].decode())
            place += 1 + query[place]
        name = ".".join(name).lower()
        kind = struct.unpack(">H", query[end + 1 : end + 3])[0]
        if name == "silent.test":
            return
        lists = NAMES.get(name)
        code = 0 if lists else 2 if name == "broken.test" else 3
        answers = b""
        count = 0
        if lists:
            chosen = lists[NameServer.asked[name, kind] % len(lists)]
            NameServer.asked[name, kind] += 1
            for address in map(ipaddress.ip_address, chosen):
                if kind == (1 if address.version == 4 else 28):
                    answers += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(address.packed)) + address.packed
                    count += 1
        header = query[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, count, 0, 0)
        connection.sendto(header + query[12 : end + 5] + answers, self.client_address)


def serve(port: int, private: list, asked: list, tls: ssl.SSLContext | None = None) -> None:
    """Listen on every address; one that is not public only gets written down."""
    from download_server import Handler, Server

    class Internet(Server):
        address_family = socket.AF_INET6

        def server_bind(self):
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            socketserver.TCPServer.server_bind(self)

        def verify_request(self, request, client_address):
            address = request.getsockname()[0].removeprefix("::ffff:")
            if address not in PUBLIC:
                private.append(f"{address}:{port}")
            return address in PUBLIC

        def finish_request(self, request, client_address):
            with contextlib.suppress(OSError):  # a client that does not trust our certificate leaves
                super().finish_request(tls.wrap_socket(request, server_side=True) if tls else request, client_address)

    made = Internet(("::", port), Handler, asked=asked, elsewhere=LOCATIONS)
    threading.Thread(target=made.serve_forever, daemon=True).start()


def self_signed(folder: str) -> ssl.SSLContext:
    files = [f"{folder}/key.pem", f"{folder}/certificate.pem"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=public.test", "-days", "2",
         "-keyout", files[0], "-out", files[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files[1], files[0])
    return context


def main() -> int:
    said, *command = sys.argv[1:]
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in PUBLIC + PRIVATE:
        subprocess.run(["ip", "address", "add", address, "dev", "lo"], check=True)
    private, asked = [], []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:3 attempts:2\n")
        subprocess.run(["mount", "--bind", f"{folder}/resolv.conf", "/etc/resolv.conf"], check=True)
        names = socketserver.ThreadingUDPServer(("127.0.0.1", 53), NameServer)
        names.daemon_threads = True
        threading.Thread(target=names.serve_forever, daemon=True).start()
        serve(80, private, asked)
        if shutil.which("openssl"):
            serve(443, private, asked, self_signed(folder))
        code = subprocess.run(command).returncode
        Path(said).write_text(json.dumps({"asked": asked, "private": private}))
        subprocess.run(["umount", "/etc/resolv.conf"], check=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
