"""A question that was answered already is not run again, and anything that could change its answer is."""

import json

import pytest

from ..command import inside as rnaexp
from ..command import runs
from ..planted_sets import write_set, write_sets

WORDS = ("run", "--model", "stems", "--validation", "validation.fa", "--test", "test.fa", "--families", "none")
QUESTION = """
models = ["random", "stems"]
[[sets]]
validation = "validation.fa"
test = "test.fa"
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("answered")
    write_sets(folder)
    (folder / "two.toml").write_text(QUESTION)
    for words in ((*WORDS, "--json", "--csv", "one.csv"), ("run", "two.toml", "--json", "--csv", "two.csv")):
        done = rnaexp(*words, cwd=folder)
        assert done.returncode == 0, done.stderr
        assert "answered by" not in done.stderr
        (folder / f"{len(words)}.json").write_text(done.stdout)
    return folder


@pytest.mark.parametrize(
    "words", [(*WORDS, "--json", "--csv", "1.csv"), ("run", "two.toml", "--json", "--csv", "1.csv")]
)
def test_the_same_again_is_shown_to_the_byte_and_leaves_no_run(place, words):
    before = len(runs(place))
    done = rnaexp(*words, cwd=place)
    assert (done.returncode, done.stdout) == (0, (place / f"{len(words)}.json").read_text()), done.stderr
    first = json.loads(done.stdout)
    if "run_id" in first:
        assert f"answered by run {first['run_id']} already" in done.stderr
    assert (place / "1.csv").read_text() == (place / ("two.csv" if "two.toml" in words else "one.csv")).read_text()
    assert len(runs(place)) == before


def test_what_could_change_the_answer_is_run(place, monkeypatch):
    def answered(*more):
        done = rnaexp(*WORDS, *more, cwd=place)
        assert done.returncode == 0, done.stderr
        return "answered by" in done.stderr

    assert answered()
    for more in (("--again",), ("--protocol", "strict"), ("--tag", "why=new"), ("--experiment", "other")):
        assert not answered(*more), more
    with monkeypatch.context() as patch:
        patch.setattr("rnaexp.experiment.answered.source_sha256", lambda: "another version")
        assert not answered()
    write_set(place / "test.fa", 3, 6, "t")
    assert not answered()
    assert answered()
