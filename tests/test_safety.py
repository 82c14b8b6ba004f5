"""A safety value of any type means one of three tags, or is refused."""

from decimal import Decimal

import numpy as np
import pytest

from retrieval.cli import UserError
from retrieval.safety import UnknownSafety, safety_tag, safety_tags_of


@pytest.mark.parametrize(
    "tag, values",
    [
        ("NSFW", ["NSFW", "nsfw ", b"NSFW", True, 1, 1.0, 0.98, "0.98", "1", "true", "Porn", "unsafe", Decimal("0.5"),
                  np.float16(0.9), np.int8(1), "VERY_LIKELY"]),
        ("UNSURE", ["UNSURE", "unsure", "sexy", "POSSIBLE"]),
        ("UNLIKELY", ["UNLIKELY", False, 0, 0.0, 0.49, "0.01", "false", "neutral", "safe", "VERY_UNLIKELY"]),
        (None, [None, "", "  ", float("nan"), "nan", "null", np.float32("nan")]),
    ],
)  # fmt: skip
def test_each_way_to_write_a_tag_is_understood(tag, values):
    assert [safety_tag(value) for value in values] == [tag] * len(values)


@pytest.mark.parametrize("value", ["R18", 2, -0.1, 87.5, "1.5", ["NSFW"], {"nsfw": 1}, float("inf"), object()])
def test_what_is_not_understood_never_passes_as_safe(value):
    with pytest.raises(UnknownSafety):
        safety_tag(value)


def test_a_refusal_names_the_values_and_their_counts():
    with pytest.raises(UserError, match=r"a.parquet: NSFW holds .* not understood: 'R18' .2., '7' .1.; known are NSFW"):
        safety_tags_of(["R18", "NSFW", None, "R18", 7, [1]][:5], "a.parquet: NSFW")
    assert safety_tags_of([True, 1, "1", 0, None], "x") == ["NSFW", "NSFW", "NSFW", "UNLIKELY", None]
    with pytest.raises(UserError, match="not understood"):
        safety_tags_of([[1]], "x")
