"""Servers on loopback that give ranges of files, as Hugging Face and any web server do, and misbehave when told to.

    with serving(folder) as server:
        server.faults["a.parquet"] = ["cut", "429"]     # what befalls the next two requests for that file
        server.asked                                    # what was asked, and how many bytes were sent

A folder `datasets/ORG/NAME/` under the served one is a repository of a hub: HF_ENDPOINT=server.at.
"""

import contextlib
import hashlib
import http.server
import json
import os
import re
import socket
import threading
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

COMMIT = "c0ffee" + "0" * 34


@dataclass
class Asked:
    path: str
    method: str
    range: str | None
    token: str | None
    sent: int = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every answer on a kept connection waits 40 ms for an acknowledgement

    def log_message(self, *arguments):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer_any(urllib.parse.parse_qs(body.decode()) if not body.startswith(b"{") else json.loads(body))

    def do_GET(self):
        self.answer_any({})

    def answer_any(self, form: dict):
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path).lstrip("/")
        self.asked = Asked(
            self.path, self.command, self.headers.get("Range"), self.headers.get("Authorization")
        )  # fmt: skip
        self.server.asked.append(self.asked)
        with self.server.waiting():
            time.sleep(self.server.latency)
        with contextlib.suppress(ConnectionError):  # the client has left
            if match := re.fullmatch(r"api/datasets/([^/]+/[^/]+)(?:/revision/(.+))?", path):
                self.repository(match[1], match[2])
            elif match := re.fullmatch(r"api/datasets/([^/]+/[^/]+)/tree/([^/]+)/?(.*)", path):
                self.tree(match[1], match[3])
            elif match := re.fullmatch(r"api/datasets/([^/]+/[^/]+)/paths-info/[^/]+", path):
                self.paths(match[1], form["paths"])
            elif match := re.fullmatch(r"datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
                self.resolve(match[1], match[3])
            else:
                self.file(path)

    # ---- a hub ----

    def json(self, value, status: int = 200, **headers):
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in ({"Content-Type": "application/json", "Content-Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), text)
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, repository: str) -> bool:
        folder = self.server.root / "datasets" / repository
        if self.server.hub_faults:
            status, headers = self.server.hub_faults.pop(0)
            self.json({"error": "not now"}, status, **headers)
        elif not folder.is_dir():
            self.json({"error": "Repository not found"}, 401, X_Error_Code="RepoNotFound")
        else:
            return False
        return True

    def repository(self, repository: str, revision: str | None):
        if self.refuse(repository):
            return
        if revision not in (None, "main", "v1", "refs/convert/parquet", COMMIT):
            self.json({"error": "Invalid rev id"}, 404, X_Error_Code="RevisionNotFound")
            return
        gated = "auto" if repository.startswith("gated/") else False
        self.json({"id": repository, "sha": COMMIT, "private": False, "gated": gated, "disabled": False, "tags": [],
                   "siblings": []})  # fmt: skip

    def entry(self, repository: str, path: Path) -> dict:
        name = path.relative_to(self.server.root / "datasets" / repository).as_posix()
        if path.is_dir():
            return {"type": "directory", "oid": "0" * 40, "size": 0, "path": name}
        size, digest = path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()
        lfs = {"oid": digest, "size": size, "pointerSize": 130}
        return {"type": "file", "oid": digest[:40], "size": size, "path": name, "lfs": lfs}

    def tree(self, repository: str, under: str):
        if self.refuse(repository):
            return
        folder = self.server.root / "datasets" / repository / under
        if not folder.is_dir():
            self.json({"error": "Entry not found"}, 404, X_Error_Code="EntryNotFound")
            return
        deep = "recursive=true" in self.path.lower()
        self.json([self.entry(repository, path) for path in sorted(folder.rglob("*") if deep else folder.iterdir())])

    def paths(self, repository: str, names):
        if not self.refuse(repository):
            folder = self.server.root / "datasets" / repository
            names = [names] if isinstance(names, str) else names
            self.json([self.entry(repository, folder / name) for name in names if (folder / name).exists()])

    def resolve(self, repository: str, name: str):
        if repository.startswith("gated/") and self.headers.get("Authorization") != "Bearer hf_let_me_in":
            self.json({"error": "Access to this dataset is restricted."}, 401, X_Error_Code="GatedRepo")
        elif self.server.storage:  # large files lie on another host, at signed addresses
            entry = self.entry(repository, self.server.root / "datasets" / repository / name)
            location = f"{self.server.storage}/datasets/{repository}/{urllib.parse.quote(name)}?Signature=secret"
            self.json({}, 302, Location=location, X_Linked_ETag=f'"{entry["lfs"]["oid"]}"', X_Repo_Commit=COMMIT)
        else:
            self.file(f"datasets/{repository}/{name}")

    # ---- files ----

    def file(self, name: str):
        faults = self.server.faults.get(name) or self.server.faults.get("*")
        fault = faults.pop(0) if faults else None
        if fault == "redirect":
            return self.json({}, 302, Location=self.server.elsewhere + "/" + name)
        if isinstance(fault, tuple):
            return self.json({"error": "not now"}, fault[0], **fault[1])
        path = self.server.root / name
        if not path.is_file() or self.server.needs and self.headers.get("Authorization") != self.server.needs:
            return self.json({}, 401 if path.is_file() else 404)
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            etag = self.server.etags.get(name) or '"' + hashlib.md5(path.read_bytes()).hexdigest() + '"'
            first, last = re.fullmatch(
                r"bytes=(\d+)-(\d+)", self.headers.get("Range") or f"bytes=0-{size - 1}"
            ).groups()
            first, last = int(first), min(int(last), size - 1)
            if fault == "another range":
                first, last = first + 1, last + 1
            if fault == "whole":
                first, last = 0, size - 1
            self.send_response(200 if fault == "whole" or "Range" not in self.headers else 206)
            file.seek(first)
            body = file.read(last + 1 - first)
        self.send_header("Content-Length", str(len(body) // 2 if fault == "short" else len(body)))
        if fault != "whole":
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.send_header("ETag", etag)
        for header, value in self.server.headers.items():
            self.send_header(header, value)
        self.end_headers()
        if self.command != "HEAD":
            self.send_body(body, fault)

    def send_body(self, body: bytes, fault: str | None):
        kept = {"cut": len(body) // 2, "short": len(body) // 2, "nothing": 0, "stall": len(body) // 3}.get(fault)
        self.asked.sent += len(body[:kept])  # before: the client may be done before this thread goes on
        self.wfile.write(body[:kept])
        if fault == "stall":
            self.server.released.wait(20)
        if fault in ("cut", "nothing", "stall"):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def get_request(self):
        connection, address = super().get_request()
        self.connections.append(connection)
        return connection, address

    def handle_error(self, request, address):  # the client has left
        pass

    @contextlib.contextmanager
    def waiting(self):
        """Counts the requests that wait at the same time."""
        with self.counting:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        yield
        with self.counting:
            self.at_once -= 1

    def sent(self, *, of: str = "") -> int:
        return sum(asked.sent for asked in self.asked if of in asked.path)


@contextlib.contextmanager
def serving(root: Path, port: int = 0, host: str = "127.0.0.1"):
    server = Server((host, port), Handler)
    server.root, server.asked, server.faults, server.hub_faults, server.etags = Path(root), [], {}, [], {}
    server.latency, server.headers, server.storage, server.elsewhere, server.needs = 0, {}, "", "", None
    server.released, server.connections = threading.Event(), []
    server.counting, server.at_once, server.most_at_once = threading.Lock(), 0, 0
    server.at = f"http://{host}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        for connection in server.connections:  # as when the process is killed: their threads would go on
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
