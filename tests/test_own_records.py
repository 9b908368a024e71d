"""A user's own file with faults in it, as the command line takes it: all are listed, the good records are done."""

import csv
import json
import subprocess
import sys
from dataclasses import replace

import pytest

from rnaexp.models import load
from tests.models.architectures import write_network, write_vocabulary

from .command import answer, environment, inside, rnaexp
from .structure.test_predict import tuned

FIVE = ">one\nGGGRAAACCC\n>two\nGGG-AAACCC\n>three\n>one\nGGGGAAAACCCC\n>five\nGGGAAACCC\n"


@pytest.fixture(scope="module")
def head():
    return replace(tuned(), weights=load("lm-nano", device="cpu").fingerprint).to_json()


@pytest.fixture
def folder(tmp_path, head):
    (tmp_path / "my.fa").write_text(FIVE)
    (tmp_path / "bad.fa").write_text(">a\nACXU\n>b\n")
    (tmp_path / "head.json").write_text(json.dumps(head))
    return tmp_path


def rows(path):
    with path.open(newline="") as file:
        return [tuple(row.values()) for row in csv.DictReader(file)]


PREDICT = ("predict", "--model", "lm-nano", "--tuned", "head.json", "--device", "cpu")


def test_a_fasta_with_faults_gives_structures_of_the_good_ones(folder):
    (folder / "head.json").unlink()  # nothing in the folder but the file
    done = rnaexp("predict", "--model", "lm-nano", "my.fa", "--device", "cpu", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "4 RNAs, " in done.stdout
    assert "; 1 skipped: predictions/skipped.csv" in done.stdout
    told = [line for line in done.stderr.splitlines() if "my.fa" in line]
    assert told[:4] == [
        "rnaexp: my.fa: 1 IUPAC codes of 1 RNAs were read as N",
        "rnaexp: my.fa: 1 gaps of 1 RNAs were removed; an alignment has the ending .a2m, .a3m or .sto",
        "rnaexp: my.fa: 1 names stood before: one is now one.2",
        "rnaexp: left out: my.fa:5: three: empty sequence",
    ]
    assert rows(folder / "predictions" / "skipped.csv") == [("my.fa", "5", "three", "empty sequence")]
    brackets = (folder / "predictions" / "structures.dbn").read_text().splitlines()
    assert [line.split()[0] for line in brackets[::3]] == [">one", ">two", ">one.2", ">five"]
    assert brackets[1::3] == ["GGGNAAACCC", "GGGAAACCC", "GGGGAAAACCCC", "GGGAAACCC"]


def test_nothing_done_is_an_error_with_every_reason(folder):
    done = inside(*PREDICT, "bad.fa", "--out", "out", cwd=folder)
    assert done.returncode == 65
    assert done.stderr.splitlines() == [
        "rnaexp: left out: bad.fa:2: a: letter 'X' at position 3: only A C G U T N are read; N may stand for it",
        "rnaexp: left out: bad.fa:3: b: empty sequence",
        "rnaexp: bad.fa: none of 2 records could be done; out/skipped.csv says why",
    ]
    assert [name for _, _, name, _ in rows(folder / "out" / "skipped.csv")] == ["a", "b"]
    assert inside(*PREDICT, "bad.fa", "--mask", "--out", "masked", cwd=folder).returncode == 0
    strict = inside(*PREDICT, "my.fa", "--strict", "--out", "strict", cwd=folder)
    assert strict.returncode == 65
    assert "my.fa: --strict, and 1 of 5 records are left out; strict/skipped.csv says why" in strict.stderr
    assert not (folder / "strict" / "pairs.csv").exists()


def test_all_too_long_for_the_model_is_an_error_too(folder):
    (folder / "long.fa").write_text(">good\n>long\n" + "ACGU" * 300 + "\n>longer\n" + "ACGU" * 400 + "\n")
    words = ("long.fa", "--model", "lm-nano", "--device", "cpu")
    for verb in (("predict", "--tuned", "head.json", "--out", "out"), ("embed", "--out", "out/e.parquet")):
        done = inside(verb[0], *words, *verb[1:], cwd=folder)
        assert done.returncode == 65, done.stderr
        assert done.stderr.splitlines()[-1].endswith("none of 3 records could be done; out/skipped.csv says why")
        listed = rows(folder / "out" / "skipped.csv")
        assert [(line, name) for _, line, name, _ in listed] == [("1", "good"), ("2", "long"), ("4", "longer")]
        assert listed[1][3] == "1200 bases; lm-nano reads at most 1023"


def test_embeddings_of_the_good_ones(folder):
    done = inside("embed", "my.fa", "--model", "lm-nano", "--device", "cpu", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "4 embeddings: embeddings.parquet; 1 RNAs skipped: skipped.csv" in done.stdout
    assert rows(folder / "skipped.csv") == [("my.fa", "5", "three", "empty sequence")]


def test_another_tools_bad_files_do_not_stop_its_good_ones(folder):
    (folder / "test.fa").write_text("".join(f">{id}\nGGGGAAAACCCC\n((((....))))\n" for id in ("a", "b", "c")))
    (folder / "pairs").mkdir()
    (folder / "pairs" / "a.dbn").write_text(">a\nGGGGAAAACCCC\n((((....)))\n")
    (folder / "pairs" / "b.dbn").write_text(">b\nGGGGAAAACCCC\n((((....))))\n")
    words = ("score", "--pairs", "pairs", "--name", "other", "--test", "test.fa", "--json")
    done = inside(*words, cwd=folder)
    told = answer(done)
    assert told["structure"]["skipped"] == 2
    listed = {name: reason for _, _, name, reason in rows(folder / "skipped.csv")}
    assert listed["a"] == "pairs/a.dbn:3: a: structure has 11 symbols, the sequence 12 bases"
    assert listed["c"].startswith("no file for it")
    strict = inside(*words, "--strict", cwd=folder)
    assert strict.returncode == 65
    assert "--strict, and 2 RNAs are left out; skipped.csv says why" in strict.stderr


def test_a_table_of_mutants_is_ranked_as_it_is(folder):
    wild = "GGGGAAAACCCC"
    cells = [f"{wild[at]}{at + 1}{'A' if wild[at] != 'A' else 'T'},{0.1 * at}" for at in range(len(wild))]
    (folder / "dms.csv").write_text("\n".join(["mutant,score", *cells, "C1A,0.5", "G2U:G3U,NA", "G2A:A5G,0.7"]) + "\n")
    words = ("fitness", "--model", "lm-nano", "--set", "dms.csv", "--wild-type", wild, "--device", "cpu")
    done = rnaexp(*words, "--csv", "out.csv", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "lm-nano" in done.stdout
    for line in (
        "dms.csv: 1 of 15 rows have no score and are left out",
        "dms.csv: mutations are numbered from 1",
        "left out: dms.csv:14: C1A: the wild type has G at position 1, not C",
        "dms.csv: 1 rows are left out; skipped.csv says why",
    ):
        assert f"rnaexp: {line}" in done.stderr.splitlines(), done.stderr
    assert rows(folder / "skipped.csv")[0][2] == "C1A"
    assert {"lm-nano", "mutations", "viennarna"} <= {row[0] for row in rows(folder / "out.csv")}
    strict = inside(*words, "--strict", cwd=folder)
    assert strict.returncode == 65
    assert "--strict, and 1 rows are left out" in strict.stderr


def test_a_folder_of_a_class_that_asks_for_another_package_is_read_by_its_vocabulary(folder):
    write_network(folder / "mine", "roformer")
    write_vocabulary(folder / "mine")
    (folder / "mine" / "tokenizer_config.json").write_text('{"tokenizer_class": "RoFormerTokenizer"}')
    done = rnaexp("embed", "my.fa", "--model", "./mine", "--device", "cpu", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "4 embeddings: embeddings.parquet" in done.stdout
    write_network(folder / "state", "mamba")
    write_vocabulary(folder / "state")
    done = inside("run", "--model", "./state", "--device", "cpu", cwd=folder)
    assert done.returncode == 69, done.stderr
    assert "state has no attention map of pairs to read (mamba has none); rnaexp embed" in done.stderr
    assert "fault of rnaexp" not in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("fitness", "--model", "lm-nano", "--set", "dms.csv"), "say of what, by --wild-type"),
        (("fitness", "--model", "lm-nano", "--set", "dms.csv", "--wild-type", "ACGU"), "letters of the mutations are"),
        (("fitness", "--model", "lm-nano", "--set", "none.csv"), "no file is named 'none.csv'"),
        (("predict", "--model", "lm-nano", "bad.fa"), "none of 2 records could be done"),
        (("embed", "--model", "lm-nano", "bad.fa"), "none of 2 records could be done"),
    ],
)
def test_bad_records_are_told_before_anything_that_takes_seconds_is_imported(folder, words, said):
    (folder / "dms.csv").write_text("mutant,score\nG1A,1\nG2A,2\nA5U,3\n")
    code = (
        "import sys\nfrom rnaexp.__main__ import _run\ncode = _run(sys.argv[1:])\n"
        "print(code, sorted({'torch', 'transformers', 'mlflow', 'pandas', 'lightning'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "65 []\n", done.stderr
    assert said in done.stderr
