"""WordNet's nouns, from its own files: index.noun, data.noun, noun.exc (wndb(5WN)). Debian's `wordnet-base` has them.

    wordnet = open_wordnet(None)                    # None where there is no WordNet
    wordnet.senses("crane")[1].gloss                # "lifts and moves heavy objects; ..."

A sense is a synset: its lemmas are names of one thing. Standard library only.
"""

from dataclasses import dataclass
from pathlib import Path

from retrieval.cli import UserError

DEFAULT = Path("/usr/share/wordnet")  # of Debian's package
FILES = ("index.noun", "data.noun")
# Lexicographer files (lexnames(5WN)) of things that a photograph can show: animals, artifacts, bodies, food, natural
# objects, plants, substances. Not persons: most of those are what people call each other.
VISIBLE = {"05", "06", "08", "13", "17", "20", "27"}


@dataclass(frozen=True)
class Sense:
    lemmas: tuple[str, ...]  # as people write them: "great white shark"
    gloss: str  # its definition, without examples
    is_visible: bool


class WordNet:
    def __init__(self, folder: Path):
        """Reads the index (5 MB, 0.2 s). A sense is read when it is asked for.

        Raises:
            UserError: a file is not there, or is no file of WordNet's.
        """
        for name in FILES:
            if not (folder / name).is_file():
                raise UserError(
                    f"--wordnet {folder} has no {name}: give the folder of WordNet's index.noun and data.noun (Debian: "
                    "apt-get install wordnet-base)"
                )
        self._data = folder / "data.noun"
        lines = (folder / "index.noun").read_text(encoding="utf-8", errors="replace").splitlines()
        # The first lines, which begin with a space, are the licence.
        self._offsets_of = {line.split(" ", 1)[0]: line for line in lines if not line.startswith(" ")}
        self._plurals: dict[str, str] = {}
        if (folder / "noun.exc").is_file():
            for line in (folder / "noun.exc").read_text(encoding="utf-8", errors="replace").splitlines():
                plural, *singulars = line.split()
                for singular in singulars:
                    self._plurals.setdefault(singular, plural)

    def senses(self, name: str) -> list[Sense]:
        """The senses of a noun, the most frequent one first. Empty where WordNet does not know it."""
        line = self._offsets_of.get(name.lower().replace(" ", "_"))
        return list(map(self._sense, offsets_in(line))) if line else []

    def count(self, name: str) -> int:
        """How many senses a noun has."""
        line = self._offsets_of.get(name.lower().replace(" ", "_"))
        return len(offsets_in(line)) if line else 0

    def irregular_plural(self, name: str) -> str | None:
        """ "wolves" of "wolf"; None where the plural follows the rules."""
        return self._plurals.get(name)

    def _sense(self, offset: int) -> Sense:
        with open(self._data, "rb") as file:
            file.seek(offset)
            line = file.readline().decode("utf-8", "replace")
        fields, _, gloss = line.partition(" | ")
        _, file_number, _, count, *words = fields.split()
        lemmas = tuple(word.replace("_", " ") for word in words[: 2 * int(count, 16) : 2])
        return Sense(lemmas, gloss.partition(";")[0].strip(), file_number in VISIBLE)


def offsets_in(line: str) -> list[int]:
    """The places of a noun's senses in data.noun: the last fields of its line in index.noun, as many as field 3 says.

    Raises:
        UserError: the line is not WordNet's.
    """
    fields = line.split()
    try:
        return [int(offset) for offset in fields[-int(fields[2]) :]]
    except (ValueError, IndexError):
        raise UserError(f"--wordnet: index.noun has a line that is not WordNet's: {line[:60]!r}") from None


def open_wordnet(folder: Path | None) -> WordNet | None:
    """WordNet in this folder; without one, Debian's, or None where that is not installed.

    Raises:
        UserError: the folder is not WordNet's.
    """
    if folder is None and not all((DEFAULT / name).is_file() for name in FILES):
        return None
    return WordNet(folder or DEFAULT)
