"""The direction of imports, and who may import what."""

import ast
import re
from collections import Counter
from pathlib import Path

import networkx as nx
import pytest

import rnaexp
from tests.planting import planted

SOURCE = Path(rnaexp.__file__).parent
ORDER = [
    {"typing", "errors", "plugins", "progress", "compiled", "choices", "settings"},
    {"rna"},
    {"data"},
    {"models"},
    {"structure", "classify", "fitness", "stats"},
    {"reading"},
    {"track", "pretrain"},
    {"tasks"},
    {"report"},
    {"experiment"},
    {"callbacks"},
    {"cli"},
    {"__main__"},
]
OWNERS = {"mlflow": {"track"}, "optuna": {"structure"}, "lightning": {"reading", "pretrain", "callbacks"}}
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


def file_imports(source):
    """Each module of the tree (dotted, below rnaexp) and the modules that it imports anywhere in it."""
    paths = sorted(source.rglob("*.py"))
    names = [".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    found = nx.DiGraph()
    for module, path in zip(names, paths, strict=True):
        found.add_node(module)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "rnaexp":
                package = node.module.removeprefix("rnaexp").lstrip(".")
                whole = [f"{package}.{alias.name}".lstrip(".") for alias in node.names]
                found.add_edges_from((module, each if each in names else package) for each in whole)
            elif isinstance(node, ast.Import):
                found.add_edges_from(
                    (module, a.name.removeprefix("rnaexp.")) for a in node.names if "rnaexp." in a.name
                )
    return found


def circles(graph):
    """Each set of two or more nodes that reach one another."""
    return [sorted(some) for some in nx.strongly_connected_components(graph) if len(some) > 1]


def packages(graph):
    """The same between packages, each task's being one of its own."""

    def package(module):
        parts = module.split(".")
        return ".".join(parts[:2]) if parts[0] == "tasks" and len(parts) > 2 else parts[0]

    return nx.DiGraph((package(one), package(other)) for one, other in graph.edges if package(one) != package(other))


def test_no_files_and_no_packages_import_each_other():
    graph = file_imports(SOURCE)
    assert circles(graph) == []
    assert circles(packages(graph)) == []


@pytest.mark.parametrize(
    ("one", "other", "of_files"),
    [
        (("data/a.py", "from rnaexp.data import b"), ("data/b.py", "def f():\n    from rnaexp.data.a import x"), True),
        (("track/a.py", "from rnaexp.pretrain.b import x"), ("pretrain/c.py", "import rnaexp.track.a"), False),
    ],
)
def test_a_planted_circle_is_found(tmp_path, one, other, of_files):
    for name, text in (one, other, ("pretrain/b.py", "")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    graph = file_imports(tmp_path)
    assert bool(circles(graph)) == of_files
    assert bool(circles(packages(graph))) != of_files


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


def parameters(function):
    names = [one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def test_no_function_takes_more_than_eight_parameters():
    """A verb of the command line may: its parameters are its options."""
    many = [
        (str(path.relative_to(SOURCE)), node.name, parameters(node))
        for path in SOURCE.rglob("*.py")
        if path.parent != SOURCE / "cli"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and parameters(node) > 8
    ]
    assert many == []


PRIVATE = re.compile(r"(^|_)(told|asked|said|board|boards|kin|twin)(_|$)")  # words that only we understand


def test_names_are_words_of_the_field():
    found = {
        f"{path.relative_to(SOURCE)}: {name}"
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (getattr(node, field, None) for field in ("id", "attr", "arg", "name"))
        if isinstance(name, str) and PRIVATE.search(name)
    }
    assert found == set()


def test_there_is_no_place_for_what_has_no_place():
    assert not [p for p in SOURCE.rglob("*") if p.stem in {"utils", "helpers", "common", "base"}]


def test_every_listed_mutation_can_still_be_planted():
    from tests.mutations import MUTATIONS

    gone = []
    for what, name, where, code, broken in MUTATIONS:
        source = (SOURCE / name).read_text()
        try:
            assert planted(source, where, code, broken) != ast.unparse(ast.parse(source)), f"{what}: alters nothing"
        except LookupError as error:
            gone.append(f"{what}: {error}")
    assert gone == [], "the source has moved on: say in tests/mutations.py where the step is now"


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    return x + 1  # one more\n",
        "def g(x):\n    return x + 1\n\ndef f(x):\n    return (\n        x\n        + 1\n    )\n",
    ],
)
def test_a_mutation_is_planted_by_its_syntax_tree(source):
    assert planted(source, "f", "x + 1", "x - 1").count("x - 1") == 1
    for where, code in (("f", "x + 2"), ("h", "x + 1")):
        with pytest.raises(LookupError):
            planted(source, where, code, "0")
    with pytest.raises(LookupError, match="2 times"):
        planted("def f(x):\n    return [x, x]\n", "f", "x", "0")


def test_a_mutation_may_be_some_statements_or_what_a_name_is_given():
    source = "A = make(one=b, two=b)\nif A:\n    a = 1\n    b = 2\n    c = 3\n"
    assert planted(source, "", "a = 1\nb = 2", "a = 2") == "A = make(one=b, two=b)\nif A:\n    a = 2\n    c = 3"
    assert "make(one=b, two=None)" in planted(source, "A.two", "b", "None")


def test_the_readme_says_nothing_twice():
    """A merge once left an old copy of a whole section, table and all."""
    lines = [line for line in (Path(__file__).parents[1] / "README.md").read_text().splitlines() if len(line) > 60]
    twice = [line for line, times in Counter(lines).items() if times > 1 and not line.startswith("| model |")]
    assert not twice
