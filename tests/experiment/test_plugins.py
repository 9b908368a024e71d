"""A task, a model, a baseline and a set of another package, with no edit of ours."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import rnaexp
from rnaexp import plugins
from rnaexp.data.registry import named_sets
from rnaexp.errors import InputError, UnavailableError
from rnaexp.experiment.runner import run_jobs
from rnaexp.models import names, spec
from rnaexp.report.task_tables import not_installed
from rnaexp.tasks.plugged import PluggedJob
from rnaexp.tasks.registry import settings_of, task_of
from tests.command import answer, inside, runs
from tests.command import rnaexp as program
from tests.experiment.toy_package import install


@pytest.fixture
def installed(tmp_path, monkeypatch):
    folder = install(tmp_path / "site")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.chdir(tmp_path)
    plugins.plugged.cache_clear()
    yield folder
    plugins.plugged.cache_clear()
    sys.modules.pop("toy_package", None)


def test_the_task_is_a_verb_a_question_a_run_a_table_and_a_section(installed, tmp_path):
    told = answer(inside("share", "--model", "toy-counts", "--letters", "GC", "--at-most", "5", "--json", cwd=tmp_path))
    assert [run["model"] for run in told["runs"]] == ["toy-counts", "toy-flat"], "its baseline stands beside the model"
    first, flat = told["runs"]
    assert first["settings"] == {"rnas": "toy-set", "letters": "GC", "at_most": 5}
    assert first["metrics"]["rho"] == pytest.approx(1.0)
    assert (flat["metrics"]["rho"], flat["notes"]) == (None, ["its embeddings do not vary"])
    tracked = runs(tmp_path)
    parent = next(run for run in tracked if run[0] == "toy-counts · share" and run[1] == "parent")
    child = next(run for run in tracked if run[0] == "share" and run[1] == "task" and run[4]["model"] == "toy-counts")
    assert parent[5]["share.error"] == child[5]["share.error"] == pytest.approx(first["metrics"]["error"], abs=1e-6)
    assert child[4]["share.at_most"] == "5"
    (tmp_path / "q.toml").write_text('task = "share"\nmodels = ["toy-counts"]\n[settings]\nat_most = 6\n')
    asked = inside("run", "q.toml", "--csv", "out.csv", cwd=tmp_path)
    assert asked.returncode == 0, asked.stderr
    assert "Spearman [95 %]" in asked.stdout
    assert list(pd.read_csv(tmp_path / "out.csv")["model"]) == ["toy-counts", "toy-flat"]
    compared = inside("compare", "--html", "report.html", "--markdown", "report.md", "--csv", "c.csv", cwd=tmp_path)
    assert compared.returncode == 0, compared.stderr
    page = (tmp_path / "report.html").read_text()
    for text in (page, (tmp_path / "report.md").read_text(), compared.stdout):
        assert "Embeddings against the share of letters" in text
        assert "toy-flat" in text
    rows = pd.read_csv(tmp_path / "c_share.csv")
    assert sorted(map(tuple, rows[["model", "at_most", "version"]].to_numpy().tolist())) == [
        ("toy-counts", 5, 1),
        ("toy-counts", 6, 1),
        ("toy-flat", 5, 1),
        ("toy-flat", 6, 1),
    ], "runs under other settings are rows of their own"
    assert "at_most" in compared.stdout
    assert "letters" not in compared.stdout.split("share of letters")[1], "a setting that all rows share is no column"


def test_from_python_it_is_run_like_our_own(installed):
    assert rnaexp.list_tasks()[-2:] == ("share", "broken-task")
    found = rnaexp.evaluate(["toy-counts", "toy-flat"], tasks=["share"], options={"share": {"at_most": 4}})
    assert found.frame.loc["toy-counts", "share.rho"] == pytest.approx(1.0)
    assert len(found.per_rna("share")) == 8
    assert list(found.table("share")["model"]) == ["toy-counts", "toy-flat"]
    assert found.notes == ("toy-flat: its embeddings do not vary",)
    with pytest.raises(InputError, match="options: 'pairs' is no task of another package"):
        rnaexp.evaluate("toy-flat", tasks=["pairs"], options={"pairs": {}})


def test_its_model_and_its_set_are_named_like_our_own(installed, tmp_path):
    assert {"toy-counts", "toy-flat"} <= set(names())
    assert next(each for each in named_sets() if each.name == "toy-set").rnas == 6
    listed = inside("data", "list", "--json", cwd=tmp_path)
    assert "toy-set" in [each["name"] for each in answer(listed)["sets"]]
    assert len(rnaexp.embed("toy-counts", "GGGAAACCC")) == 1


def test_a_package_that_cannot_be_loaded_harms_nobody_else_and_is_named(installed, tmp_path):
    assert "toy-package 1.2 gives None" in str(spec("toy-broken").unavailable)
    with pytest.raises(UnavailableError, match=r"added by toy-package 1\.2, which cannot be loaded: ModuleNotFound"):
        task_of("broken-task")
    done = inside("broken-task", cwd=tmp_path)
    assert done.returncode == 69
    assert "toy_package_that_is_gone" in done.stderr
    assert inside("models", "list", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (("--letters", "GA"), 2, "GA"),
        (("--at-most", "many"), 2, "Invalid value for '--at-most'"),
        (("--at-most", "2"), 2, "--at-most 2: input should be greater than or equal to 3"),
        (("--rnas", "none"), 65, "no set and no file or folder is named 'none'"),
    ],
)
def test_wrong_options_say_what_is_allowed(installed, tmp_path, words, code, complaint):
    done = inside("share", "--model", "toy-counts", *words, cwd=tmp_path)
    assert done.returncode == code
    assert complaint in done.stderr


def test_wrong_settings_of_a_question_name_the_file(installed, tmp_path):
    (tmp_path / "q.toml").write_text('task = "share"\nmodels = ["toy-counts"]\n[settings]\nat_mots = 6\n')
    done = inside("run", "q.toml", cwd=tmp_path)
    assert done.returncode == 65
    assert "q.toml: share: at_mots: no such setting; there are rnas, letters, at_most" in done.stderr
    (tmp_path / "q.toml").write_text('task = "shore"\nmodels = ["toy-counts"]\n')
    assert "no task 'shore' of another package; share, broken-task" in inside("run", "q.toml", cwd=tmp_path).stderr


def test_a_metric_is_declared_once_and_measured(installed):
    task = task_of("share")
    with pytest.raises(InputError, match="share: letters 'X': must be GC or AU"):
        settings_of(task, {"letters": "X"})
    run = task.run
    task.run = lambda *given: run(*given).__class__(metrics={"rho": 1.0}, data=(), rows=pd.DataFrame())
    with pytest.raises(InputError, match="metric 'error' is declared or measured, not both"):
        rnaexp.evaluate("toy-counts", tasks="share")


@pytest.mark.parametrize(
    ("metrics", "complaint"),
    [
        (None, r"task share of toy-package 1\.2 failed: ZeroDivisionError: division by zero"),
        ({"rho": float("nan")}, "task share: metric 'rho' is nan; None is for what is not known"),
    ],
)
def test_what_fails_in_its_code_ends_that_model_alone(installed, tmp_path, metrics, complaint, capsys, monkeypatch):
    task = task_of("share")
    run = type(task).run

    def failing(model, settings, context):
        if model.spec.name == "toy-flat":
            return run(task, model, settings, context)
        if metrics is None:
            return 1 / 0
        found = run(task, model, settings, context)
        return replace(found, metrics={**found.metrics, **metrics})

    monkeypatch.setattr(task, "run", failing)
    done, failed = run_jobs(
        [PluggedJob(task=task, model=name, settings=settings_of(task, {})) for name in ("toy-counts", "toy-flat")]
    )
    assert [each.record["model"] for each in done] == ["toy-flat"]
    assert [each.job.model for each in failed] == ["toy-counts"]
    assert re.search(complaint, str(failed[0].error))


def test_runs_of_a_task_that_is_gone_are_counted():
    states, tasks = ["FINISHED", "FINISHED", "FAILED", "FINISHED"], ["skew", "skew", "skew", "contacts"]
    runs = pd.DataFrame({"status": states, "tags.rnaexp.task": tasks})
    assert not_installed(runs) == {"skew": 2}
    assert not_installed(runs.drop(columns="tags.rnaexp.task")) == {}


def test_the_task_in_contributing_runs_as_it_stands(tmp_path, monkeypatch):
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
    code, points, question = (
        re.search(f"```{kind}\n({start}.*?)```", text, re.DOTALL)[1]
        for kind, start in (("python", "import pandas"), ("toml", r"\[project.entry"), ("toml", "models = "))
    )
    folder = install(tmp_path / "site", "[rnaexp.tasks]\n" + points.partition("\n")[2].replace('"', ""))
    (folder / "my_package.py").write_text(code)
    (tmp_path / "q.toml").write_text(question)
    monkeypatch.syspath_prepend(str(folder))
    plugins.plugged.cache_clear()
    told = answer(inside("run", "q.toml", "--json", cwd=tmp_path))
    plugins.plugged.cache_clear()
    assert [run["model"] for run in told["runs"]] == ["lm-nano", "msm-nano", "untrained:lm-nano"]
    assert all(-1 <= run["metrics"]["rho"] <= 1 for run in told["runs"])


def test_a_name_of_ours_is_not_taken(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(install(tmp_path / "site", "[rnaexp.models]\nrnabert = toy_package:MODEL\n")))
    plugins.plugged.cache_clear()
    try:
        with pytest.raises(
            InputError, match=r"toy-package 1\.2 adds 'rnabert' to rnaexp\.models, a name that rnaexp has"
        ):
            names()
    finally:
        plugins.plugged.cache_clear()


def test_the_help_lists_the_verb_and_its_options(installed, tmp_path):
    done = program("share", "--help", cwd=tmp_path, PYTHONPATH=installed)
    assert done.returncode == 0, done.stderr
    shown = " ".join(done.stdout.replace("│", " ").split())
    assert "Embeddings against the share of letters (a task of toy-package 1.2)" in shown
    assert "GC|AU" in shown
    assert "--at-most" in shown
    listed = inside("--help", cwd=tmp_path)
    assert "share" in listed.stdout
    assert json.dumps("broken-task")[1:-1] in listed.stdout
