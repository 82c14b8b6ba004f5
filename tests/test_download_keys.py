"""Keys: decimal, never shared, and those of older versions: refused, renamed, still understood by --drop."""

import hashlib
import json
import shutil

import pytest
from download_server import chunks, contents, loaded, planned, record

from retrieval.download import keys, old_keys, plan_keys
from retrieval.download.plan_choice import count_dropped, count_wanted

pytest_plugins = "download_server"  # the fixtures `server` and `download`


def old_key(url: str, name: str) -> str:
    return hashlib.sha256(f"{url}\n{name}".encode()).hexdigest()[:20]


def as_an_older_version_wrote(dataset, tmp_path) -> dict[str, str]:
    """Make a folder one of an older version's; returns new key -> old key."""
    lines, names = [], {}
    for line in (dataset / "metadata.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        old = names[entry["key"]] = old_key(entry["url"], entry["QUERY"])
        file_name = f"{entry.pop('label')}/{old}.jpg"
        (dataset / entry["file_name"]).rename(dataset / file_name)
        lines.append(entry | {"file_name": file_name, "key": old})
    lines.sort(key=lambda entry: entry["key"])
    (dataset / "metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    (dataset / "README.md").unlink()
    return names


def test_a_key_is_the_same_in_sql_and_in_python_and_fits_a_signed_integer(tmp_path):
    urls = [f"http://example.com/{number}/é?a='b'" for number in range(200)]
    database = planned(tmp_path, [record(url, "gar çon") for url in urls])
    found = dict(database.execute("SELECT URL, key FROM asked").fetchall())
    assert found == {url: keys.key_of(url, "gar çon") for url in urls}
    assert all(str(int(key)) == key and int(key) < 2**63 for key in found.values())
    digest = hashlib.sha256(f"{urls[0]}\ngar çon".encode()).hexdigest()
    assert int(found[urls[0]]) == int(digest[:16], 16) >> 1


def test_of_pairs_that_share_a_key_one_is_kept_and_the_others_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(keys, "KEY_BITS", 5)
    rows = [record(f"http://example.com/{number}", ["a", "b"][number % 2]) for number in range(100)] * 2
    database = planned(tmp_path, rows)
    wanted, _ = count_wanted(database)
    owners = database.execute("SELECT key, count(DISTINCT (url_hash, QUERY)) FROM asked GROUP BY key").fetchall()
    assert wanted <= 32 and all(count == 1 for key, count in owners if key is not None)
    assert count_dropped(database)["key of another image"] == 200 - 2 * wanted
    again = planned(tmp_path, rows[::-1])
    chosen = "SELECT key, class FROM pairs ORDER BY key"
    assert database.execute(chosen).fetchall() == again.execute(chosen).fetchall()


def test_an_image_of_the_folder_keeps_its_key(tmp_path):
    database = planned(tmp_path, [record("http://example.com/1"), record("http://example.com/2")])
    mine = keys.key_of("http://example.com/1", "banded")
    database.execute(
        "INSERT INTO placed (key, url, url_hash, class, digest) SELECT ?, 'x', md5_number('x'), 'banded', 'f'", [mine]
    )
    plan_keys.settle_keys(database)
    found = database.execute("SELECT URL FROM asked WHERE key IS NOT NULL").fetchall()
    assert found == [("http://example.com/2",)]


@pytest.fixture
def old_folder(server, tmp_path, download):
    """A dataset folder of an older version, beside a `fresh` one with its bytes in this version."""
    rows = [record(f"{server.at}/jpeg/{number}", ["banded", "dotted"][number % 2]) for number in range(12)]
    chunks(tmp_path / "chunks", rows)
    download(out="fresh/dataset")
    shutil.copytree(tmp_path / "fresh", tmp_path / "old")
    return as_an_older_version_wrote(tmp_path / "old" / "dataset", tmp_path)


def test_a_folder_with_old_keys_is_refused_and_renamed_it_is_that_of_a_new_run(old_folder, server, tmp_path, download):
    before, asked = contents(tmp_path / "old"), len(server.asked)
    assert "add --rename-old-keys" in download(out="old/dataset", code=2).stderr
    assert "leave one of them out" in download("--rename-old-keys", "--dry-run", out="old/dataset", code=2).stderr
    assert contents(tmp_path / "old") == before
    assert "renamed: 12 images" in download("--rename-old-keys", out="old/dataset").stderr
    assert contents(tmp_path / "old") == contents(tmp_path / "fresh") and len(server.asked) == asked
    loaded(tmp_path, "old/dataset")


class Killed(BaseException):
    """What ends a run at any moment."""


def test_renaming_that_is_killed_at_any_moment_goes_on(old_folder, tmp_path, monkeypatch):
    fresh = {name: data for name, data in contents(tmp_path / "fresh").items() if name.endswith(".jpg")}
    (tmp_path / "old" / "dataset" / "banded" / f"{'0' * 20}.jpg").write_bytes(b"placed by a run that was killed")
    for renames in range(13):
        dataset = tmp_path / f"killed{renames}" / "dataset"
        shutil.copytree(tmp_path / "old", dataset.parent)
        left, real = iter(range(renames)), type(dataset).rename

        def rename(path, to, left=left, real=real):
            if next(left, None) is None:
                raise Killed
            return real(path, to)

        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(type(dataset), "rename", rename)
            patch.setattr(old_keys, "complete_file", lambda path: (_ for _ in ()).throw(Killed))
            old_keys.rename_old_keys(dataset)
        with pytest.raises(old_keys.UserError, match="rename-old-keys"):
            old_keys.refuse_old_keys(dataset)
        assert old_keys.rename_old_keys(dataset) == 12
        old_keys.refuse_old_keys(dataset)
        found = contents(dataset.parent)
        assert {name: data for name, data in found.items() if name.endswith(".jpg")} == fresh


def test_images_of_an_older_version_without_metadata_are_refused(tmp_path):
    (tmp_path / "banded").mkdir()
    (tmp_path / "banded" / f"{'0a' * 10}.jpg").touch()
    with pytest.raises(old_keys.UserError, match="no metadata.jsonl"):
        old_keys.refuse_old_keys(tmp_path)


def test_drop_understands_old_keys(old_folder, tmp_path, download):
    gone = sorted(old_folder)[:2]
    (tmp_path / "list").write_text(f"{old_folder[gone[0]]}\nbanded/{old_folder[gone[1]]}.jpg\n")
    assert "name no image" not in download("--drop", tmp_path / "list", out="fresh/dataset").stderr
    assert set(loaded(tmp_path, "fresh/dataset")[1]) == set(old_folder) - {*gone}


def test_random_samples_are_those_of_older_versions(tmp_path):
    urls = [f"http://example.com/{number}" for number in range(50)]
    database = planned(tmp_path, [record(url) for url in urls], max_per_class=10, seed=3)
    kept = {url for (url,) in database.execute("SELECT URL FROM wanted JOIN asked USING (key)").fetchall()}
    drawn = sorted(urls, key=lambda url: hashlib.md5(f"3:{old_key(url, 'banded')}".encode()).hexdigest())
    assert kept == set(drawn[:10])
