"""The plan's splits: with --val-fraction, which new images are validation images. plan.py describes the tables.

An image keeps its split for good, so no later run trains on what an earlier one validated with. The split follows from
the file's content: one picture of two classes is in one split.
"""

from retrieval.dataset_files import SPLITS

# A number from 0 to 1 that depends on the image's file alone.
_NUMBER = f"('0x' || left(md5('split:' || sha256), 12))::BIGINT / {16**12}"


def assign_splits(database, val_fraction: float) -> None:
    """Give the new images of `outcome` their split: "val" for a file with a number below `val_fraction`, else "train".

    A class of two or more images that has no validation image then gives its lowest number. So readers that count
    class folders count the same ones in both splits.
    """
    train, val = SPLITS
    database.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE held AS
        SELECT key, class, sha256, {_NUMBER} AS number, NOT is_placed AS is_new,
               CASE WHEN is_placed THEN split = '{val}' ELSE number < {val_fraction} END AS is_val
        FROM outcome WHERE drop_reason IS NULL
        UNION ALL
        SELECT key, class, sha256, {_NUMBER}, false, split = '{val}' FROM placed
        WHERE key NOT IN (SELECT key FROM leaving) AND key NOT IN (SELECT key FROM outcome);

        CREATE OR REPLACE TEMP TABLE val_files AS
        SELECT sha256 FROM held WHERE is_new AND is_val
        UNION
        SELECT arg_min(sha256, number) FILTER (is_new) FROM held
        GROUP BY class HAVING count(*) > 1 AND NOT bool_or(is_val);

        UPDATE outcome SET split = new.split
        FROM (
            SELECT held.key, coalesce(
                       min(placed.split),
                       CASE WHEN held.sha256 IN (FROM val_files) THEN '{val}' ELSE '{train}' END
                   ) AS split
            FROM held LEFT JOIN placed ON placed.sha256 = held.sha256
            WHERE is_new GROUP BY held.key, held.sha256
        ) AS new
        WHERE new.key = outcome.key;

        DROP TABLE held; DROP TABLE val_files
        """
    )
