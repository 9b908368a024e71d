"""Relatives of the test set in the set to tune on: who is left out."""

import random

import pytest

from rnaexp.data.dataset import DataSet, content_sha256
from rnaexp.rna import Rna
from rnaexp.structure.protocol import Scoring
from rnaexp.tasks.pairs.result import Task
from rnaexp.tasks.pairs.sets import _joined, related_ids, sets_of

CHANCE = random.Random(3)
LONG, OTHER = ("".join(CHANCE.choices("ACGU", k=100)) for _ in range(2))


def fasta(path, **sequences):
    lines = [line for name, text in sequences.items() for line in (f">{name}", text, "(" + "." * (len(text) - 2) + ")")]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def data(name, *rnas):
    return DataSet(name=name, rnas=rnas, sha256=content_sha256(rnas), split="all")


def asked(tmp_path, validation, test):
    sets = {"validation": fasta(tmp_path / "v.fa", **validation), "test": fasta(tmp_path / "t.fa", **test)}
    return sets_of(Task(model="random", scoring=Scoring(), **sets))


def test_a_whole_cluster_is_left_out_with_the_one_that_has_a_relative(tmp_path):
    # `copy` is 83 % identical to `near`, and shares nothing with the half of it that is tested on.
    other = {"A": "C", "C": "G", "G": "U", "U": "A"}
    copy = "".join(other[base] if at % 3 == 0 else base for at, base in enumerate(LONG[:50])) + LONG[50:]
    validation, test, related = asked(tmp_path, {"near": LONG, "copy": copy, "far": OTHER}, {"half": LONG[:45]})
    assert related == ("near", "copy")
    names = {rna.id: rna.cluster for rna in (*validation.rnas, *test.rnas)}
    assert names["near"] == names["copy"] == names["half"] != names["far"]


def test_a_hairpin_of_twelve_leaves_nothing_out(tmp_path):
    hairpin = "GGGGAAAACCCC"
    carrier = LONG[:20] + "GGGGAAAA" + LONG[20:]
    assert asked(tmp_path, {"carrier": carrier, "far": OTHER}, {"q": hairpin})[2] == ()
    assert asked(tmp_path, {"same": hairpin, "far": OTHER}, {"q": hairpin})[2] == ("same",)


def test_one_family_is_related_whatever_its_sequences():
    def one(name, text, family, cluster):
        return Rna(id=name, sequence=text, pairs=((0, 9),), family=family, cluster=cluster)

    validation = data("v", one("a", LONG, "tRNA", "a~"), one("b", OTHER, "5S", "b~"), one("c", LONG[::-1], "x", "clan"))
    test = data("t", one("d", OTHER[::-1], "tRNA", "d~"), one("e", "ACGU" * 9, "y", "clan"))
    assert related_ids(_joined(validation, test), test) == ("a", "c")


@pytest.mark.parametrize("pairs", [None, ()])
def test_only_rnas_that_are_tested_on_leave_others_out(pairs):
    validation = data("v", Rna(id="a", sequence=LONG, pairs=((0, 9),), cluster="a~"))
    unscored = Rna(id="b", sequence=LONG, pairs=pairs, cluster="b~")
    assert related_ids(_joined(validation, data("t", unscored)), data("t", unscored)) == ()
    both = data("t", unscored, Rna(id="c", sequence=LONG[:60], pairs=((0, 9),), cluster="c~"))
    assert related_ids(_joined(validation, both), both) == ("a",)
