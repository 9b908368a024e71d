"""What should be known of a table: each note once, what holds for every row below all of them."""

from ..command import inside
from ..planted_sets import write_set


def test_notes_of_several_models_are_not_repeated(tmp_path):
    write_set(tmp_path / "vl.fa", 1, 4, "v")
    test = write_set(tmp_path / "ts.fa", 2, 3, "t")
    test.write_text(test.read_text() + ">bare\nAAAAAAAACAAAAAAAA\n.................\n")
    words = ("run", "--model", "stems", "--model", "random", "--validation", "vl.fa", "--test", "ts.fa")
    done = inside(*words, "--related", "keep", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("1 RNAs skipped: no reference pairs (bare)") == 1, "of two models on the same set"
    few = "3 families are too few for a claim: no interval, no rank"
    assert done.stdout.count(few) == 1, "it holds for every row"
    own = [line for line in done.stdout.splitlines() if line.startswith(("stems: ", "random: "))]
    assert all(few not in line for line in own)
    verdict = "random: 3 families are too few for a claim: "
    assert any(line.startswith(verdict) for line in own), "what holds for one row stands with its name"
    assert done.stdout.index("\nall: ") > done.stdout.index("\nrandom: ")
