"""Run the whole pipeline on the embedded pool, and print each command before it runs: this is `make demo`.

In:  nothing but the repository.
Out: in outputs/demo: the pool, its index, the records of both filters, an ImageFolder (dataset/) and its page
     (report.html), what the judge keeps of it (judged/), and the page of a probe (probe/probe.html). On stdout: three
     tables that compare the result with the ground truth.

The first table has precision and recall of captions, of embeddings (by an index, and without one), of captions and
embeddings together, and of what the judge keeps of these. The second has them for 50 images per class, chosen from each
filter alone, from both at random, and from both by reciprocal rank fusion. The third has the accuracy of a linear probe
that was trained on the images of each way, on a test set that was drawn with other seeds.

    python demo/run_demo.py
    python demo/run_demo.py --port 9000

Exit code 1: a stage failed, or precision or recall of both filters together, or of the judged images, is below LEAST,
or one filter found nothing that the other missed, or an image tagged NSFW was requested, or a probe of the judged
images is worse than that of all images, by more than chance.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
DEMO = Path("outputs/demo")  # from the repository's root, where every command runs
MODEL = "open_clip:demo-clip/demo/demo-clip.pt"
PORT = 8917  # the same as in make_pool.py
# kNN always returns this many rows, however bad they are. A class has 150 images and about 120 captions that mean it,
# so 115 neighbours per prompt and index reach most of them and few others. Real pools are less even: take 500 or more.
RESULTS_PER_QUERY = 115
WAYS = {"substring": "substring", "semantic": "semantic", "no index": "no_index"}  # row of the table -> its records
LEAST = {"both": (0.90, 0.90), "judged": (0.985, 0.92)}  # row of the table -> precision and recall that it must reach
FEW = 50  # images per class for the second table: a third of what the pool has
FEW_WAYS = {  # way -> (folders of records, flags that order them)
    "substring": (("substring",), ("--prefer", "score")),
    "semantic": (("semantic",), ("--prefer", "score")),
    "union": (("substring", "semantic"), ("--combine", "union")),
    "rrf": (("substring", "semantic"), ("--combine", "rrf")),
}
PROBED = {  # row of the third table -> its dataset
    "substring": "alone/substring", "semantic": "alone/semantic", "both": "dataset", "judged": "judged",
}  # fmt: skip
CHANCE = 0.05  # of the exact McNemar test: a more uneven count than this is no chance
MADE_ANEW = (
    *("img_emb", "metadata", "text_emb", "knn", "index"),
    *("substring", "semantic", "no_index", "work", "dataset", "few", "dataset.features", "judged"),
    *("alone", "test", "probe"),
)


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=PORT, help=f"of the image server (default {PORT})")
    return parser


def main(argv: list[str] | None = None) -> int:
    flags = make_parser().parse_args(argv)
    os.chdir(ROOT)
    began = time.monotonic()
    pool, log = DEMO / "pool", DEMO / "requests.log"
    for name in MADE_ANEW:  # only the pool is kept: the demo shows all the rest at work
        shutil.rmtree(DEMO / name, ignore_errors=True)
    log.unlink(missing_ok=True)
    server = None
    try:
        run("demo/make_pool.py", "--output", pool, "--port", flags.port)
        server = serve("demo/image_server.py", "--pool", pool, "--log", log, "--port", flags.port)
        build_index(pool)
        select(pool)
        run(
            "download_urls_img2dataset.py", "--r", DEMO / "substring", DEMO / "semantic", "--w", DEMO / "work",
            "--dataset-output", DEMO / "dataset", "--allow-private-hosts",
        )  # fmt: skip
        # Of an image that shows its class, no other class's text is nearer. This asks for no threshold, whose right
        # value differs from model to model.
        run("dataset_helper/judge_images.py", DEMO / "dataset", "--model", MODEL, "--template", "DTD", "--agree", 1,
            "--output", DEMO / "judged")  # fmt: skip
        for way, (folders, order) in FEW_WAYS.items():  # all images are in the work folder already
            run(
                "download_urls_img2dataset.py", "--r", *(DEMO / folder for folder in folders), *order, "--fill", FEW,
                "--w", DEMO / "work", "--dataset-output", DEMO / "few" / way, "--allow-private-hosts",
            )  # fmt: skip
        run("dataset_helper/report.py", DEMO / "dataset", "--title", "DTD, from the embedded pool",
            "--output", DEMO / "report.html")  # fmt: skip
        probe()
    except subprocess.CalledProcessError as error:
        print(f"error: the command above ended with exit code {error.returncode}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: run the same command again", file=sys.stderr)
        return 130
    finally:
        if server:
            server.terminate()
            server.wait()

    fine = report(pool, log)
    report_few(pool)
    fine = report_probe(pool) and fine
    print(f"\n{DEMO}/dataset           the ImageFolder\n{DEMO}/judged            what the judge keeps of it")
    print(f"{DEMO}/report.html       each image, and what found it")
    print(f"{DEMO}/probe/probe.html  what a linear probe learns from the images")
    print(f"{time.monotonic() - began:.0f} s in all")
    return 0 if fine else 1


# ---- the commands ----


def build_index(pool: Path) -> None:
    """Index the rows that have an image, by caption and by image, in an index folder of clip-retrieval's layout."""
    helpers, knn = "knn_indices_helper", DEMO / "knn"
    run(
        f"{helpers}/compute_image_embeddings.py", "--images", pool / "pictures", "--metadata", pool / "metadata",
        "--output-embeddings-dir", DEMO / "img_emb", "--output-metadata-dir", DEMO / "metadata", "--model", MODEL,
    )  # fmt: skip
    run(
        f"{helpers}/compute_text_embeddings.py", "--input_parquet_dir", DEMO / "metadata",
        "--output_embeddings_dir", DEMO / "text_emb", "--model", MODEL,
    )  # fmt: skip
    for name in ("img_emb", "text_emb"):
        run(f"{helpers}/build_knn_index.py", "--embeddings", DEMO / name, "--index-path", knn / f"{name}.index",
            "--index-infos-path", knn / f"{name}.json")  # fmt: skip
    run(
        f"{helpers}/assemble_index_folder.py", "--metadata", DEMO / "metadata",
        "--image-index", knn / "img_emb.index", "--image-embeddings", DEMO / "img_emb",
        "--text-index", knn / "text_emb.index", "--text-embeddings", DEMO / "text_emb",
        "--model", MODEL, "--output-dir", DEMO / "index", "--name", "demo",
    )  # fmt: skip


def select(pool: Path) -> None:
    from draw_textures import CLASSES

    captions = ("filter_laion_metadata_substring.py", "--query", "DTD", "--template", "--classes", *CLASSES,
                "--dbs", *sorted((pool / "shards").iterdir()))  # fmt: skip
    run(*captions, "--check")
    run(*captions, "--output", DEMO / "substring", "--workers", 2)
    neighbours = ("filter_laion_metadata_semantic.py", "--query_dataset", "DTD", "--classes", *CLASSES,
                  "--results_per_query", RESULTS_PER_QUERY)  # fmt: skip
    run(*neighbours, "--output_dir", DEMO / "semantic", "--index_info_path", DEMO / "index" / "indicies.json")
    # The same rows without the index: their embeddings lie in text_emb/ and img_emb/ beside their folder.
    run(*neighbours, "--output_dir", DEMO / "no_index", "--pool", DEMO / "metadata" / "*.parquet", "--model", MODEL)


def probe() -> None:
    """Train a probe on the images of each way, and test it on drawings that no way could find."""
    for way in ("substring", "semantic"):  # all their images are in the work folder already
        run(
            "download_urls_img2dataset.py", "--r", DEMO / way, "--w", DEMO / "work",
            "--dataset-output", DEMO / PROBED[way], "--allow-private-hosts",
        )  # fmt: skip
    run("demo/make_test_set.py", "--output", DEMO / "test")
    run(
        "dataset_helper/probe_dataset.py", *(DEMO / folder for folder in PROBED.values()), "--test", DEMO / "test",
        "--model", MODEL, "--template", "DTD", "--output", DEMO / "probe", "--features", DEMO / "dataset.features",
    )  # fmt: skip


def run(script: str, *arguments) -> None:
    """Print a command as a user types it, run it, and print its seconds.

    Raises:
        subprocess.CalledProcessError: the command failed.
    """
    words = [script, *map(str, arguments)]
    print(f"\n$ python {shlex.join(words)}", flush=True)
    began = time.monotonic()
    subprocess.run([sys.executable, *words], check=True)
    print(f"({time.monotonic() - began:.1f} s)", flush=True)


def serve(script: str, *arguments) -> subprocess.Popen:
    """Start the image server in the background, and return when it accepts requests."""
    words = [script, *map(str, arguments)]
    print(f"\n$ python {shlex.join(words)} &", flush=True)
    server = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True)
    line = server.stdout.readline()
    if not line:
        raise subprocess.CalledProcessError(server.wait(), words)
    print(line, end="", flush=True)
    return server


# ---- comparison with the ground truth ----


def report(pool: Path, log: Path) -> bool:
    """Print the first table and the requests of tagged images; return whether all requirements are met."""
    truth = ground_truth(pool)
    wanted = right_pairs(truth)
    selected = {way: selected_pairs(DEMO / folder) for way, folder in WAYS.items()}
    selected["both"] = selected["substring"] | selected["semantic"]
    placed = placed_pairs(DEMO / "dataset")
    selected["judged"] = placed_pairs(DEMO / "judged")

    print(f"\nOf {len(wanted):,} images that are alive and untagged, in {len({c for _, c in wanted})} classes:\n")
    print(f"{'':10} {'selected':>9} {'downloaded':>11} {'right':>6} {'precision':>10} {'recall':>7}")
    reached = {}
    for way, pairs in selected.items():
        downloaded = pairs & placed
        right = downloaded & wanted
        reached[way] = precision, recall = len(right) / max(1, len(downloaded)), len(right) / len(wanted)
        print(f"{way:10} {len(pairs):9,} {len(downloaded):11,} {len(right):6,} {precision:10.3f} {recall:7.3f}")

    same, indexed = len(selected["semantic"] & selected["no index"]), len(selected["semantic"])
    print(f"\nwithout the index, the rows' own embeddings select {same:,} of these {indexed:,} pairs")
    found = {way: pairs & placed & wanted for way, pairs in selected.items()}
    only = {
        "substring": found["semantic"] - found["substring"],
        "semantic": found["substring"] - found["semantic"],
    }
    print()
    for way, missed in only.items():
        other = "semantic" if way == "substring" else "substring"
        print(f"{way} alone misses {len(missed):,} right images that {other} finds")

    tagged = {urlsplit(url).path for url, row in truth.items() if row["NSFW"] == "NSFW"}
    requested = set(log.read_text(encoding="utf-8").split())
    chosen = {urlsplit(url).path for url, _ in selected["both"]} & tagged
    print(
        f"the server's log: {len(requested):,} paths requested, {len(requested & tagged)} of them among the "
        f"{len(tagged)} images tagged NSFW ({len(chosen)} of which the substring filter had selected)"
    )
    failures = [
        sentence
        for missed, sentence in (
            *(
                (value < least, f"{name} of {way} is below {least}")
                for way, wished in LEAST.items()
                for name, value, least in zip(("precision", "recall"), reached[way], wished, strict=True)
            ),
            (not only["substring"], "substring alone misses nothing"),
            (not only["semantic"], "semantic alone misses nothing"),
            (requested & tagged, "an image tagged NSFW was requested"),
            (not requested, "no image was requested"),
        )
        if missed
    ]
    for sentence in failures:
        print(f"FAILED: {sentence}")
    return not failures


def report_few(pool: Path) -> None:
    """Print the second table: precision and recall of FEW images per class."""
    wanted = right_pairs(ground_truth(pool))
    most = sum(min(FEW, count) for count in Counter(name for _, name in wanted).values()) / len(wanted)
    print(f"\nWith {FEW} live images per class (--fill {FEW}); recall can be {most:.3f} at most:\n")
    print(f"{'':10} {'downloaded':>11} {'right':>6} {'precision':>10} {'recall':>7}")
    for way in FEW_WAYS:
        placed = placed_pairs(DEMO / "few" / way)
        right = placed & wanted
        precision, recall = len(right) / max(1, len(placed)), len(right) / len(wanted)
        print(f"{way:10} {len(placed):11,} {len(right):6,} {precision:10.3f} {recall:7.3f}")


def report_probe(pool: Path) -> bool:
    """Print the third table: the accuracy of a probe of each way, and the model's own without an image.

    Returns:
        bool: whether the judged images do not train worse than all of them.
    """
    probed = json.loads((DEMO / "probe" / "probe.json").read_text(encoding="utf-8"))
    wanted = right_pairs(ground_truth(pool))
    print(f"\nA linear probe, tested on {probed['test']['pictures']:,} close-ups with other seeds:\n")
    print(f"{'':10} {'images':>7} {'precision':>10} {'accuracy':>9}  95 % interval")
    name_of = {}
    for (way, folder), numbers in zip(PROBED.items(), probed["datasets"], strict=True):
        placed, name_of[way] = placed_pairs(DEMO / folder), numbers["name"]
        precision = len(placed & wanted) / max(1, len(placed))
        print(f"{way:10} {len(placed):7,} {precision:10.3f} {accuracy_words(numbers['accuracy'])}")
    print(f"{'zero-shot':10} {0:7,} {'':10} {accuracy_words(probed['zero_shot']['accuracy'])}")

    (pair,) = (
        pair for pair in probed["pairs"] if (pair["this"], pair["other"]) == (name_of["both"], name_of["judged"])
    )
    print(f"\nonly the probe of both is right on {pair['only_this']:,} of them, only that of judged on "
          f"{pair['only_other']:,}: p = {pair['p']:.2f}")  # fmt: skip
    worse = pair["only_this"] > pair["only_other"] and pair["p"] < CHANCE
    if worse:
        print("FAILED: the judged images train a worse probe than all of them")
    return not worse


def accuracy_words(of: dict) -> str:
    return f"{of['accuracy']:9.3f}  {of['low']:.3f} to {of['high']:.3f}"


def ground_truth(pool: Path) -> dict[str, dict]:
    from pyarrow import parquet

    return {row["URL"]: row for row in parquet.read_table(pool / "ground_truth.parquet").to_pylist()}


def right_pairs(truth: dict[str, dict]) -> set[tuple[str, str]]:
    """(URL, class) of each image that is alive and not tagged NSFW."""
    return {
        (url, row["class_shown"])
        for url, row in truth.items()
        if row["answer"] in ("picture", "slow") and row["NSFW"] != "NSFW"
    }


def placed_pairs(dataset: Path) -> set[tuple[str, str]]:
    """(URL, class) of each image in a dataset folder."""
    entries = json.loads((dataset / "metadata.json").read_text(encoding="utf-8")).values()
    return {(entry["url"], entry["QUERY"]) for entry in entries}


def selected_pairs(folder: Path) -> set[tuple[str, str]]:
    """(URL, class) of each record of a filter."""
    records = (
        record for chunk in folder.glob("chunk_*.json") for record in json.loads(chunk.read_text(encoding="utf-8"))
    )
    return {(record["URL"], record["QUERY"]) for record in records}


if __name__ == "__main__":
    sys.exit(main())
