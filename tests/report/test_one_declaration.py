"""A number that is declared in one place stands in MLflow, in the record, in the CSV, and in every table."""

import json

import numpy as np
import pandas as pd
import pytest
from rich.cells import cell_len

import rnaexp
from rnaexp.report import families_screen, fitness_screen, screen
from rnaexp.report.comparison import compare
from rnaexp.report.table import Line, Table, as_markdown, fitting, on_screen, table_of
from rnaexp.tasks.families import metrics as families
from rnaexp.tasks.fitness import metrics as fitness
from rnaexp.tasks.metric import Column, MetricSpec, columns, headlines, measured
from rnaexp.tasks.pairs import metrics as pairs
from tests.planted_sets import hairpin, write_set

MODEL = "untrained:lm-nano"
VALUES = {pairs: 0.0625, families: 0.1875, fitness: 0.3125}
TASKS = {"pairs": pairs, "families": families, "fitness": fitness}
SCREENS = {"pairs": screen, "families": families_screen, "fitness": fitness_screen}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """An experiment of one model in three tasks, each with a number more than it has."""
    folder = tmp_path_factory.mktemp("planted")
    rng = np.random.default_rng(3)
    write_set(folder / "vl.dbn", 1, 6, "v")
    write_set(folder / "ts.dbn", 2, 7, "t")
    (folder / "families").mkdir()
    for name in ("one", "two", "three"):
        rnas = [hairpin(rng) for _ in range(4)]
        (folder / "families" / f"{name}.fa").write_text("".join(f">{name}{at}\n{rna}\n" for at, rna in enumerate(rnas)))
    wild = hairpin(rng)
    mutants = [wild[:at] + {"A": "C", "C": "G", "G": "U", "U": "A"}[wild[at]] + wild[at + 1 :] for at in range(8)]
    rows = [f"{each},{at / 8},{wild}" for at, each in enumerate(mutants)]
    (folder / "assay.csv").write_text("\n".join(["sequence,score,wild_type", *rows]) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("RNAEXP_STORE", str(folder / "store"))
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_ID"):
            patch.delenv(name, raising=False)
        for task, value in VALUES.items():
            planted = MetricSpec(name="planted", title="a planted score", of=lambda _, value=value: value)
            patch.setattr(task, "METRICS", (*task.METRICS, planted))
        sets = {"validation": "vl.dbn", "test": "ts.dbn", "families": "families", "assay": "assay.csv"}
        found = rnaexp.evaluate(MODEL, tasks=list(TASKS), related="keep", track=True, **sets)
        compare(
            "rnaexp",
            html=folder / "r.html",
            csv=folder / "r.csv",
            as_markdown=folder / "r.md",
            tradeoff=None,
            log=False,
        )
        yield folder, found


@pytest.mark.parametrize("name", TASKS)
def test_a_planted_number_is_in_mlflow_the_record_and_the_csv(place, name):
    folder, found = place
    task, value = TASKS[name], VALUES[TASKS[name]]
    assert found.frame.loc[MODEL, f"{task.PREFIX}planted"] == value
    assert f'"planted": {value}' in json.dumps(found.records[name])
    assert value in found.table(name)["planted"].tolist()
    csv = folder / ("r.csv" if name == "pairs" else f"r_{name}.csv")
    assert value in pd.read_csv(csv)["planted"].tolist()
    from mlflow import MlflowClient

    run = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}").get_run(found.run_ids[MODEL])
    assert run.data.metrics[f"{task.PREFIX}planted"] == pytest.approx(value)


@pytest.mark.parametrize("name", TASKS)
def test_it_is_in_the_table_of_a_run_and_in_both_files_of_compare(place, name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    folder, found = place
    shown = f"{VALUES[TASKS[name]]:.3f}"
    SCREENS[name].show(found.records[name])
    on_terminal = capsys.readouterr().out
    for text in (on_terminal, (folder / "r.md").read_text(), (folder / "r.html").read_text()):
        assert "planted" in text
        assert shown in text


NAMES = ("an-rna-model-of-forty-letters-in-its-name", "stems", "RiNALMo, 650M (shuffled)")


def wide(task, table="screen"):
    """The task's own table with figures of full length."""
    shown = columns(task.METRICS, table)
    lines = [tuple(name if at == 0 else "0.500 [0.400, 0.600]" for at in range(len(shown))) for name in NAMES]
    return Table(columns=shown, parts=(("I: diverse non-coding RNA", tuple(Line(cells=cells) for cells in lines)),))


def printed(table, width):
    from rich.console import Console

    console = Console(width=width)
    with console.capture() as captured:
        console.print(on_screen(table, width))
    return captured.get().splitlines()


@pytest.mark.parametrize("width", [80, 120, 170])
@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
@pytest.mark.parametrize("which", ["screen", "leaderboard"])
def test_a_table_fits_and_breaks_no_name_and_no_figure(task, which, width):
    lines = printed(wide(task, which), width)
    assert max(map(cell_len, lines)) <= width
    for name in NAMES:
        (row,) = [line for line in lines if name in line]
        assert "0.500 [0.400, 0.600]" in row
    assert not any("0.500" in line and not any(name in line for name in NAMES) for line in lines)


def test_what_a_narrow_terminal_leaves_out_is_the_least_important_and_is_named():
    kept = fitting(wide(pairs), 80).headings
    assert kept[:2] == ("model", "F1 [95 %]")
    text = " ".join(" ".join(printed(wide(pairs), 80)).split())
    assert "Too narrow for:" in text
    assert all(heading in text for heading in wide(pairs).headings)
    assert fitting(wide(pairs), 500).headings == wide(pairs).headings


def test_an_empty_column_makes_room_first():
    empty = Column(name="e", title="empty", cell=lambda _: "", keep=8)
    full = Column(name="f", title="full", cell=lambda _: "0.123", keep=1)
    model = Column(name="m", title="model", cell=lambda _: "stems", keep=9, words=True)
    table = table_of((model, empty, full), [{}])
    assert fitting(table, 19).headings == ("model", "full")


def test_markup_in_cells_and_headings_is_text():
    table = table_of((Column(name="m", title="[b]|x", cell=lambda _: "<b>[red]"),), [{}])
    assert "[red]" in "".join(printed(table, 80))
    assert as_markdown(table).splitlines()[::2] == ["| \\[b\\]\\|x |", "| &lt;b&gt;\\[red\\] |"]


def test_a_number_that_a_result_cannot_have_is_not_in_its_record_and_one_not_measured_is_none():
    specs = (
        MetricSpec(name="f1", low="f1_low", high="f1_high", of=lambda _: None),
        MetricSpec(name="of_proteins", of=lambda _: 1.0, when=lambda _: False),
        MetricSpec(name="detail", of=lambda _: 2.0, in_parent="nothing"),
        MetricSpec(name="area", low="area_low", high="area_high", of=lambda _: (0.5, 0.4, 0.6), in_parent="value"),
    )
    found = {"f1": None, "f1_low": None, "f1_high": None, "detail": 2.0, "area": 0.5, "area_low": 0.4, "area_high": 0.6}
    assert measured(specs, object()) == found
    assert headlines(specs, "x.") == ["x.f1", "x.f1_low", "x.f1_high", "x.of_proteins", "x.area"]


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_no_number_is_declared_twice(task):
    names = [part for spec in task.METRICS if isinstance(spec, MetricSpec) for part in spec.parts]
    assert len(names) == len(set(names))
