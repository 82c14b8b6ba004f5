"""Serve the images of the embedded pool over HTTP on loopback, with the failures of the real web; log all requests.

In:  a pool folder of make_pool.py (answers.json, pictures/).
Out: --log, one requested path per line, flushed after each line.

answers.json says how each path answers: with its image, with 404, with an HTML page under status 200, or with its image
after one to two seconds. Paths that are not in it answer with 404. The server runs until it is interrupted or
terminated.

    python demo/image_server.py --pool outputs/demo/pool --log outputs/demo/requests.log
    python demo/image_server.py --pool outputs/demo/pool --log outputs/demo/requests.log --port 9000
"""

import argparse
import json
import sys
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT = 8917  # the same as in make_pool.py
PAGE = b"<!DOCTYPE html><html><title>Image hosting</title><body>This image has been removed.</body></html>"


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", type=Path, required=True, metavar="FOLDER", help="made by make_pool.py")
    parser.add_argument("--log", type=Path, required=True, metavar="FILE", help="gets one requested path per line")
    parser.add_argument("--port", type=int, default=PORT, help=f"default {PORT}; 0 takes any free port")
    return parser


def main(argv: list[str] | None = None) -> int:
    flags = make_parser().parse_args(argv)
    try:
        server = make_server(flags.pool, flags.log, flags.port)
    except (OSError, ValueError) as error:
        print(f"error: cannot serve {flags.pool} on port {flags.port}: {error} (--pool, --port)", file=sys.stderr)
        return 2
    print(f"serving {flags.pool} on http://127.0.0.1:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    return 0


def make_server(pool: Path, log: Path, port: int) -> ThreadingHTTPServer:
    """A server that is bound to its port but does not serve yet. It will use one thread per request.

    Raises:
        OSError: answers.json is missing, or the port is in use.
        ValueError: answers.json is not JSON.
    """
    answers = json.loads((pool / "answers.json").read_text())
    log.parent.mkdir(parents=True, exist_ok=True)
    requests, lock = log.open("a", encoding="utf-8"), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            with lock:
                print(self.path, file=requests, flush=True)
            answer = answers.get(self.path, "dead")
            if answer == "dead":
                return self.reply(404, "text/plain", b"Not Found")
            if answer == "html":
                return self.reply(200, "text/html", PAGE)
            if answer == "slow":
                time.sleep(1 + zlib.crc32(self.path.encode()) % 1000 / 1000)
            return self.reply(200, "image/jpeg", (pool / "pictures" / Path(self.path).name).read_bytes())

        def reply(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Print nothing: the log file has the request."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256  # img2dataset opens 64 connections per process at once

        def server_close(self):
            super().server_close()
            requests.close()

    return Server(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    sys.exit(main())
