"""Result files: out of one store, into another or into a leaderboard of their own, with nothing lost or believed."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import mlflow
import pytest

from rnaexp.data.sets import load_set
from rnaexp.errors import InputError, UnavailableError
from rnaexp.experiment.importing import import_files
from rnaexp.report.comparison import as_tables
from rnaexp.report.leaderboards import compared, comparison_of, of_folder
from rnaexp.report.page import page
from rnaexp.track.export import runs_in
from rnaexp.track.result_file import Header, ResultData, ResultFile, ResultRun, read_result
from rnaexp.track.travel import export

PROTOCOL = {
    "protocol": "strict",
    **{
        f"protocol.{name}": value
        for name, value in {
            "min_separation": "4",
            "pairs": "canonical",
            "decoder": "greedy",
            "match": "exact",
            "averaging": "per-rna",
            "head": "validation",
            "grid": "0.0",
            "symmetrise": "True",
            "apc": "True",
            "score_scale": "raw",
            "token_pairs": "mean",
            "squash": "none",
        }.items()
    },
}
SHA = "0123456789abcdef" * 4


def result(**changes):
    """A small file of one run and its test."""
    test = ResultRun(
        kind="test",
        name="test",
        started=2000,
        ended=3000,
        params={},
        metrics={"structure.f1": 0.1 + 0.2},
        tags={},
        data=(ResultData(name="mine", sha256=SHA, source="mine.fa", context="test", rows=2),),
        tables={"per_rna.csv": "rna,cluster,f1\n=cmd|x,c0,0.30000000000000004\nNA,c1,-0.5\n"},
    )
    first = replace(test, kind="parent", name="m · mine · strict", started=1000, tables={}, tags={"who": "me"})
    params = {"model": "m", "test": "mine", "test.sha256": SHA, "related": "drop", **PROTOCOL, **changes}
    header = Header(format="rnaexp-result", version=1, run_id="0" * 32, rnaexp="0.1.0", recipe={"schema": 1})
    return ResultFile(header=header, runs=(replace(first, params=params), test))


@pytest.fixture
def files(here, tmp_path):
    """Every finished run of the experiment, a file each."""
    for kind in ("parent", "question"):
        for run in runs_in("rnaexp", f"attributes.status = 'FINISHED' and tags.`rnaexp.kind` = '{kind}'"):
            export(run.info.run_id, tmp_path / "files")
    return tmp_path / "files"


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Another working directory with a store of its own."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("RNAEXP_STORE", str(tmp_path / "elsewhere" / "store"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path / "elsewhere"


def shown(comparison):
    """The page, and the tables without ids of runs; which runs failed and what the store is called travels not."""
    plain = replace(comparison, experiment="x", left_out={})
    tables = {name: table.drop(columns="run_id", errors="ignore") for name, table in as_tables(plain).items()}
    return page(plain, made="now"), {name: table.to_csv() for name, table in tables.items()}


def test_exported_and_imported_the_leaderboard_page_is_equal_and_so_is_that_of_the_files(files, here, monkeypatch):
    original = shown(compared("rnaexp"))
    assert shown(comparison_of(of_folder(files))) == original
    place = files.parent / "other"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("RNAEXP_STORE", str(place / "store"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    before = mlflow.get_tracking_uri()
    try:
        import_files(sorted(files.glob("*.jsonl")), "rnaexp")
        assert shown(compared("rnaexp")) == original
    finally:
        mlflow.set_tracking_uri(before)


def test_an_imported_run_is_marked_keeps_its_times_and_comes_once(elsewhere, capsys):
    found = result()
    found.write(elsewhere / "one.jsonl")
    assert read_result(elsewhere / "one.jsonl") == found
    for _ in range(2):
        import_files([elsewhere / "one.jsonl"], "rnaexp")
    test, run = sorted(runs_in("rnaexp", ""), key=lambda each: each.data.tags["rnaexp.kind"], reverse=True)
    assert capsys.readouterr().out.splitlines() == [
        f"{elsewhere}/one.jsonl: run {run.info.run_id}",
        f"{elsewhere}/one.jsonl: is here as run {run.info.run_id}",
    ]
    lines = (elsewhere / "one.jsonl").read_bytes().splitlines(keepends=True)
    assert run.data.tags["rnaexp.imported"] == hashlib.sha256(b"".join(lines[:-1])).hexdigest()
    assert run.data.tags.items() >= {"who": "me", "rnaexp.imported.run": "0" * 32, "rnaexp.kind": "parent"}.items()
    assert (run.info.start_time, run.info.end_time, test.info.start_time) == (1000, 3000, 2000)
    assert test.data.metrics == {"structure.f1": 0.1 + 0.2}
    assert [one.dataset.name for one in run.inputs.dataset_inputs] == ["mine"]
    held = Path(test.info.artifact_uri.removeprefix("file://")) / "per_rna.csv"
    assert held.read_text() == "rna,cluster,f1\n'=cmd|x,c0,0.30000000000000004\nNA,c1,-0.5\n"


ALTERED = {
    "a digit": (lambda lines: [line.replace("0.30000000000000004", "0.9") for line in lines], "altered or cut short"),
    "cut short": (lambda lines: lines[:-1], "altered or cut short"),
    "a line gone": (lambda lines: [lines[0], *lines[2:]], "altered or cut short"),
    "another format": (lambda lines: [lines[0].replace("rnaexp-result", "x"), *lines[1:]], "not a result file"),
    "a later version": (lambda lines: [lines[0].replace('"version": 1', '"version": 2'), *lines[1:]], "version 2"),
    "no JSON": (lambda lines: [lines[0], "{", *lines[2:]], "no JSON"),
    "a list": (lambda lines: [lines[0], "[]", *lines[2:]], "no JSON object"),
}


@pytest.mark.fault
@pytest.mark.parametrize("what", ALTERED)
def test_a_file_that_was_altered_is_refused_with_the_reason(elsewhere, what):
    change, said = ALTERED[what]
    path = elsewhere / "one.jsonl"
    result().write(path)
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")
    with pytest.raises(InputError, match=said):
        import_files([path], "rnaexp")


WRONG = {
    "a value of another type": (lambda run: replace(run, started="1"), "started"),
    "a path for a table": (lambda run: replace(run, tables={"../x.csv": "a"}), "tables"),
    "no number": (lambda run: replace(run, metrics={"f1": "high"}), "metrics"),
    "not finite": (lambda run: replace(run, metrics={"f1": float("nan")}), "metrics"),
    "a step first": (lambda run: replace(run, kind="tune"), "first run is a step"),
    "another protocol": (
        lambda run: replace(run, params={**run.params, "protocol.min_separation": "1"}),
        "calls it 'strict:min_separation=1'",
    ),
    "an unknown decoder": (lambda run: replace(run, params={**run.params, "protocol.decoder": "x"}), "not one of"),
}


@pytest.mark.fault
@pytest.mark.parametrize("what", WRONG)
def test_a_file_with_a_true_hash_and_a_wrong_field_is_refused(elsewhere, what):
    change, said = WRONG[what]
    found = result()
    replace(found, runs=(change(found.runs[0]), *found.runs[1:])).write(elsewhere / "one.jsonl")
    with pytest.raises(InputError, match=said):
        import_files([elsewhere / "one.jsonl"], "rnaexp")


@pytest.mark.fault
def test_another_set_under_a_known_name_is_refused_in_a_store_and_in_a_folder(elsewhere):
    result().write(elsewhere / "a.jsonl")
    result(**{"test.sha256": SHA[::-1]}).write(elsewhere / "b.jsonl")
    with pytest.raises(InputError, match=r"b\.jsonl.*mine: sha256 fedcba98, and 01234567"):
        of_folder(elsewhere)
    import_files([elsewhere / "a.jsonl"], "rnaexp")
    with pytest.raises(InputError, match="another set under the same name"):
        import_files([elsewhere / "b.jsonl"], "rnaexp")
    result(test="builtin-ts").write(elsewhere / "c.jsonl")
    with pytest.raises(InputError, match=load_set("builtin-ts").sha256[:8]):
        import_files([elsewhere / "c.jsonl"], "rnaexp")
    assert len(runs_in("rnaexp", "")) == 2


@pytest.mark.fault
def test_what_cannot_be_exported_or_compared_is_named(here, tmp_path):
    (failed,) = runs_in("rnaexp", "attributes.status = 'FAILED' and tags.`rnaexp.kind` = 'parent'")
    with pytest.raises(InputError, match="parent, FAILED"):
        export(failed.info.run_id, tmp_path)
    with pytest.raises(UnavailableError, match="0000"):
        export("0" * 32, tmp_path)
    with pytest.raises(InputError, match="no result file"):
        of_folder(tmp_path)
    assert json.loads("[]") == list(tmp_path.iterdir())


def test_published_figures_are_runs_of_a_kind_of_their_own_come_once_and_are_never_ranked(elsewhere, capsys):
    from rnaexp.experiment.importing import import_published
    from rnaexp.report.classes import published
    from rnaexp.track.export import runs_table

    import_published("rnaexp")
    capsys.readouterr()
    import_published("rnaexp")
    assert capsys.readouterr().out.count("is here as run") == len(published())
    runs = mlflow.MlflowClient(f"sqlite:///{elsewhere}/mlflow.db").search_runs(["1"])
    assert {run.data.tags["rnaexp.kind"] for run in runs} == {"published"}
    stated = {run.data.params["model"]: run.data.metrics for run in runs}
    assert len(runs) == len(stated) == len(published())
    assert stated["RNA-MSM"] == {"published.structure_f1": 0.631}
    assert stated["RNA-FM"] == {"published.overlap_iou": 0.070}
    assert stated["RiNALMo, 148M to 651M"] == {}, "a change is no figure"
    assert all(run.data.tags["rnaexp.published.source"].startswith("arXiv:2505.09087") for run in runs)
    assert len(runs_table("rnaexp")) == 0
