"""The downloader's images that look the same: near-duplicates of a class, and what a test set holds."""

import random

import numpy as np
import pytest
from PIL import Image

from retrieval.perceptual_hash import NEAR_BITS, hash_images, near_an_earlier, near_any

pytest_plugins = "download_server"


def distances(some, others) -> np.ndarray:
    """Bits that differ, of each pair, counted one by one."""
    return np.array([[bin(int(one) ^ int(other)).count("1") for other in others] for one in some])


def clustered_hashes(number: int, seed: int) -> np.ndarray:
    """Hashes of which many are near others, in chains too."""
    luck = random.Random(seed)
    made = [luck.getrandbits(64) for _ in range(number // 10)]
    while len(made) < number:
        made.append(made[luck.randrange(len(made))] ^ sum({1 << luck.randrange(64) for _ in range(luck.randrange(5))}))
    luck.shuffle(made)
    return np.array(made, np.uint64)


@pytest.mark.parametrize("bits", [0, 2, 5])
def test_of_a_list_each_hash_that_is_near_one_kept_before_it_is_left_out(bits, monkeypatch):
    monkeypatch.setattr("retrieval.perceptual_hash.BLOCK", 64)
    hashes = clustered_hashes(500, seed=bits)
    near = distances(hashes, hashes) <= bits
    kept = []
    for number in range(len(hashes)):
        if not near[number, kept].any():
            kept.append(number)
    assert (~near_an_earlier(hashes, bits)).nonzero()[0].tolist() == kept
    assert near_an_earlier(hashes[:200], bits).tolist() == near_an_earlier(hashes, bits)[:200].tolist()
    assert near_an_earlier(hashes[:0], bits).tolist() == []


def test_hashes_near_any_of_others_are_found():
    hashes = clustered_hashes(400, seed=1)
    expected = distances(hashes[:300], hashes[300:]).min(axis=1) <= 3
    assert 0 < expected.sum() < 300
    assert near_any(hashes[:300], hashes[300:], 3).tolist() == expected.tolist()
    assert not near_any(hashes, hashes[:0], 3).any()


def test_a_picture_in_another_size_quality_or_format_is_near_and_another_picture_is_not(tmp_path):
    paths = []
    for name in ("one", "another"):
        noise = Image.frombytes("RGB", (12, 12), random.Random(name).randbytes(432))
        image = noise.resize((600, 400), Image.Resampling.BICUBIC)
        for end, size, options in (
            ("a.jpg", (600, 400), {"quality": 95}), ("b.jpg", (384, 256), {"quality": 30}), ("c.png", (300, 200), {}),
            ("d.webp", (256, 256), {"quality": 60}),
        ):  # fmt: skip
            paths.append(tmp_path / f"{name}-{end}")
            image.resize(size, Image.Resampling.BICUBIC).save(paths[-1], **options)
    (tmp_path / "no.jpg").write_bytes(b"no image")
    *hashes, broken = hash_images([*paths, tmp_path / "no.jpg"])
    assert broken is None
    assert distances(hashes[:4], hashes[:4]).max() <= NEAR_BITS >= distances(hashes[4:], hashes[4:]).max()
    assert distances(hashes[:4], hashes[4:]).min() > 16
