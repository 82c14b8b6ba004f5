"""The rules of the sites that are asked: robots.txt and tdmrep.json, once per origin.

An origin is scheme, host and port. What it answered is kept in a folder that all processes share, one file per origin,
for a day (RFC 9309, 2.4). The first thread that needs the rules fetches them, by the guarded opener, and holds a lock
on the file, so that others wait for it. Then:

    2xx                        the rules are in force; of a robots.txt the first 500 KiB count (RFC 9309, 2.5)
    4xx, too many redirects    there are no rules: everything is allowed (2.3.1.3)
    5xx, 429, not HTTP,        nothing is allowed (2.3.1.4): ROBOTS_UNREADABLE. Asked three times, for three URLs, then
    a private address          not again for ten minutes
    no connection              the image would fail too, and for the same reason: its own URL gets this reason, also
                               after three times
    tdmrep.json                only what it says counts; without an answer nothing is reserved
"""

import contextlib
import fcntl
import http.client
import json
import threading
import time
import urllib.error
import urllib.parse
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from retrieval.download.host_turns import AskedToWait, name_of
from retrieval.download.opt_outs import ROBOTS_UNREADABLE, SiteRules, parse_rules

RULES_BYTES = 500 << 10
RULES_SECONDS = 24 * 3600
FAILURE_SECONDS = 600
TRIES = 3
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
        parts = urllib.parse.urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}".lower()
        with self.lock:
            if origin in self.known:
                self.known.move_to_end(origin)
                return self.known[origin]
        said = self._said_by(origin)
        if said.get("error"):
            raise SiteFailure(said["error"])
        rules = parse_rules(said["robots"], said["tdmrep"])
        with self.lock:
            self.known[origin] = rules
            if len(self.known) > ORIGINS_IN_MEMORY:
                self.known.popitem(last=False)
        return rules

    def _said_by(self, origin: str) -> dict:
        name = name_of(origin)
        path = self.folder / name[:2] / f"{name}.rules"
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a+", encoding="utf-8") as file:
            with contextlib.suppress(OSError):  # on a disk without locks another process may ask too
                fcntl.flock(file, fcntl.LOCK_EX)
            said = _fresh(file, path.stat().st_mtime)
            if said.get("error") and said["tries"] < TRIES or not said:
                said = self._ask(origin) | {"origin": origin, "tries": said.get("tries", 0) + 1}
                file.truncate(0)
                json.dump(said, file)
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


def _fresh(file, written: float) -> dict:
    """What the file holds; empty where it holds nothing yet, is half written, or is too old."""
    file.seek(0)
    try:
        said = json.load(file)
    except ValueError:
        return {}
    return said if time.time() - written < (FAILURE_SECONDS if said.get("error") else RULES_SECONDS) else {}
