"""The downloader on a Ray cluster of this machine: the guard is in its workers too."""

import importlib.util
import socket
from collections import Counter

import pytest
from download_server import chunks, loaded, record

pytest_plugins = "download_server"
needs_ray = pytest.mark.skipif(
    not importlib.util.find_spec("ray"), reason="needs ray: pip install -r requirements-cluster.txt"
)
ALONE = {"RAY_ADDRESS": "", "RAY_USAGE_STATS_ENABLED": "0"}


@needs_ray
def test_ray_fetches_and_keeps_to_the_caps(server, tmp_path, download):
    wanted = {"endless/1": "too many bytes", "drip/1": "timeout", "to/file": "redirect refused", "cut/1": "cut short",
              "gone/1": "HTTP 404", "bomb/50000": "too many pixels"}  # fmt: skip
    server.elsewhere = {"file": "file:///etc/passwd"}
    rows = [record(f"{server.at}/{path}") for path in wanted]
    rows += [record(f"{server.at}/jpeg/{number}", "dotted") for number in range(20)]
    chunks(tmp_path / "chunks", rows)
    download("--distributor", "ray", "--deadline", 5, "--max-megabytes", 5, env=ALONE)
    report, metadata, _ = loaded(tmp_path)
    assert report["dropped"] == Counter(wanted.values())
    assert len(metadata) == 20
    assert max(Counter(server.asked).values()) == 1
    first = next(iter(metadata.values()))
    assert (first["original_width"], first["height"]) == (300, 256)


@needs_ray
def test_rays_workers_ask_nothing_of_a_private_address(server, tmp_path, download):
    rows = [record(f"http://{socket.gethostname()}:{server.server_port}/jpeg/{number}") for number in range(3)]
    chunks(tmp_path / "chunks", rows)  # only a look-up says that they are private, and it is made in the workers
    download("--distributor", "ray", env=ALONE, private=False)
    report, _, _ = loaded(tmp_path)
    assert server.asked == []
    assert report["kept"] == 0
    assert set(report["dropped"]) <= {"private address", "DNS"}


def test_a_cluster_engine_that_is_not_installed_is_refused_in_a_sentence(tmp_path, download):
    if importlib.util.find_spec("pyspark"):
        pytest.skip("pyspark is installed here")
    chunks(tmp_path / "chunks", [record("http://example.com/a.jpg")])
    refused = download("--distributor", "pyspark", code=2)
    assert "--distributor pyspark needs a package that is not here: pip install pyspark" in refused.stderr
