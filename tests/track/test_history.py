"""What was decided of an alias is kept in the registry, and what is kept gives the alias as it is."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from rnaexp.errors import InputError
from rnaexp.models import spec
from rnaexp.structure.configuration import configuration
from rnaexp.track import tracked_run
from rnaexp.track.registry import TASK, history_of, register, roll_back

from ..command import inside as rnaexp
from .test_registry import CLEAR, empty, head

IDS = ["one", "two", "three", "four", "five", "six"]


@pytest.fixture(autouse=True)
def no_files(monkeypatch):
    """Of these tests only versions and aliases are the point."""
    monkeypatch.setattr("rnaexp.track.registry.write_model", lambda folder, *rest: empty(folder))


def of(model, *, against=CLEAR, values=(), **fields):
    """A finished run of a model with its F1 on each validation RNA, registered; the version's number."""
    fields = {"rnas": tuple(IDS), "model": model} | fields
    found = configuration(spec(model), head(**fields), {"name": model, "seed": 0}, alignment="intact")
    with tracked_run(model, tags={"rnaexp.diagnosis": "a warning"}) as run, run.child("test", kind="test") as test:
        if values:
            rows = pd.DataFrame({"rna": IDS, "cluster": [f"c{at}" for at in range(6)], "f1": values})
            test.table(rows, "validation_f1.csv")
    return register(run.run_id, found, against=against).version


def told(name):
    found, aliases = history_of(name)
    after = {}
    for one in found:  # replayed by a plain loop
        after[one.alias] = one.after
    assert {alias: version for alias, version in after.items() if version} == aliases, "the records alone give it"
    return [(one.alias, one.decision, one.version, one.after) for one in found], found


def test_each_decision_is_a_record_and_the_records_give_the_alias(place, mlflow_of):
    first = of("lm-nano", f1=0.5, protocol="strict", values=[0.5, 0.4, 0.6, 0.5, 0.5, 0.5])
    of("lm-nano", f1=0.45, protocol="strict")
    of("lm-nano", f1=0.9, protocol="strict", against=replace(CLEAR, low=-0.1))
    better = of("lm-nano", f1=0.6, protocol="strict", values=[0.6, 0.5, 0.7, 0.6, 0.6, 0.6])
    decided, records = told("lm-nano")
    assert decided == [
        ("champion", "promoted", "1", "1"),
        ("champion", "kept", "2", "1"),
        ("champion", "refused", "3", "1"),
        ("champion", "promoted", "4", "4"),
    ]
    assert (first, better) == ("1", "4")
    figures = records[3].figures
    assert figures["over"] == "clearly above version 1: +0.100 [+0.100, +0.100]", "paired by RNA: each is 0.1 better"
    assert figures["verdict"] == "clearly above stems: +0.300 [+0.100, +0.500]"
    assert figures["diagnosis"] == "a warning"
    assert {"validation.sha256", "validation.clusters", "protocol", "control.control"} <= set(figures)
    page = mlflow_of(place).get_registered_model("lm-nano").description
    assert page.count("## What was decided") == 1
    assert page.startswith("LM-nano (ours): base pairs read")
    assert "clearly above stems: +0.300" in page
    assert "promoted" in mlflow_of(place).get_model_version("lm-nano", "4").description


def test_an_alias_goes_back_to_who_had_it_and_stays_there(place):
    of("lm-nano", f1=0.5, protocol="strict")
    of("lm-nano", f1=0.6, protocol="strict")
    assert roll_back("lm-nano", "champion").after == "1"
    of("lm-nano", f1=0.6, protocol="strict")  # the same again: what somebody took back is not promoted by itself
    decided, records = told("lm-nano")
    assert decided[2:] == [("champion", "rolled back", "2", "1"), ("champion", "refused", "2", "1")]
    assert "was rolled back" in records[3].why
    with pytest.raises(InputError, match="champion names version 1, and no version before it is known"):
        roll_back("lm-nano", "champion")
    assert of("lm-nano", f1=0.7, protocol="strict") == "3"
    assert roll_back("lm-nano", "champion").after == "1", "not the version that was taken back before"


def test_what_a_person_set_is_noted_before_anything_is_decided(place, mlflow_of):
    of("lm-nano", f1=0.5, protocol="strict")
    of("lm-nano", f1=0.4, protocol="strict")
    mlflow_of(place).set_registered_model_alias("lm-nano", "champion", "2")
    of("lm-nano", f1=0.45, protocol="strict")
    decided, _ = told("lm-nano")
    assert decided[2:] == [("champion", "set by hand", "2", "2"), ("champion", "promoted", "3", "3")]


def test_one_name_has_the_best_of_all_models_as_champion_and_no_control(place, mlflow_of):
    of("stems", f1=0.9)
    of("lm-nano", f1=0.5)
    of("msm-nano", f1=0.6)
    of("lm-nano", f1=0.55)
    of("msm-nano", f1=0.95, set="another")
    decided, records = told(TASK)
    assert [one[1] for one in decided] == ["refused", "promoted", "promoted", "kept", "kept"]
    assert "it is a control" in records[0].why
    assert "another validation set" in records[4].why
    champion = mlflow_of(place).get_model_version_by_alias(TASK, "champion")
    assert (champion.tags["model"], champion.tags["validation.f1"]) == ("msm-nano", "0.6")
    assert "msm-nano, models:/msm-nano/1" in champion.description
    assert champion.source == mlflow_of(place).get_model_version("msm-nano", "1").source


def test_the_verbs_say_it(place):
    of("lm-nano", f1=0.5, protocol="strict")
    of("lm-nano", f1=0.6, protocol="strict")
    done = rnaexp("history", TASK, "--json", cwd=place)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert [one["decision"] for one in record["decisions"]] == ["promoted", "promoted"]
    assert record["aliases"] == {"champion": "2"}
    back = rnaexp("rollback", TASK, cwd=place)
    assert back.stdout.startswith(f"champion of {TASK} is version 1, taken from version 2\n")
    shown = rnaexp("--wide", "history", TASK, cwd=place).stdout
    assert "rolled back" in shown
    assert shown.endswith("champion: 1\n")
    gone = rnaexp("history", "nothing", cwd=place)
    assert (gone.returncode, "nothing" in gone.stderr) == (69, True)
