"""What is computed or drawn once: pictures, and the controls beside several models."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rnaexp.progress import silence
from rnaexp.reading.store import Store
from rnaexp.structure.protocol import Scoring
from rnaexp.tasks.pairs import control_scores, figures, pictures, run
from rnaexp.tasks.pairs.record import as_json
from rnaexp.tasks.pairs.result import Task
from rnaexp.tasks.pairs.sets import sets_of
from tests.planted_sets import write_set

TABLE = pd.DataFrame({"f1": [0.1, 0.5, 0.9]})


@pytest.fixture
def drawn(monkeypatch):
    made, real = [], figures.f1_distribution

    def draw(*arguments):
        made.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(figures, "f1_distribution", draw)
    return made


def test_a_picture_is_drawn_again_only_for_other_numbers_words_or_code(tmp_path, drawn, monkeypatch):
    store = Store(tmp_path)
    first = pictures.picture(store, "f1_distribution", TABLE, "a model")
    assert first.startswith(b"\x89PNG")
    assert pictures.picture(store, "f1_distribution", TABLE.copy(), "a model") == first
    assert len(drawn) == 1
    nearly = TABLE.assign(f1=np.nextafter(TABLE["f1"], 1))
    pictures.picture(store, "f1_distribution", nearly, "a model")
    pictures.picture(store, "f1_distribution", TABLE, "another model")
    monkeypatch.setattr(pictures, "_code", lambda: ["changed"])
    pictures.picture(store, "f1_distribution", TABLE, "a model")
    assert len(drawn) == 4


def test_arrays_of_equal_bytes_and_another_shape_are_other_pictures():
    square = np.arange(4.0).reshape(2, 2)
    assert pictures._content(square) == pictures._content(square.copy())
    assert pictures._content(square) != pictures._content(square.ravel())
    assert pictures._content(square) != pictures._content(square.T)


def test_a_control_is_computed_once_for_two_sets_and_a_protocol(tmp_path, monkeypatch):
    made, real = [], control_scores.tune_and_test

    def counted(task, *arguments, **named):
        made.append(task.model)
        return real(task, *arguments, **named)

    monkeypatch.setattr(control_scores, "tune_and_test", counted)
    sets = enumerate(("validation", "test"))
    words = {name: str(write_set(tmp_path / f"{name}.fa", seed, 4, name)) for seed, name in sets}
    task, store = Task(model="planted", scoring=Scoring(), related="keep", **words), Store(tmp_path / "store")
    first = control_scores.control_scores("stems", task, sets_of(task), store)
    first.record["structure"]["rank"] = 7
    again = control_scores.control_scores("stems", replace(task, model="lm-nano", families="x"), sets_of(task), store)
    assert made == ["stems"]
    assert "rank" not in again.record["structure"], "each model has its own copy"
    pd.testing.assert_frame_equal(first.evaluation.per_rna, again.evaluation.per_rna)
    strict = Task(model="planted", scoring=Scoring(min_separation=4), related="keep", **words)
    control_scores.control_scores("stems", strict, sets_of(strict), store)
    control_scores.control_scores("random", task, sets_of(task), store)
    assert made == ["stems", "stems", "random"]


def test_a_control_with_a_row_of_its_own_is_not_measured_twice(tmp_path, monkeypatch):
    sets = enumerate(("validation", "test"))
    words = {name: str(write_set(tmp_path / f"{name}.fa", seed, 4, name)) for seed, name in sets}
    asked = {"model": "stems", "scoring": Scoring(), "related": "keep", **words}
    task, store = Task(**asked, loading={"name": "stems", "device": "cpu", "seed": 0}), Store(tmp_path / "store")
    alone = run.run_structure(task, Store(tmp_path / "other"), silence)
    control_scores.control_scores("stems", task, sets_of(task), store)
    made, real = [], run.tune_and_test
    monkeypatch.setattr(run, "tune_and_test", lambda task, *more: made.append(task.model) or real(task, *more))
    found = run.run_structure(task, store, silence)
    assert made == []
    assert found.task is task
    assert as_json(found, None) == as_json(alone, None)
    pd.testing.assert_frame_equal(found.evaluation.per_rna, alone.evaluation.per_rna)
    strict = replace(task, scoring=Scoring(min_separation=4))
    run.run_structure(strict, store, silence)
    assert made == ["stems"], "under another protocol it is another measurement"
