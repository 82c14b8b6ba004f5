"""What a site says no to: in its robots.txt, in X-Robots-Tag headers, and as a reservation of text and data mining.

    robots.txt                 RFC 9309, for our name and for img2dataset's. Read by Protego, which uses no regular
                               expressions: a hostile file costs no more than its length. Crawl-delay is not of
                               the RFC, but many sites have it
    X-Robots-Tag               noai, noimageai, noml, noindex, noimageindex and none; a tag for another crawler by name
                               does not concern us
    tdm-reservation: 1         W3C TDMRep: as a header, or in /.well-known/tdmrep.json, whose first pattern that fits
                               decides. We do not ask for what that file reserves, so a header cannot lift it

Nothing here asks the network: site_rules.py fetches the two files.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from protego import Protego

# Why an image is not taken, as report.json names it.
ROBOTS = "robots.txt"
ROBOTS_UNREADABLE = "robots.txt unreadable"
HEADER = "X-Robots-Tag"
TDM = "TDM reservation"
OPT_OUTS = (ROBOTS, ROBOTS_UNREADABLE, HEADER, TDM)

# img2dataset's four, "none" (which means noindex and nofollow), and "noml" (of the search engine Mojeek).
_NO = {"noai", "noimageai", "noml", "noindex", "noimageindex", "none"}
_DIRECTIVES_WITH_VALUE = {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"}
_CRAWLER = re.compile(r"[a-z_][\w.-]*|\*")


def product_tokens(user_agent: str) -> tuple[str, ...]:
    """The names by which a site may mean us, in lower case: that of the user agent, and img2dataset."""
    own = re.search(r"compatible;\s*([A-Za-z_-]+)", user_agent) or re.match(r"\s*([A-Za-z_-]+)", user_agent)
    return tuple(dict.fromkeys([*([own[1].lower()] if own else []), "img2dataset"]))


def header_refusal(headers, tokens: tuple[str, ...]) -> str | None:
    """HEADER or TDM where an answer's headers say no, else None.

    Args:
        headers: an `email.message.Message`, as http.client gives.
    """
    if _robots_tag_says_no(headers.get_all("X-Robots-Tag", []), tokens):
        return HEADER
    return TDM if any(value.strip() == "1" for value in headers.get_all("TDM-Reservation", [])) else None


def _robots_tag_says_no(values: Iterable[str], tokens: tuple[str, ...]) -> bool:
    for value in values:
        crawler = "*"  # "otherbot: noindex, noai" names one, for all that follows in its line
        for part in value.lower().split(","):
            name, colon, rest = part.partition(":")
            if colon and name.strip() not in _DIRECTIVES_WITH_VALUE and _CRAWLER.fullmatch(name.strip()):
                crawler, part = name.strip(), rest
            if part.strip() in _NO and crawler in ("*", *tokens):
                return True
    return False


@dataclass(frozen=True)
class SiteRules:
    """One origin's two files, parsed."""

    robots: Protego | None
    reservations: list[tuple[Protego, bool]]  # (a pattern, as the one rule of a robots.txt; whether it is reserved)

    def refusal(self, url: str, tokens: tuple[str, ...]) -> str | None:
        """ROBOTS or TDM where the URL is not to be asked for, else None."""
        if self.robots and not all(self.robots.can_fetch(url, token) for token in tokens):
            return ROBOTS
        for pattern, is_reserved in self.reservations:
            if not pattern.can_fetch(url, "*"):
                return TDM if is_reserved else None
        return None

    def crawl_delay(self, tokens: tuple[str, ...]) -> float:
        """Seconds from one request to the next that robots.txt asks for, at least; 0 where it asks for none."""
        return max((self.robots.crawl_delay(token) or 0.0 for token in tokens), default=0.0) if self.robots else 0.0


def parse_rules(robots: str | None, tdmrep: str | None) -> SiteRules:
    """The rules of an origin's two files; None where it has none. What is no rule is passed over, as both texts ask."""
    return SiteRules(Protego.parse(robots) if robots else None, list(_reservations(tdmrep or "[]")))


def _reservations(tdmrep: str) -> Iterable[tuple[Protego, bool]]:
    try:
        rules = json.loads(tdmrep)
    except (ValueError, RecursionError):
        return
    for rule in rules if isinstance(rules, list) else [rules]:
        if isinstance(rule, dict) and str(rule.get("tdm-reservation")) in ("0", "1"):
            location = "".join(str(rule.get("location", "")).split())
            if location:  # TDMRep takes its patterns from robots.txt
                pattern = Protego.parse(f"User-agent: *\nDisallow: {location}")
                yield pattern, str(rule["tdm-reservation"]) == "1"
