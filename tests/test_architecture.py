"""Which module may import which: read from the sources with `ast`, so that nothing is executed.

The rule of docs/design.md: script -> one package of retrieval/ -> retrieval/*.py, and never the other way round.
"""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = sorted(path.parent.name for path in ROOT.glob("retrieval/*/__init__.py"))
HELPER_FOLDERS = sorted(path.name for path in ROOT.glob("*_helper"))
MOST_NUMPY_INSIDE = 14  # imports of numpy inside functions of retrieval/ and knn_indices_helper/


def tracked(*patterns: str) -> list[Path]:
    """Python files that git knows or would add, as paths from the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [Path(name) for name in sorted(set(names)) if name.endswith(".py") and (ROOT / name).exists()]


def syntax(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), str(path))


def module_name(path: Path) -> str:
    """`retrieval/download/plan.py` -> `retrieval.download.plan`; a helper script goes by its bare name."""
    parts = path.with_suffix("").parts
    parts = parts[1:] if parts[0] in HELPER_FOLDERS else parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


OURS = {module_name(path): path for path in tracked("*.py") if path.parts[0] not in ("tests", "benchmarks", "demo")}
SCRIPTS = {name for name, path in OURS.items() if len(path.parts) == 1 or path.parts[0] in HELPER_FOLDERS} - {"_root"}


def imported_modules(path: Path) -> set[str]:
    """The modules of ours that a file imports, at its top and inside functions."""
    found = set()
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return {name for name in found if name in OURS}


def package(name: str) -> str | None:
    """The package of retrieval/ that holds the module; None for what is shared."""
    parts = name.split(".")
    return parts[1] if parts[0] == "retrieval" and len(parts) > 1 and parts[1] in PACKAGES else None


def test_the_sources_are_found():
    assert {"substring", "semantic", "download", "indexing", "dataset"} <= set(PACKAGES)
    assert HELPER_FOLDERS == ["dataset_helper", "knn_indices_helper"]
    assert {"retrieval.cli", "retrieval.substring.matching", "retrieval.download.plan"} <= OURS.keys()
    assert {"retrieval.files", "retrieval.records"} <= imported_modules(Path("filter_laion_metadata_substring.py"))
    assert package("retrieval.semantic.knn_search") == "semantic" and package("retrieval.cli") is None


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_imports_nothing_of_another_package(name):
    for path in tracked(f"retrieval/{name}"):
        others = {module for module in imported_modules(path) if package(module) not in (None, name)}
        assert not others, f"{path} imports {others}"


def test_what_scripts_share_imports_nothing_of_a_package():
    for path in tracked("retrieval/*.py"):
        if len(path.parts) == 2:
            above = {name for name in imported_modules(path) if package(name)}
            assert not above, f"{path} imports {above}"


def test_nothing_in_retrieval_imports_a_script():
    for path in tracked("retrieval", "retrieval_templates"):
        assert not imported_modules(path) & SCRIPTS, path


def test_a_script_imports_no_other_script():
    for name in SCRIPTS:
        assert not imported_modules(OURS[name]) & SCRIPTS, OURS[name]


def test_a_script_uses_one_package_only():
    for name in SCRIPTS:
        used = {package(module) for module in imported_modules(OURS[name])} - {None}
        assert len(used) <= 1, f"{OURS[name]} uses {used}"


def test_no_module_imports_itself_by_a_detour():
    """No circle among all imports, those inside functions included."""
    imports = {name: imported_modules(path) - {name} for name, path in OURS.items() if name != "retrieval"}
    done, trail = set(), []

    def visit(name):
        assert name not in trail, f"a circle: {' -> '.join([*trail[trail.index(name) :], name])}"
        if name in done:
            return
        trail.append(name)
        for other in sorted(imports.get(name, ())):
            visit(other)
        trail.pop()
        done.add(name)

    for name in sorted(imports):
        visit(name)


def test_only_root_modules_touch_the_path():
    for path in tracked("*.py"):
        if path.name == "_root.py" or path.parts[0] == "tests":
            continue
        touched = [
            node.lineno
            for node in ast.walk(syntax(path))
            if isinstance(node, ast.Attribute) and node.attr == "path" and ast.unparse(node.value) == "sys"
        ]
        assert not touched, f"{path}:{touched[0]} touches sys.path"


def test_the_root_modules_are_alike():
    texts = {path.read_text(encoding="utf-8") for path in ROOT.glob("*/_root.py")}
    assert len(texts) == 1


def test_numpy_is_imported_at_the_top_of_modules_that_compute():
    inside = []
    for path in tracked("retrieval", "knn_indices_helper"):
        for node in ast.walk(syntax(path)):
            if isinstance(node, ast.Import) and node.col_offset and any(a.name == "numpy" for a in node.names):
                inside.append(f"{path}:{node.lineno}")
    assert len(inside) <= MOST_NUMPY_INSIDE, f"{len(inside)} imports of numpy inside functions: {inside}"
