"""The direction of imports, and who may import what."""

import ast
from collections import Counter
from pathlib import Path

import pytest

import rnaexp

SOURCE = Path(rnaexp.__file__).parent
ORDER = [
    {"typing", "errors", "plugins"},
    {"rna"},
    {"data"},
    {"models"},
    {"structure", "classify", "fitness", "stats"},
    {"track", "store", "lit", "pretrain"},
    {"tasks"},
    {"run", "report"},
    {"experiment"},
    {"callbacks"},
    {
        "cli",
        "cli_models",
        "cli_embeddings",
        "cli_fitness",
        "cli_pretrain",
        "cli_msa",
        "cli_options",
        "cli_score",
        "cli_search",
        "cli_tasks",
        "cli_tracking",
        "cli_use",
    },
    {"__main__"},
]
OWNERS = {"mlflow": {"track"}, "optuna": {"structure"}, "lightning": {"lit", "pretrain", "callbacks"}}
LIMIT = 300


def level(part):
    return next(at for at, parts in enumerate(ORDER) if part in parts)


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            if node.module == "rnaexp":
                yield from (f"rnaexp.{alias.name}" for alias in node.names)


def faults(source):
    found = []
    for path in sorted(source.rglob("*.py")):
        part = path.relative_to(source).parts[0].removesuffix(".py")
        if path.name == "__init__.py" and path.parent == source:
            continue
        for name in imports(ast.parse(path.read_text())):
            words = name.split(".")
            if words[0] == "rnaexp" and len(words) > 1 and level(words[1]) > level(part):
                found.append(f"{path.relative_to(source)} imports {name}, which stands above it")
            if words[0] in OWNERS and part not in OWNERS[words[0]]:
                found.append(f"{path.relative_to(source)} imports {words[0]}")
    return found


def test_nothing_imports_what_stands_above_it():
    assert faults(SOURCE) == []


@pytest.mark.parametrize(
    ("path", "line", "complaint"),
    [
        ("rna.py", "from rnaexp.models import load", "rna.py imports rnaexp.models"),
        ("data/sets.py", "from rnaexp import cli", "data/sets.py imports rnaexp.cli"),
        ("structure/curve.py", "def f():\n    import mlflow", "structure/curve.py imports mlflow"),
    ],
)
def test_a_planted_upward_import_is_found(tmp_path, path, line, complaint):
    planted = tmp_path / path
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text(line + "\n")
    assert any(fault.startswith(complaint) for fault in faults(tmp_path))


def test_nothing_imports_what_is_agpl():
    importers = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if any(name.split(".")[0] == "multimolecule" for name in imports(ast.parse(path.read_text())))
    }
    assert importers == set()


def test_no_file_is_longer_than_a_reader_holds_in_mind():
    long = {
        str(p.relative_to(SOURCE)): n for p in SOURCE.rglob("*.py") if (n := len(p.read_text().splitlines())) > LIMIT
    }
    assert long == {}


def test_there_is_no_place_for_what_has_no_place():
    assert not [p for p in SOURCE.rglob("*") if p.stem in {"utils", "helpers", "common", "base"}]


def test_every_listed_mutation_can_still_be_planted():
    from tests.mutations import MUTATIONS

    gone = [what for what, name, code, _ in MUTATIONS if (SOURCE / name).read_text().count(code) != 1]
    assert gone == [], "the source has moved on: say in tests/mutations.py where the step is now"


def test_the_readme_says_nothing_twice():
    """A merge once left an old copy of a whole section, table and all."""
    lines = [line for line in (Path(__file__).parents[1] / "README.md").read_text().splitlines() if len(line) > 60]
    twice = [line for line, times in Counter(lines).items() if times > 1 and not line.startswith("| model |")]
    assert not twice
