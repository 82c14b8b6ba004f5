"""Make the embedded pool: 3,000 drawn images with web-like captions, among 200,000 rows with other captions.

In:  a seed.
Out: in --output, always the same bytes for the same seed:
     shards/             four parquet shards and one FTS5 database, with the file names and columns of LAION-2B-en
     pictures/           JPEG files, also for dead links (which died after their images were embedded)
     metadata/           metadata_0000.parquet: the rows that have an image, from which the kNN index is built
     answers.json        what the image server answers per path: the image, 404, HTML, or the image after a delay
     ground_truth.parquet  per image: the class it shows, the kind of its caption, and the answer; no stage reads this
     contact_sheet.png   eight images per class, to look at
     pool.json           the settings and counts, written last; a pool with the same settings is not made again

    python demo/make_pool.py --output outputs/demo/pool
    python demo/make_pool.py --output /tmp/pool --seed 7 --port 9000
"""

import argparse
import hashlib
import json
import os
import shutil
import sqlite3
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

PORT = 8917  # of the image server, so it is part of every URL
IMAGES = 3_000
OTHER_ROWS = 200_000
CAPTION_SHARES = {"template": 0.48, "other words": 0.31, "unnamed": 0.18, "wrong": 0.03}
NSFW_SHARE, UNSURE_SHARE = 0.02, 0.05  # LAION-2B-en: 2.9 % NSFW, about 5 % UNSURE
ANSWER_SHARES = {"picture": 0.955, "dead": 0.02, "html": 0.01, "slow": 0.015}
SIDES = (192, 224, 256, 288)  # pixels
LICENSES = ("?", "?", "?", "Creative Commons", None)  # LAION writes ? for most rows
PUBLISHED_NAME = "part-{:05d}-5114fd87-297e-42b0-9d11-50f1df323dfa-c000.snappy.{}"
PARQUET_SHARDS = 4  # and then one database
FIRST_ID = 1_137_000_000_000_000_000  # beyond 2^53, so that an id which passes through a float becomes wrong
MADE_BY = ("make_pool.py", "draw_textures.py", "web_captions.py")


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="a new folder, or an older pool")
    parser.add_argument("--seed", type=int, default=0, help="(default %(default)s)")
    parser.add_argument("--port", type=int, default=PORT, help="of the URLs (default %(default)s)")
    parser.add_argument("--images", type=int, default=IMAGES, help="rows with an image (default %(default)s)")
    parser.add_argument("--other-rows", type=int, default=OTHER_ROWS, help="without one (default %(default)s)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="drawing processes (default: one per core)")
    return parser


def main(argv: list[str] | None = None) -> int:
    flags = make_parser().parse_args(argv)
    settings = {
        "seed": flags.seed, "port": flags.port, "images": flags.images, "other_rows": flags.other_rows,
        "scripts": {name: _digest(Path(__file__).with_name(name)) for name in MADE_BY},
    }  # fmt: skip
    manifest = flags.output / "pool.json"
    if manifest.is_file() and json.loads(manifest.read_text())["settings"] == settings:
        print(f"{flags.output} is there already, made by these scripts with seed {flags.seed}")
        return 0
    if flags.images < 100 or flags.other_rows < 0:
        print("error: --images must be 100 or more, and --other-rows 0 or more", file=sys.stderr)
        return 2
    if flags.output.is_dir() and any(flags.output.iterdir()) and not (flags.output / "pictures").is_dir():
        print(f"error: --output {flags.output} holds other things than a pool: give a new folder", file=sys.stderr)
        return 2
    try:
        manifest.unlink(missing_ok=True)
        for name in ("pictures", "shards", "metadata"):
            shutil.rmtree(flags.output / name, ignore_errors=True)
            (flags.output / name).mkdir(parents=True)
    except OSError as error:
        print(f"error: --output {flags.output} cannot be written: {error.strerror}", file=sys.stderr)
        return 2

    plan = [(flags.seed, number, flags.output / "pictures") for number in range(flags.images)]
    with ProcessPoolExecutor(flags.workers) as workers:
        with_image = list(workers.map(make_image, plan, chunksize=25))
    rows = rows_of_the_pool(with_image, flags.seed, flags.other_rows, flags.port)
    counts = write_pool(flags.output, rows)
    write_contact_sheet(flags.output, with_image)
    manifest.write_text(json.dumps({"settings": settings, "counts": counts}, indent=1) + "\n")
    print(json.dumps(counts, indent=1))
    return 0


def make_image(task) -> dict:
    """Draw one image and write its caption. Both depend only on the seed and the number of the image."""
    seed, number, folder = task
    import numpy as np
    from draw_textures import CLASSES, draw
    from PIL import Image
    from web_captions import caption

    random = np.random.default_rng([seed, number])
    width, height = (int(side) for side in random.choice(SIDES, 2))
    drawing = draw(CLASSES[number % len(CLASSES)], seed * 100_000 + number, height, width)
    kind = str(random.choice(list(CAPTION_SHARES), p=list(CAPTION_SHARES.values())))
    text = caption(random, drawing, kind)
    name = hashlib.sha256(f"{seed} {number}".encode()).hexdigest()[:12] + ".jpg"  # the name does not reveal the class
    Image.fromarray(drawing.pixels).save(folder / name, quality=int(random.integers(78, 95)))
    return {
        "image_path": name,
        "TEXT": text.text,
        "HEIGHT": height,
        "WIDTH": width,
        "class_shown": drawing.class_name,
        "caption_kind": kind,
        "class_named": text.class_name,
        "answer": str(random.choice(list(ANSWER_SHARES), p=list(ANSWER_SHARES.values()))),
    }


def rows_of_the_pool(with_image: list[dict], seed: int, other_rows: int, port: int):
    """All rows as a pandas frame, shuffled: LAION's columns and the truth. `image_path` is null without an image."""
    import numpy as np
    import pandas
    from web_captions import about_other_things

    random = np.random.default_rng([seed, 1 << 40])
    others = pandas.DataFrame({"TEXT": about_other_things(random, other_rows)})
    others["HEIGHT"] = random.integers(120, 2_000, other_rows)
    others["WIDTH"] = random.integers(120, 2_000, other_rows)
    rows = pandas.concat([pandas.DataFrame(with_image), others], ignore_index=True)
    host = f"http://127.0.0.1:{port}"
    has_image = rows["image_path"].notna()
    path = np.where(has_image, "/images/" + rows["image_path"].fillna(""), "/others/" + rows.index.astype(str) + ".jpg")
    rows["URL"] = host + path
    rows["SAMPLE_ID"] = FIRST_ID + random.permutation(len(rows) * 7)[: len(rows)].astype(np.int64)
    rows["LICENSE"] = [LICENSES[choice] for choice in random.integers(len(LICENSES), size=len(rows))]
    tags = ["NSFW", "UNSURE", "UNLIKELY"]
    rows["NSFW"] = random.choice(tags, len(rows), p=[NSFW_SHARE, UNSURE_SHARE, 1 - NSFW_SHARE - UNSURE_SHARE])
    rows["similarity"] = random.normal(0.32, 0.025, len(rows)).clip(0.28, 0.45).round(6)
    return rows.iloc[random.permutation(len(rows))].reset_index(drop=True)


def write_pool(output: Path, rows) -> dict:
    """Write shards, metadata, answers and ground truth; return the counts."""
    import numpy as np
    import pyarrow
    from pyarrow import parquet

    schema = pyarrow.schema(
        [("SAMPLE_ID", pyarrow.int64()), ("URL", pyarrow.string()), ("TEXT", pyarrow.string()),
         ("HEIGHT", pyarrow.int32()), ("WIDTH", pyarrow.int32()), ("LICENSE", pyarrow.string()),
         ("NSFW", pyarrow.string()), ("similarity", pyarrow.float64())]
    )  # fmt: skip
    names = []
    for shard, part in enumerate(np.array_split(np.arange(len(rows)), PARQUET_SHARDS + 1)):
        names.append(PUBLISHED_NAME.format(shard, "parquet" if shard < PARQUET_SHARDS else "db"))
        table = pyarrow.Table.from_pandas(rows.iloc[part][schema.names], schema, preserve_index=False)
        if shard < PARQUET_SHARDS:
            parquet.write_table(
                table.replace_schema_metadata(None), output / "shards" / names[-1], compression="snappy"
            )
        else:
            _write_database(output / "shards" / names[-1], table)

    with_image = rows[rows["image_path"].notna()].reset_index(drop=True)
    schema = schema.append(pyarrow.field("image_path", pyarrow.string()))
    table = pyarrow.Table.from_pandas(with_image[schema.names], schema, preserve_index=False)
    parquet.write_table(table.replace_schema_metadata(None), output / "metadata" / "metadata_0000.parquet")
    truth = with_image[["SAMPLE_ID", "URL", "class_shown", "caption_kind", "class_named", "answer", "NSFW"]]
    truth = pyarrow.Table.from_pandas(truth, preserve_index=False).replace_schema_metadata(None)
    parquet.write_table(truth, output / "ground_truth.parquet")
    answers = {f"/images/{row.image_path}": row.answer for row in with_image.itertuples()}
    (output / "answers.json").write_text(json.dumps(answers, sort_keys=True, indent=0) + "\n")
    tagged = with_image["NSFW"] == "NSFW"
    return {
        "rows": len(rows),
        "images": len(with_image),
        "classes": with_image["class_shown"].nunique(),
        "captions": with_image["caption_kind"].value_counts().sort_index().to_dict(),
        "answers": with_image["answer"].value_counts().sort_index().to_dict(),
        "tagged_nsfw": int((rows["NSFW"] == "NSFW").sum()),
        "images_tagged_nsfw": int(tagged.sum()),
        "live_untagged_images": int((with_image["answer"].isin(["picture", "slow"]) & ~tagged).sum()),
        "shards": names,
    }


def _write_database(path: Path, table) -> None:
    columns = ", ".join(table.column_names)
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute(f"CREATE VIRTUAL TABLE samples USING fts5({columns})")
    values = zip(*(column.to_pylist() for column in table.columns), strict=True)
    connection.executemany(f"INSERT INTO samples VALUES ({', '.join('?' * table.num_columns)})", values)
    connection.commit()
    connection.close()


def write_contact_sheet(output: Path, with_image: list[dict]) -> None:
    from draw_textures import CLASSES
    from PIL import Image, ImageDraw

    side, each = 96, 8
    sheet = Image.new("RGB", (100 + each * side, len(CLASSES) * side), "white")
    for row, class_name in enumerate(CLASSES):
        ImageDraw.Draw(sheet).text((6, row * side + side // 2 - 6), class_name, fill="black")
        shown = [image["image_path"] for image in with_image if image["class_shown"] == class_name][:each]
        for column, name in enumerate(shown):
            thumbnail = Image.open(output / "pictures" / name).resize((side, side))
            sheet.paste(thumbnail, (100 + column * side, row * side))
    sheet.save(output / "contact_sheet.png")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main())
