"""The fitness job as a user starts it, and what is said of its figures."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from rnaexp import models
from rnaexp.data.assays import Assay
from rnaexp.errors import InputError, UnavailableError
from rnaexp.experiment.question import read_question
from rnaexp.models.folding import ensemble_defect, ensemble_energy, fold_probabilities, structure_of
from rnaexp.progress import silence
from rnaexp.reading.store import Store
from rnaexp.rna import Rna
from rnaexp.tasks.fitness import measure as job
from rnaexp.tasks.fitness import record as tables
from rnaexp.tasks.fitness.measure import measure_fitness
from rnaexp.tasks.fitness.settings import FitnessTask
from rnaexp.tasks.fitness.tracking import variants_table
from tests.command import answer, inside, runs
from tests.fitness.toy import LETTERS, WILD, Table, library, mutated

A3M = f">wild\n{WILD}\n>b\nGGCAAAUGCC\n>c\nGAGAAAUCUC\n>d\nGGGUAACCCC\n"


def write(folder, variants, scores, name="mine.csv", wild=WILD):
    rows = [f"{one},{score},{wild or ''}" for one, score in zip(variants, scores, strict=True)]
    path = folder / name
    path.write_text("\n".join(["sequence,score,wild_type", *rows]) + "\n")
    return path


@pytest.fixture
def variants():
    return library(count=40)


@pytest.fixture
def table_model(monkeypatch):
    """The toy under the name of a model, so that the job can load it; it has no untrained twin."""
    toy, load = Table(), models.load

    def loaded(name, **loading):
        return toy if name == "table" else load(name, **loading)

    monkeypatch.setattr(job.models, "load", loaded)
    return toy


def toy_scores(toy, variants):
    """Masked marginals, by hand."""
    found = []
    for one in variants:
        sites = [at for at in range(len(WILD)) if one[at] != WILD[at]]
        said = {at: toy.say(WILD, [at])[at] for at in sites}
        found.append(sum(said[at][LETTERS.index(one[at])] - said[at][LETTERS.index(WILD[at])] for at in sites))
    return np.array(found)


def measured(path, tmp_path, model="table", **more):
    return measure_fitness(FitnessTask(model=model, assay=str(path), **more), Store(tmp_path / "store"), silence)


def test_planted_likelihoods_give_spearman_one_and_minus_one_where_lower_is_fitter(table_model, variants, tmp_path):
    path = write(tmp_path, variants, np.exp(toy_scores(table_model, variants)))
    found = measured(path, tmp_path)
    assert found.convention == "masked-marginal"
    assert found.judged.agreement.value == pytest.approx(1)
    turned = measured(path, tmp_path, direction="lower")
    assert turned.judged.agreement.value == pytest.approx(-1)
    assert turned.baselines[0].agreement.value == pytest.approx(-found.baselines[0].agreement.value)


def defect_by_hand(sequence, structure):
    """Bases expected to do something else than in the structure, from the probabilities of all pairs."""
    probabilities = fold_probabilities(Rna(id="x", sequence=sequence)).astype(float)
    partner, opened = {}, []
    for at, mark in enumerate(structure):
        if mark == "(":
            opened.append(at)
        elif mark == ")":
            partner[at] = opened.pop()
            partner[partner[at]] = at
    right = [
        probabilities[at, partner[at]] if at in partner else 1 - probabilities[at].sum() for at in range(len(sequence))
    ]
    return 1 - np.mean(right)


def test_baselines_stand_beside_on_the_same_variants(table_model, variants, tmp_path):
    scores = np.random.default_rng(3).normal(size=len(variants))
    (tmp_path / "wild.a3m").write_text(A3M)
    found = measured(write(tmp_path, variants, scores), tmp_path, alignment=str(tmp_path / "wild.a3m"))
    values = {one.name: one.agreement.value for one in found.baselines}
    assert list(values) == ["mutations", "gc", "conservation", "potts", "viennarna", "defect", "random"]
    assert found.request.alignment is None, "a model of single sequences reads no homologs, and its row names none"
    distance = [-sum(a != b for a, b in zip(one, WILD, strict=True)) for one in variants]
    letters = [one.count("G") + one.count("C") for one in variants]
    energies = [-ensemble_energy(one) for one in variants]
    defects = [-defect_by_hand(one, "(((....)))") for one in variants]
    folded = (("viennarna", energies), ("defect", defects))
    for name, theirs in (("mutations", distance), ("gc", letters), *folded):
        assert values[name] == pytest.approx(spearmanr(theirs, scores).statistic), name
    alone = {one.name: measured(tmp_path / "mine.csv", tmp_path, one.name) for one in found.baselines[:2]}
    assert alone["gc"].judged.agreement == found.baselines[1].agreement
    assert [one.name for one in alone["gc"].baselines] == ["mutations", "viennarna", "defect", "random"]
    with pytest.raises(InputError, match=r"conservation needs an alignment; mine\.csv has none"):
        measured(tmp_path / "mine.csv", tmp_path, "conservation")


def test_a_more_stable_fold_has_a_lower_energy():
    assert ensemble_energy("GGGGCAAAAGCCCC") < ensemble_energy("GGGGCAAAAGCACC") < ensemble_energy("A" * 14) + 1e-6


def test_a_defect_is_what_the_probabilities_say():
    structure = structure_of("GGGGCAAAAGCCCC")
    assert structure == "(((((....)))))"
    for sequence in ("GGGGCAAAAGCCCC", "GGGGCAAAAGCACC", "AGGGCAAAAGCCCU"):
        assert ensemble_defect(sequence, structure) == pytest.approx(defect_by_hand(sequence, structure), abs=1e-6)


def test_an_alignment_of_another_rna_is_refused(table_model, variants, tmp_path):
    (tmp_path / "other.a3m").write_text(">x\nACGUACGUAC\n>y\nACGUACGUAC\n")
    with pytest.raises(InputError, match=r"other.a3m: its first row is not the wild type of mine.csv"):
        measured(write(tmp_path, variants, range(40)), tmp_path, alignment=str(tmp_path / "other.a3m"))


def test_of_a_folder_the_alignment_of_the_wild_type_is_taken(variants, tmp_path):
    folder = tmp_path / "alignments"
    folder.mkdir()
    (folder / "a.a3m").write_text(">x\nACGUACGUAC\n>y\nACGUACGUAC\n")
    path = write(tmp_path, variants, range(40))
    assert measured(path, tmp_path, "gc", alignment=str(folder)).request.alignment is None, "not every assay has one"
    (folder / "b.a3m").write_text(A3M)
    assert measured(path, tmp_path, "gc", alignment=str(folder)).request.alignment.rows[0] == WILD


def test_a_model_that_does_not_beat_the_number_of_mutations_is_called_out(table_model, variants, tmp_path):
    distance = np.array([-sum(a != b for a, b in zip(one, WILD, strict=True)) for one in variants])
    noise = 1e-3 * np.random.default_rng(0).normal(size=len(variants))
    told = tables.diagnose(measured(write(tmp_path, variants, distance + noise), tmp_path))
    assert any("not above mutations (" in line for line in told)
    fine = tables.diagnose(measured(write(tmp_path, variants, toy_scores(table_model, variants)), tmp_path))
    assert not any("not above" in line for line in fine)


def test_likelihoods_that_say_nothing_are_noticed_from_the_data(table_model, variants, tmp_path, monkeypatch):
    path = write(tmp_path, variants, np.random.default_rng(0).normal(size=40))
    assert not any("likelihoods" in line for line in tables.diagnose(measured(path, tmp_path)))
    monkeypatch.setattr(table_model, "say", lambda sequence, masked: np.full((len(sequence), 4), np.log(0.25)))
    uniform = measured(path, tmp_path / "uniform")
    told = tables.diagnose(uniform)
    assert any("likelihoods are uniform" in line for line in told)
    assert any("no correlation: the scores do not vary" in line for line in told)
    assert tables.metrics(uniform)["fitness.spearman"] is None
    same = np.log([0.4, 0.3, 0.2, 0.1])
    monkeypatch.setattr(table_model, "say", lambda sequence, masked: np.tile(same, (len(sequence), 1)))
    told = tables.diagnose(measured(path, tmp_path / "same"))
    assert any("hardly vary from site to site" in line for line in told)


def test_coverage_depth_and_leakage_are_told(table_model, variants, tmp_path, monkeypatch):
    broken = mutated((2, "A"), (6, "A"))
    path = write(tmp_path, [broken, *variants], range(41))
    table_model.spec = replace(table_model.spec, reads="alignment", trained_families="rfam")
    real = job.load_assay
    monkeypatch.setattr(job, "load_assay", lambda *a, **k: replace(real(*a, **k), family="RF00005"))
    found = measured(path, tmp_path, convention="mutant-marginal")
    told = tables.diagnose(found)
    assert found.coverage == pytest.approx(40 / 41)
    assert "coverage 97.6%: five A" in told
    assert "read without an alignment, at depth 1" in told
    assert "trained on the wild type's family RF00005" in told
    assert [len(one.table) for one in found.baselines] == [len(found.judged.table)] * len(found.baselines)
    assert found.baselines[0].table["variants"].sum() == 40, "baselines on what the model scored"
    gc = [one.count("G") + one.count("C") for one in variants]
    distance = [-sum(a != b for a, b in zip(one, WILD, strict=True)) for one in variants]
    known = spearmanr(gc, range(40)).statistic - spearmanr(distance, range(40)).statistic
    assert found.baselines[1].over_mutations.value == pytest.approx(known), "each variant beside its own mutations"
    frame = variants_table(found).set_index("sequence")
    assert frame.loc[broken, "not_scored"] == "five A"
    assert np.isnan(frame.loc[broken, "score"])


def test_mutations_are_named_from_one(table_model, tmp_path):
    variants = [mutated((0, "A")), mutated((1, "C"), (9, "U")), mutated((4, "G"))]
    found = variants_table(measured(write(tmp_path, variants, [1, 2, 3]), tmp_path))
    assert found["mutations"].tolist() == ["G1A", "G2C C10U", "A5G"]
    assert found["number_of_mutations"].tolist() == [1, 2, 1]
    assert set(found["convention"]) == {"masked-marginal"}


def test_where_no_wild_type_is_known_it_is_pseudo_likelihood_and_says_so(table_model, variants, tmp_path):
    found = measured(write(tmp_path, variants, range(40), wild=""), tmp_path)
    assert found.convention == "pseudo-likelihood"
    assert [one.name for one in found.baselines] == ["gc", "viennarna", "random"]
    assert found.judged.over_mutations is None
    assert found.judged.table is None
    assert found.judged.agreement.low is not None


def test_a_model_without_letters_is_refused(variants, tmp_path):
    path = write(tmp_path, variants, range(40))
    with pytest.raises(UnavailableError, match="alifold gives no probabilities of letters"):
        measured(path, tmp_path, "alifold")
    kmers = models.load(
        "untrained:dnabert-4mer", config={"num_hidden_layers": 1, "hidden_size": 24, "num_attention_heads": 3}
    )
    said = kmers.predict_letters([Rna(id="w", sequence=WILD)], [[4]])[0]
    assert said.shape == (10, 4)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        (
            {"convention": "masked"},
            "must be wild-type-marginal, .*mask-fill, match-fill, pseudo-likelihood or left-to-right",
        ),
        ({"direction": "up"}, "must be higher or lower"),
        ({"sample": -1}, "must be at least 0"),
    ],
)
def test_words_that_mean_nothing_are_refused(fields, complaint):
    with pytest.raises(InputError, match=complaint):
        FitnessTask(model="table", assay="x", **fields)


def test_each_assay_counts_once_in_the_mean():
    def told(model, data, value, convention):
        row = dict.fromkeys(("low", "high", "within_mutations", "alignment_rows", "coverage", "variants", "diagnosis"))
        return {"rows": [{**row, "model": model, "set": data, "spearman": value, "convention": convention}]}

    table = tables.as_frame(
        [
            told("a", "small", 0.2, "masked-marginal"),
            told("a", "large", 0.6, "pseudo-likelihood"),
            told("b", "small", 0.9, "masked-marginal"),
        ]
    )
    mean = table[table["set"] == "mean of 2 assays"]
    assert mean[["model", "spearman", "convention"]].values.tolist() == [
        ["a", pytest.approx(0.4), "pseudo-likelihood / masked-marginal"]
    ]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A whole job through the command line, and its runs."""
    folder = tmp_path_factory.mktemp("fitness")
    some = library(count=40)
    write(folder, some, np.random.default_rng(2).normal(size=40))
    words = ("fitness", "--model", "lm-nano", "--set", "mine.csv", "--device", "cpu", "--csv", "rows.csv", "--json")
    return folder, answer(inside(*words, cwd=folder)), runs(folder)


def test_a_job_through_the_command_line_is_in_mlflow(told):
    folder, said, tracked = told
    assert {(name, kind, status) for name, kind, status, *_ in tracked} == {
        ("lm-nano · mine.csv · fitness", "parent", "FINISHED"),
        ("fitness", "fitness", "FINISHED"),
    }
    of = {kind: (params, metrics) for _, kind, _, _, params, metrics in tracked}
    own = said["rows"][0]
    assert of["parent"][0]["fitness.convention"] == own["convention"] == "masked-marginal"
    assert of["parent"][1]["fitness.spearman"] == pytest.approx(own["spearman"], abs=1e-6)
    assert of["fitness"][1]["fitness.beside.mutations"] == pytest.approx(said["rows"][1]["spearman"], abs=1e-6)
    assert len(of["fitness"][1]) <= 40
    kept = [path.name for path in folder.rglob("*") if path.is_file()]
    for name in (
        "variants_masked-marginal.parquet",
        "spearman_masked-marginal.csv",
        "by_mutations_masked-marginal.csv",
    ):
        assert name in kept
    assert "fitness_masked-marginal.png" in kept
    page = next(folder.rglob("fitness_masked-marginal.html")).read_text()
    assert "<script src=" not in page
    frame = pd.read_parquet(next(folder.rglob("variants_masked-marginal.parquet")))
    assert spearmanr(frame["score"], frame["measured"]).statistic == pytest.approx(own["spearman"])
    shown = pd.read_json(next(folder.rglob("per_variant.json")), orient="split")
    assert shown.columns[:2].tolist() == ["id", "score"], "what MLflow's Evaluation tab compares"
    assert shown["score"].tolist() == pytest.approx(frame["score"].tolist())
    rows = pd.read_csv(folder / "rows.csv")
    assert set(rows["model"]) == {"lm-nano", "untrained:lm-nano", "mutations", "gc", "viennarna", "defect", "random"}
    assert set(rows["convention"]) == {"masked-marginal", "baseline"}


def test_the_comparison_shows_the_column_that_was_reserved(told):
    folder, _, _ = told
    done = inside("compare", "--csv", "compared.csv", "--html", "compared.html", cwd=folder)
    assert done.returncode == 0, done.stderr
    rows = pd.read_csv(folder / "compared_fitness.csv")
    assert rows[["model", "set", "convention"]].values.tolist() == [["lm-nano", "mine.csv", "masked-marginal"]]
    assert "Measured fitness: mine.csv" in (folder / "compared.html").read_text()


def test_a_question_and_its_errors(told, tmp_path):
    folder, _, _ = told
    question = folder / "asked.toml"
    question.write_text(
        'models = ["mutations", "viennarna", "alifold"]\ndevice = "cpu"\n[[assays]]\nname = "mine.csv"\nsample = 20\n'
    )
    done = inside("run", str(question), "--json", cwd=folder)
    assert done.returncode == 69
    assert "alifold on mine.csv: alifold gives no probabilities" in done.stderr
    rows = json.loads(done.stdout)["runs"][0]["rows"]
    assert rows[0]["variants"] == 20
    assert rows[0]["of"] == 40
    for text, complaint in (
        ("models = []\n[[assays]]\nname = 'x'\n", "models: must have at least one entry"),
        ("models = ['a']\nassays = ['x']\n", "assays, entry 1: must be a table"),
        ("models = ['a']\n[[assays]]\nname = 'x'\nwhat = 1\n", "assays, entry 1, what: unknown field"),
        ("models = ['a']\nmodel = 1\n[[assays]]\nname = 'x'\n", "model: unknown field"),
        (
            "models = ['a']\n[[assays]]\nname = 'x'\nconvention = 'y'\n",
            "assays, entry 1, convention: must be",
        ),
    ):
        path = tmp_path / "bad.toml"
        path.write_text(text)
        with pytest.raises(InputError, match=complaint):
            read_question(path)


def test_an_assay_cannot_be_built_wrong(variants):
    with pytest.raises(InputError, match="the wild type has an N at position 2"):
        Assay(name="x", variants=tuple([None] * 3), wild_type="ANG")
