"""The classification job as a user starts it, on small sets."""

import numpy as np
import pandas as pd
import pytest

from rnaexp.classify.controls import homologous_sample, other_sample, ruler, word_counts
from rnaexp.classify.layout import layout
from rnaexp.classify.matching import length_matching
from rnaexp.classify.protocol import EmbeddingProtocol
from rnaexp.data.clusters import sequence_identity
from rnaexp.data.families import Selection, load_families
from rnaexp.data.nonredundant import unlike
from rnaexp.errors import InputError
from rnaexp.reading.store import Store
from rnaexp.rna import Rna
from rnaexp.tasks.families import figures
from rnaexp.tasks.families.measure import classify
from rnaexp.tasks.families.settings import ClassifyTask
from tests.command import answer, inside, runs
from tests.planted_sets import write_set


def mutated(rng, sequence, share):
    return "".join(rng.choice(list("ACGU")) if rng.random() < share else letter for letter in sequence)


def write_families(folder, seed=0, families=6, members=7):
    """A folder with one FASTA file a family: mutants of one random RNA."""
    rng = np.random.default_rng(seed)
    folder.mkdir()
    for family in range(families):
        first = "".join(rng.choice(list("ACGU"), int(rng.integers(50, 54))))
        lines = [f">r{at}\n{mutated(rng, first, 0.3)}\n" for at in range(members)]
        (folder / f"fam{family}.fasta").write_text("".join(lines))
    return folder


@pytest.fixture
def folder(tmp_path):
    return write_families(tmp_path / "families")


def test_a_folder_is_a_set_with_a_family_in_each_file(folder):
    found = load_families(str(folder), Selection(identity=1.0))
    assert set(found.families) == {f"fam{at}" for at in range(6)}
    assert found.families == found.clans
    assert len(found.rnas) == 42
    assert found.rnas[0].id.startswith("fam0:r")


def test_a_stockholm_file_holds_a_family_in_each_block(tmp_path):
    blocks = []
    for name, clan, rows in (
        ("RF1", "CL1", ["ACGU-ACGUA", "ACGUUAGGUA", "ACGUUAGGUA", "ACNUUAGGUA"]),
        ("RF2", "CL1", ["GGGG-CCCCA", "GGAGGCCUCA"]),
        ("RF3", None, ["UUUUU-----", "UAUAUAUAUA"]),
        ("RF4", None, ["UAUAUAUAUA", "CCUUACGGAC"]),
    ):
        tags = f"#=GF AC {name}\n" + (f"#=GF CL {clan}\n" if clan else "")
        rows = "".join(f"row{at} {row}\n" for at, row in enumerate(rows))
        blocks.append(f"# STOCKHOLM 1.0\n{tags}{rows}//\n")
    path = tmp_path / "families.sto"
    path.write_text("".join(blocks))
    found = load_families(str(path), Selection(identity=1.0))
    members = {name: sorted(r.id for r in found.rnas if r.family == name) for name in set(found.families)}
    assert members == {
        "RF1": ["RF1:row0", "RF1:row1"],
        "RF2": ["RF2:row0", "RF2:row1"],
        "RF3": ["RF3:row0", "RF3:row1"],
    }
    assert {r.family: r.cluster for r in found.rnas} == {"RF1": "CL1", "RF2": "CL1", "RF3": "RF3"}
    assert found.left_out["RNAs with unknown letters"] == 1
    assert found.left_out["exact copies"] == 2, "in one family, and of an earlier family's"
    assert found.left_out["families with fewer than 2 such members"] == 1


def test_sequences_without_families_are_refused_with_the_remedy(tmp_path):
    path = tmp_path / "mine.fasta"
    path.write_text(">a\nACGU\n")
    with pytest.raises(InputError, match=r"mine.fasta: names no families: give a Stockholm file"):
        load_families(str(path), Selection())


def test_members_are_unlike_and_their_order_in_the_file_does_not_matter(folder):
    rng = np.random.default_rng(1)
    first = "".join(rng.choice(list("ACGU"), 60))
    rnas = [Rna(id=f"r{at}", sequence=mutated(rng, first, share)) for at, share in enumerate([0, 0.02, 0.5, 0.03, 0.6])]
    chosen = unlike(rnas, identity=0.9, at_most=9)
    assert [rna.id for rna in chosen] == ["r0", "r2", "r4"]
    assert all(sequence_identity(a.sequence, b.sequence) < 0.9 for a in chosen for b in chosen if a is not b)
    assert [rna.id for rna in unlike(rnas, identity=0.9, at_most=2)] == ["r0", "r2"]
    whole = load_families(str(folder), Selection(members=3))
    for path in folder.iterdir():
        records = path.read_text().split(">")[1:]
        path.write_text("".join(f">{record}" for record in reversed(records)))
    again = load_families(str(folder), Selection(members=3))
    assert {rna.id for rna in again.rnas} == {rna.id for rna in whole.rnas}
    assert len(whole.rnas) == 18


def test_a_sequence_given_twice_changes_no_figure(folder, announce):
    task = ClassifyTask(model="3-mer", families=str(folder), protocol=EmbeddingProtocol(members=50, identity=1.0))
    once = classify(task, Store(), announce)
    path = folder / "fam2.fasta"
    copies = path.read_text().replace(">r", ">copy")
    path.write_text(path.read_text() + copies)
    classify.__globals__["_families"].cache_clear()
    twice = classify(task, Store(), announce)
    assert twice.data.left_out["exact copies"] == 7
    assert twice.every.overlaps == once.every.overlaps
    assert twice.every.auroc == once.every.auroc


def test_word_counts_and_the_ruler_say_what_they_should():
    rnas = [Rna(id="a", sequence="AACAAC"), Rna(id="b", sequence="GGNGGG")]
    table = word_counts(rnas, 3)
    named = {"AAC": 0 * 16 + 0 * 4 + 1, "ACA": 4, "CAA": 16, "GGG": 2 * 16 + 2 * 4 + 2}
    assert {at: table[0, at] for at in np.flatnonzero(table[0])} == {named["AAC"]: 2, named["ACA"]: 1, named["CAA"]: 1}
    assert {at: table[1, at] for at in np.flatnonzero(table[1])} == {named["GGG"]: 1}
    lengths = [50, 60, 60, 200, 90]
    rows = ruler(lengths).astype(float)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    ratios = abs(np.subtract.outer(np.log(lengths), np.log(lengths))) / np.log(4)
    assert rows @ rows.T == pytest.approx(1 - 2 * ratios, abs=1e-6)


def test_pairs_are_sampled_by_their_weights():
    names = ["a"] * 2 + ["b"] * 8 + ["c"] * 3
    clans = ["x" if name in "ab" else name for name in names]
    place = layout(names, clans)
    own = homologous_sample(place, None, 3000, 0)
    shares = np.bincount(place.family[own[:, 0]], minlength=3) / 3000
    assert shares == pytest.approx([1 / 3] * 3, abs=0.04), "each family counts the same, whatever its size"
    assert (place.family[own[:, 0]] == place.family[own[:, 1]]).all()
    assert (own[:, 0] < own[:, 1]).all()
    others = other_sample(place, None, 1000, 0)
    assert (place.clan[others[:, 0]] != place.clan[others[:, 1]]).all()
    lengths = [50, 51, *range(46, 54), 50, 70, 50]
    matched = other_sample(place, length_matching(lengths, place), 500, 0)
    apart = [abs(lengths[place.order[i]] - lengths[place.order[j]]) for i, j in matched]
    assert max(apart) <= 0.05 * 53


def test_words_know_families_that_length_does_not(folder, tmp_path):
    rows = {}
    for model in ("6-mer", "length", "identity", "shuffled:planted"):
        told = answer(inside("classify", "--model", model, "--set", folder, "--json", cwd=tmp_path))
        rows[model] = told["classify"]
        assert told["pairs"]["all"]["histogram"] == rows[model]["overlap_ratio"]
    assert rows["6-mer"]["matched_auroc"] > 0.8
    assert rows["identity"]["matched_auroc"] > 0.95
    assert rows["identity"]["overlap_ratio"] < 0.3 < rows["identity"]["null_overlap"]
    assert abs(rows["length"]["matched_auroc"] - 0.5) < 0.1
    assert rows["shuffled:planted"]["rnas"] == 42
    assert rows["shuffled:planted"]["auroc"] > 0.6, "its embedding is letter composition, which shuffling keeps"
    tracked = runs(tmp_path)
    children = [run for run in tracked if run[1] == "classify"]
    assert [run[2] for run in tracked] == ["FINISHED"] * 8
    assert len(children) == 4
    parent = next(run for run in tracked if run[0].startswith("6-mer · ") and run[1] == "parent")
    assert parent[5]["classify.overlap_ratio"] == rows["6-mer"]["overlap_ratio"]
    child = next(run for run in children if run[4]["model"] == "shuffled:planted")
    own_child = next(run for run in children if run[4]["model"] == "6-mer")
    folder_of = next((tmp_path / "mlartifacts").rglob(child[3])) / "artifacts"
    kept = {path.name for path in folder_of.iterdir()}
    pictures = {"similarity_densities.png", "embeddings.png", "embeddings.html", "families.png"}
    assert kept == pictures | {"overlap.csv", "rnas.csv", "families.csv"}
    (shown,) = [path for path in (tmp_path / "mlartifacts").rglob("per_family.json") if parent[3] in path.parts]
    shown = pd.read_json(shown, orient="split")
    table = pd.read_csv(next(p for p in (tmp_path / "mlartifacts").rglob("families.csv") if own_child[3] in p.parts))
    assert shown.columns[:2].tolist() == ["family", "nearest_is_own"], "what the Evaluation tab compares"
    assert shown.set_index("family")["silhouette"].to_dict() == pytest.approx(
        table.set_index("family")["silhouette"].to_dict()
    )
    page = (folder_of / "embeddings.html").read_text()
    assert "cdn.plot.ly/plotly" not in page.replace("https://cdn.plot.ly/world", "")[-20000:]
    assert "fam3:r2; fam3; clan fam3" in page


def test_a_run_classifies_beside_and_a_baseline_does_not(tmp_path, folder):
    sets = [write_set(tmp_path / f"{at}.fasta", at, 4, f"r{at}_") for at in (1, 2)]
    for model in ("planted", "viennarna"):
        words = ("--model", model, "--validation", sets[0], "--test", sets[1], "--families", folder)
        answer(inside("run", *words, "--json", cwd=tmp_path))
    kinds = {(name, kind) for name, kind, *_ in runs(tmp_path)}
    assert ("classify", "classify") in kinds
    parents = {run[4]["model"]: run[5] for run in runs(tmp_path) if run[1] == "parent"}
    assert {"structure.f1", "classify.overlap_ratio"} <= set(parents["planted"])
    assert "classify.overlap_ratio" not in parents["viennarna"]


def test_a_question_names_sets_with_families_and_writes_both_tables(tmp_path, folder, monkeypatch):
    monkeypatch.setattr("rnaexp.tasks.families.protocol_choices._CHANGES", ({}, {"axes": "permuted"}, {"bins": 50}))
    question = tmp_path / "families.toml"
    question.write_text(
        f'models = ["3-mer", "planted"]\nchoices = ["planted"]\n[[families]]\nname = "{folder}"\nmembers = 4\n'
    )
    done = inside("run", question, "--csv", tmp_path / "out.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = (tmp_path / "out.csv").read_text().splitlines()
    assert len(rows) == 1 + 4
    assert ",24.0," in rows[1], "four members of each of six families"
    changed = (tmp_path / "out_choices.csv").read_text()
    assert changed.count("\n") == 1 + 2 * 3
    assert "axes: permuted" in changed
    question.write_text('models = ["3-mer"]\n[[families]]\nname = "builtin"\nbin = 3\n')
    wrong = inside("run", question, cwd=tmp_path)
    assert wrong.returncode == 65
    assert "families, entry 1, bin: unknown field; known: alignments, axes, below_identity, bins" in wrong.stderr


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--model", "viennarna"), 65, "viennarna has no embeddings"),
        (("--model", "3-mer", "--set", "spot-rna-vl9"), 65, "no set and no file or folder is named 'spot-rna-vl9'"),
        (("--model", "4-mer"), 65, "no model '4-mer'"),
    ],
)
def test_what_cannot_be_classified_is_said_in_one_line(tmp_path, words, code, told):
    done = inside("classify", *words, cwd=tmp_path)
    assert done.returncode == code
    assert told in done.stderr
    assert done.stderr.strip().count("\n") == 0


def test_a_wrong_choice_is_named_with_what_is_allowed(tmp_path):
    done = inside("classify", "--model", "3-mer", "--reduction", "dct", cwd=tmp_path)
    assert done.returncode == 2
    assert "'--reduction': Value error, 'dct' is not one of 'fft-magnitude', 'fft-resample'" in done.stderr


def test_the_map_is_the_same_for_the_same_seed():
    vectors = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
    assert (figures.neighbour_map(vectors, 3) == figures.neighbour_map(vectors, 3)).all()


@pytest.mark.parametrize("width", [1, 3])
def test_vectors_that_differ_along_one_line_at_most_have_a_map_too(width):
    line = np.repeat(np.linspace(1, 2, 20)[:, None], width, axis=1).astype(np.float32)
    assert np.isfinite(figures.neighbour_map(line, 0)).all()
