"""`rnaexp compare` on an experiment whose figures are known."""

import itertools
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from rnaexp.errors import InputError
from rnaexp.report.classes import class_of, published
from rnaexp.report.comparison import as_tables, compare
from rnaexp.report.leaderboard_rows import class_means, with_controls
from rnaexp.report.leaderboards import compared
from rnaexp.report.markdown import markdown
from rnaexp.report.sections import diagnosis_table, fitness_table, leaderboard_table, parameter_count, stability_table

from .conftest import CLUSTERS, IDS, SCRIPT, f1_of


@pytest.fixture(scope="module")
def comparison(told):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(told)
        yield compared("rnaexp")


@pytest.fixture(scope="module")
def board(comparison):
    return comparison.leaderboards[0]


def row(board, label):
    (found,) = board.rows[board.rows["label"] == label].to_dict("records")
    return found


def test_each_model_and_question_counts_once_with_its_newest_finished_run(comparison, board):
    assert [(one.question["test"], len(one.rows)) for one in comparison.leaderboards] == [("ts", 11), ("ts2", 1)]
    assert row(board, "rna-fm")["f1"] == pytest.approx(f1_of(0.5).mean()), "not the older run's"
    assert row(board, "rnabert")["f1"] == pytest.approx(f1_of(0.1, 1).mean(), abs=1e-4), "not the failed run's"
    assert comparison.left_out == {"FAILED": 1}


def test_rows_stand_by_the_papers_classes_and_best_first_within_them(board):
    assert list(zip(board.rows["class"], board.rows["label"], strict=True)) == [
        ("diverse-ncrna", "rna-fm"),
        ("diverse-ncrna", "rnabert"),
        ("unified", "lucaone"),
        ("reference", "msm-nano (shuffled)"),
        ("reference", "msm-nano"),
        ("reference", SCRIPT),
        ("baseline", "alifold"),
        ("baseline", "viennarna"),
        ("control", "stems"),
        *sorted(
            [("control", f"untrained:rnabert, seed {seed}") for seed in (0, 1)],
            key=lambda one: -f1_of(0.1, 5 + int(one[1][-1])).mean(),
        ),
    ]
    assert class_of("shuffled:rnabert", None) == class_of("6-mer", None) == "control"
    assert class_of("somebody's", None) == "reference"


def test_a_classs_mean_is_over_its_models_not_their_alterations_and_seeds(board):
    means = board.means.set_index("class")
    assert list(means.index) == ["diverse-ncrna", "unified", "reference"]
    plain = [f1_of(0.45, 3).mean(), f1_of(0.2, 10).mean()]
    assert means.loc["reference", "f1"] == pytest.approx(np.mean(plain), abs=1e-4)
    assert means.loc["reference", "models"] == 2
    assert means.loc["diverse-ncrna", ["overlap_ratio", "classified"]].tolist() == [0.4, 1]
    assert class_means(board.rows.iloc[:0]).empty


def test_the_overlap_ratio_stands_beside_the_model_that_has_one_on_the_set_most_have(board):
    known = row(board, "rna-fm")
    assert (known["overlap_ratio"], known["overlap_low"], known["overlap_set"]) == (0.4, 0.3, "rfam")
    assert np.isnan(row(board, "rnabert")["overlap_ratio"])


def test_ranks_are_those_of_the_mean_over_the_rnas_that_all_scored(board):
    means = {label: table["f1"].mean() for label, table in board.column("test", "per_rna.csv").items()}
    for label, mean in means.items():
        assert row(board, label)["rank"] == 1 + sum(other > mean for other in means.values())
        assert row(board, label)["rank_low"] <= row(board, label)["rank"] <= row(board, label)["rank_high"]
    assert row(board, "rna-fm")["ranked_rnas"] == len(IDS)


def test_standing_contrasts_pair_each_language_model_with_its_twin_its_control_and_folding(comparison):
    asked = comparison.standing.groupby("model")["against"].agg(list).to_dict()
    assert asked == {
        "rna-fm": ["stems", "viennarna"],
        "rnabert": ["untrained:rnabert", "stems", "viennarna"],
        "lucaone": ["stems", "viennarna"],
        "msm-nano": ["alifold"],
        SCRIPT: ["stems", "viennarna"],
    }
    one = comparison.standing.query("model == 'rna-fm' and against == 'viennarna'").iloc[0]
    assert one["difference"] == pytest.approx((f1_of(0.5) - f1_of(0.6, 7)).mean(), abs=1e-4)
    assert one["p_sign_flip"] == pytest.approx(sign_flip(f1_of(0.5) - f1_of(0.6, 7)))


def test_a_control_that_a_run_measured_on_the_way_has_a_row_unless_it_has_a_run_of_its_own():
    def row(model, run_id, started, **more):
        shared = {"validation": "vl", "test": "ts", "protocol": "paper", "related": "drop", "alignment": None}
        return shared | {"model": model, "run_id": run_id, "started": started, "label": model, "f1": 0.2, **more}

    names = ("oracle_f1", "class", "control_of", "evidence", "group", "diagnosis")
    rows = pd.DataFrame([row("old", "a", 1), row("new", "b", 2), row("stems", "c", 0)]).assign(**dict.fromkeys(names))
    rows["class"] = ["reference", "reference", "control"]
    rows["layer"] = [1, 2, 0]  # whole numbers, of which a control may have none

    def tables(kernel):
        f1 = pd.DataFrame({"model": ["stems", "kernel"], "rna": "r", "cluster": "c", "f1": [0.9, kernel]})
        return {("test", "controls.csv"): f1, ("test", "controls_per_rna.csv"): f1}

    found, held = with_controls(rows, {"a": tables(0.3), "b": tables(0.4), "c": {}})
    assert found["model"].tolist() == ["new", "old", "kernel", "stems"]
    kernel = found.set_index("model").loc["kernel"]
    assert (kernel["f1"], kernel["class"], kernel["control_of"], kernel["test"]) == (0.4, "control", "b", "ts")
    assert held[kernel["run_id"]]["test", "per_rna.csv"].to_dict("records") == [{"rna": "r", "cluster": "c", "f1": 0.4}]
    assert found.set_index("model").loc["stems", "f1"] == 0.2, "its own run's"
    shuffled = rows.assign(alignment=["shuffled", "shuffled", None])
    assert len(with_controls(shuffled, {"a": tables(0.3), "b": tables(0.4), "c": {}})[0]) == 3


def sign_flip(differences):
    """Over every way of turning whole clusters round, in plain loops."""
    names = sorted(set(CLUSTERS))
    sums = [sum(d for d, cluster in zip(differences, CLUSTERS, strict=True) if cluster == name) for name in names]
    patterns = itertools.product((1, -1), repeat=len(sums))
    every = [abs(sum(s * d for s, d in zip(signs, sums, strict=True))) for signs in patterns]
    return np.mean([one >= abs(sum(sums)) - 1e-9 for one in every])


def test_holm_is_taken_over_all_standing_contrasts(comparison):
    table = comparison.standing.sort_values("p_sign_flip")
    wanted, highest = [], 0.0
    for at, p in enumerate(table["p_sign_flip"]):
        highest = max(highest, min(1.0, (len(table) - at) * p))
        wanted.append(highest)
    assert sorted(table["p_holm"]) == pytest.approx(wanted)


def test_what_a_question_declared_is_shown_as_it_was_answered(comparison):
    assert comparison.declared[["question", "model", "against", "p_holm"]].to_numpy().tolist() == [
        ["asked", "rna-fm", "rnabert", 0.04]
    ]


def test_published_figures_are_marked_and_have_no_rank(comparison, board):
    words = leaderboard_table(board, comparison.published)
    lines = {line.cells[0]: line for _, lines in words.parts for line in lines if line.kind == "published"}
    assert set(lines) == {"RNA-MSM (published)", "ESM2 15B (published)"}
    shown = dict(zip(words.headings, lines["RNA-MSM (published)"].cells, strict=True))
    assert shown["F1 [95 %]"] == "0.631 on the lab's TS"
    assert {value for heading, value in shown.items() if heading not in ("model", "F1 [95 %]")} == {""}
    known = {0.631, 0.675, 0.07}
    assert set(published()["value"].dropna()) == known, "what the papers state, and nothing else"


def test_stability_says_how_often_the_head_won_again_and_who_else_did(board):
    lines = {line.cells[0]: line.cells[1:] for line in stability_table(board).parts[0][1]}
    assert lines["rna-fm"] == ("6", "1.2", "75%", "2", "0.1 (25%)")
    assert "viennarna" not in lines, "one head leaves nothing to choose"


def test_that_clusters_are_too_few_is_shown_once_where_verdict_and_diagnosis_both_have_it():
    few = "4 families are too few for a claim"
    row = {
        "label": "mine",
        "verdict": f"{few}: +0.010 n/a against stems",
        "diagnosis": f"F1 not above kernel: 0.1 against 0.2; {few}: no interval, no rank",
        "classify_diagnosis": None,
    }
    other = row | {"label": "other", "verdict": None}
    judged = diagnosis_table(SimpleNamespace(rows=pd.DataFrame([row, other])))
    assert [line.cells for line in judged.lines] == [
        ("mine", f"{few}: +0.010 n/a against stems; F1 not above kernel: 0.1 against 0.2"),
        ("other", f"F1 not above kernel: 0.1 against 0.2; {few}: no interval, no rank"),
    ]


def test_fitness_stands_beside_the_model_by_the_convention_most_have(comparison):
    board = comparison.leaderboards[0]
    shown = board.rows.set_index("label")["fitness_spearman"]
    assert shown["rna-fm"] == 0.3, "its newest run by the convention that two models have"
    assert shown["rnabert"] == 0.25, "its own run's"
    assert shown["msm-nano"] == 0.2, "not that of a newer run on a sample, nor the best"
    assert np.isnan(shown["msm-nano (shuffled)"]), "an altered alignment was not asked"
    words = leaderboard_table(board, comparison.published)
    column = words.headings.index("fitness on dms, masked-marginal")
    cells = {line.cells[0]: line.cells[column] for _, lines in words.parts for line in lines}
    assert (cells["rna-fm"], cells["viennarna"]) == ("0.300", "")
    ((_, rows),) = comparison.fitness.groupby("set")
    told = [line.cells[:3] for _, lines in fitness_table(rows).parts for line in lines]
    assert told[0] == ("rna-fm", "mutant-marginal", "0.900")
    assert told[1] == ("msm-nano", "masked-marginal", "0.700"), "the sample, named as such"
    assert told[2] == ("rna-fm", "masked-marginal", "0.300 [-0.100, 0.500]")
    assert len(told) == 5


def test_csv_and_markdown_hold_every_row_and_markup_stays_text(here, tmp_path, capsys, comparison):
    csv, text = tmp_path / "all.csv", tmp_path / "all.md"
    compare("rnaexp", html=None, csv=csv, as_markdown=text, tradeoff=None, log=False)
    table = pd.read_csv(csv)
    assert table["source"].value_counts().to_dict() == {"measured": 12, "published": 5}
    others = ("classes", "families", "fitness", "contrasts", "stability", "breakdown")
    assert {path.name for path in tmp_path.glob("*.csv")} == {"all.csv", *(f"all_{name}.csv" for name in others)}
    assert "<script" not in text.read_text()
    assert "&lt;script" in text.read_text()
    assert "**I: diverse non-coding RNA**" in text.read_text()
    table = markdown(comparison, made="now").split("\n\n")[4].splitlines()
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1, "every line has every column"
    assert len(table) > 11
    shown = capsys.readouterr().out
    assert "rna-fm" in shown
    assert SCRIPT in shown


def test_a_report_is_kept_as_one_run_that_stays_current(here, mlflow_here, comparison, capsys):
    for _ in range(2):
        compare("rnaexp", html=None, csv=None, as_markdown=None, tradeoff=None, log=True, json=True)
    (run,) = mlflow_here.search_runs(["1"], "tags.`rnaexp.kind` = 'comparison'")
    kept = {item.path for item in mlflow_here.list_artifacts(run.info.run_id)}
    assert {"report.html", "report.md", "leaderboard.csv", "contrasts.csv", "breakdown.csv", "runs.txt"} <= kept
    assert run.info.status == "FINISHED"
    assert (run.info.run_name, run.data.metrics) == ("leaderboard", {"runs": 12, "questions": 2})
    printed = capsys.readouterr().out.splitlines()
    path = mlflow_here.download_artifacts(run.info.run_id, "leaderboard.json")
    assert [Path(path).read_text().strip()] * 2 == printed
    rows = pd.DataFrame(json.loads(printed[0])["leaderboard"])
    expected = as_tables(comparison)["leaderboard"]
    assert rows["f1"].dropna().tolist() == expected["f1"].dropna().tolist()
    assert rows["label"].tolist() == expected["label"].tolist()
    for text in (run.data.tags["mlflow.note.content"], mlflow_here.get_experiment("1").tags["mlflow.note.content"]):
        assert "rna-fm" in text
        assert "<script" not in text
    assert run.info.run_id in mlflow_here.get_experiment("1").tags["mlflow.note.content"]


@pytest.fixture
def mlflow_here(here):
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{here / 'mlflow.db'}")


def test_an_empty_experiment_is_refused_with_the_command_that_fills_it(here):
    with pytest.raises(InputError, match="no finished runs yet; start with: rnaexp run"):
        compare("nothing", html=None, csv=None, as_markdown=None, tradeoff=None, log=False)


def test_tables_are_what_the_report_shows(comparison):
    tables = as_tables(comparison)
    assert set(tables["contrasts"]["question"]) == {"standing", "asked"}
    assert set(tables["stability"]["label"]) == set(comparison.leaderboards[0].rows["label"])
    assert [parameter_count(value) for value in (np.nan, 12, 73_500, 479_000, 1.2e9)] == [
        "",
        "12",
        "73.5k",
        "479k",
        "1.2B",
    ]
