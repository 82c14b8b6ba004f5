"""The rules of the sites that are asked: robots.txt and tdmrep.json, once per origin.

An origin is scheme, host and port. What it answered is kept in a folder that all processes share, one file per origin,
for a day (RFC 9309, 2.4). The first thread that needs the rules fetches them, by the guarded opener, and holds a lock
on the file, so that others wait for it. Then:

    2xx                        the rules are in force; of a robots.txt the first 500 KiB count (RFC 9309, 2.5)
    4xx, too many redirects    there are no rules: everything is allowed (2.3.1.3)
    5xx, 429, not HTTP,        nothing is allowed (2.3.1.4): ROBOTS_UNREADABLE. For a minute, then it is asked again
    a private address
    no connection              the image would fail too, and for the same reason: for a minute its URL gets this reason.
                               So a dead host costs one time-out per minute, however many URLs it has
    tdmrep.json                only what it says counts; without an answer nothing is reserved
"""

import contextlib
import fcntl
import http.client
import json
import os
import threading
import time
import urllib.error
import urllib.parse
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from retrieval.download.host_turns import AskedToWait, open_shared, path_of
from retrieval.download.opt_outs import ROBOTS_UNREADABLE, SiteRules, parse_rules

RULES_BYTES = 500 << 10
RULES_SECONDS = 24 * 3600
FAILURE_SECONDS = 60
ORIGINS_IN_MEMORY = 1_000  # parsed; the folder has the others


class SiteFailure(OSError):
    """An origin whose robots.txt cannot be had: the text says why, as the failure of an image would."""


class SiteRulesCache:
    """The rules of origins, as they are needed.

    Args:
        read_text: fetches a URL: its text, cut after RULES_BYTES. Raises what urllib raises.
        refused: the error of the opener's own limits.
    """

    def __init__(self, folder: Path, read_text: Callable[[str], str], refused: type[Exception]):
        self.folder, self.read_text, self.refused = folder, read_text, refused
        self.known: OrderedDict[str, SiteRules] = OrderedDict()
        self.lock = threading.Lock()

    def rules_of(self, url: str) -> SiteRules:
        """The rules of a URL's origin.

        Raises:
            SiteFailure: they cannot be had.
            AskedToWait: the host is to be left alone.
        """
        origin = origin_of(url)
        with self.lock:
            if origin in self.known:
                self.known.move_to_end(origin)
                return self.known[origin]
        said = self.said_by(origin)
        if said.get("error"):
            raise SiteFailure(said["error"])
        rules = parse_rules(said["robots"], said["tdmrep"])
        with self.lock:
            self.known[origin] = rules
            if len(self.known) > ORIGINS_IN_MEMORY:
                self.known.popitem(last=False)
        return rules

    def said_by(self, origin: str) -> dict:
        """What an origin answered: "robots" and "tdmrep", texts or null, or "error". It is asked if that is not known.

        Raises:
            AskedToWait: the host is to be left alone.
        """
        with open(open_shared(path_of(self.folder, origin, "rules")), "r+b", buffering=0) as file:
            with contextlib.suppress(OSError):  # on a disk without locks another process may ask too
                fcntl.flock(file, fcntl.LOCK_EX)
            said = _fresh(file)
            if not said:
                said = {"origin": origin} | self._ask(origin)
                file.truncate(0)
                file.seek(0)
                file.write(json.dumps(said).encode())
            return said

    def _ask(self, origin: str) -> dict:
        try:
            robots = self.read_text(f"{origin}/robots.txt")
        except urllib.error.HTTPError as error:
            if error.code == 429 or error.code >= 500:
                return {"error": ROBOTS_UNREADABLE}
            robots = None
        except AskedToWait:
            raise
        except self.refused:
            return {"error": ROBOTS_UNREADABLE}
        except (OSError, http.client.HTTPException, ValueError) as error:
            return {"error": str(error) or type(error).__name__}
        try:
            tdmrep = self.read_text(f"{origin}/.well-known/tdmrep.json")
        except (OSError, http.client.HTTPException, ValueError):
            tdmrep = None
        return {"robots": robots, "tdmrep": tdmrep}


def origin_of(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _fresh(file) -> dict:
    """What the file holds; empty where it holds nothing yet, is half written, or is too old."""
    known = os.fstat(file.fileno())
    try:
        said = json.loads(file.read()) if known.st_size else {}
    except ValueError:
        return {}
    return said if time.time() - known.st_mtime < (FAILURE_SECONDS if said.get("error") else RULES_SECONDS) else {}
