"""Questions come with the package: the wheel alone, in an empty directory, has what experiments/ has."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from rnaexp.experiment import verbs
from rnaexp.experiment.question import read_question
from rnaexp.experiment.question_file import read_words
from rnaexp.experiment.questions import shipped

from ..command import environment
from ..command import inside as rnaexp

ROOT = Path(__file__).parents[2]
EXPERIMENTS = sorted((ROOT / "experiments").glob("*.toml"))


def test_every_question_of_experiments_ships_and_none_is_written_twice():
    assert [*shipped()] == [path.stem for path in EXPERIMENTS]
    for path in EXPERIMENTS:
        assert shipped()[path.stem].samefile(path)
        if not read_words(path).task:
            assert read_question(shipped()[path.stem]) == read_question(path)


def test_questions_are_listed_and_shown(tmp_path):
    told = json.loads(rnaexp("questions", "list", "--json", cwd=tmp_path).stdout)["questions"]
    assert [one["name"] for one in told] == [path.stem for path in EXPERIMENTS]
    assert next(one for one in told if one["name"] == "builtin")["models"] == 17
    assert "builtin " in rnaexp("questions", "list", cwd=tmp_path).stdout
    shown = rnaexp("questions", "show", "builtin", cwd=tmp_path)
    assert shown.stdout == (ROOT / "experiments" / "builtin.toml").read_text()


def test_a_bare_run_asks_the_builtin_question_and_a_file_comes_before_a_name(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(verbs, "question", lambda path, *rest, **more: asked.append(Path(path).resolve()))
    (tmp_path / "nano").write_text((ROOT / "experiments" / "builtin.toml").read_text())
    for words in ((), ("builtin",), ("fitness",), ("nano",)):
        done = rnaexp("run", *words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    expected = ["builtin.toml", "builtin.toml", "fitness.toml"]
    assert asked == [*(ROOT / "experiments" / name for name in expected), tmp_path / "nano"]


@pytest.mark.fault
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("run", "nothing"), 65, "no question 'nothing', and no such file"),
        (("run", "nothing.toml"), 65, "nothing.toml"),
        (("questions", "show", "nothing"), 65, "no question 'nothing'"),
        (("run", "--test", "mine.fa"), 2, "--test goes with --model"),
        (("run", "--seed", "3"), 2, "--seed goes with --model"),
        (("run", "--register"), 2, "--register goes with --model"),
    ],
)
def test_what_is_no_question_is_one_line(tmp_path, words, code, said):
    done = rnaexp(*words, cwd=tmp_path)
    assert done.returncode == code
    assert said in " ".join(done.stderr.replace("│", " ").split()), done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, unpacked where nothing else of the project is."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("src", "experiments"):
        shutil.copytree(
            ROOT / name, source / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    code = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, out], cwd=source, capture_output=True, check=True)
    (built,) = out.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(out / "unpacked")
    return out / "unpacked"


def test_the_wheel_is_the_product(wheel, tmp_path):
    held = {path.relative_to(wheel).as_posix() for path in wheel.rglob("*") if path.is_file()}
    assert {f"rnaexp/questions/{path.name}" for path in EXPERIMENTS} <= held
    assert not [name for name in held if not name.startswith(("rnaexp/", "rnaexp-"))]
    for words in (("questions", "show", "builtin"), ("data", "show", "builtin-ts")):
        assert said_by(wheel, tmp_path, *words)


@pytest.mark.slow
def test_the_wheel_predicts_in_an_empty_directory(wheel, tmp_path):
    """Its functions are compiled first, which takes most of a minute; the packages are those of this environment."""
    (tmp_path / "my.fa").write_text(">a\nGGGGAAAACCCC\n")
    said_by(wheel, tmp_path, "predict", "--model", "viennarna", "my.fa")
    assert (tmp_path / "predictions" / "pairs.csv").read_text().count("\n") > 2


def said_by(wheel, place, *words):
    code = "import sys, rnaexp; print(rnaexp.__file__); from rnaexp.__main__ import _run; sys.exit(_run(sys.argv[1:]))"
    variables = environment(PYTHONPATH=os.fspath(wheel))
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, cwd=place, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(os.fspath(wheel))
    return done.stdout.partition("\n")[2]
