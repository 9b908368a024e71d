"""What is worked out once: the same again from the store, and anew for other inputs, other code or a damaged entry."""

import hashlib
import math
from dataclasses import asdict, dataclass, fields, is_dataclass, replace

import numpy as np
import pandas as pd
import pytest

from rnaexp.progress import silence
from rnaexp.reading import derived as kept
from rnaexp.reading.derived import content, derived, packed, unpacked
from rnaexp.reading.store import Store
from rnaexp.rna import Alignment, Rna
from rnaexp.stats.intervals import Interval
from rnaexp.structure.fit_view import unscored_f1
from rnaexp.structure.protocol import Scoring
from rnaexp.tasks.families import figures
from rnaexp.tasks.families import measure as families
from rnaexp.tasks.families.settings import ClassifyTask
from rnaexp.tasks.families.tracking import _record_pictures
from rnaexp.tasks.pairs import assess, measure, parts, views
from rnaexp.tasks.pairs.assess import evaluated
from rnaexp.tasks.pairs.record import as_json, per_rna
from rnaexp.tasks.pairs.result import Task
from rnaexp.tasks.pairs.run import run_structure
from tests.planted_sets import write_set
from tests.structure.test_view import scores_of

TABLE = pd.DataFrame(
    {
        "rna": ["a", "b"],
        "count": [1, 2],
        "share": [0.1, math.nan],
        "seen": [True, False],
        "mixed": np.array(["x", None], object),
        "narrow": np.array([0.1, 0.2], np.float32),
    }
)
VALUES = [
    None,
    True,
    3,
    0.1 + 0.2,
    -math.inf,
    "a\nb",
    b"\x89PNG",
    (1, [2, ("x",)]),
    {"a": (1, 2), 3: None},
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.array(["ab", "c"]),
    np.float64(0.1),
    Interval(mean=0.5, low=None, high=None, clusters=3),
    TABLE,
    TABLE[:0],
]


def same(one, other):
    """Equal in content and in kind, all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
        return True
    if isinstance(one, np.ndarray | np.generic):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    if is_dataclass(one):
        return all(same(getattr(one, each.name), getattr(other, each.name)) for each in fields(one))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return one == other or (isinstance(one, float) and math.isnan(one) and math.isnan(other))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_as_it_was(tmp_path, value):
    store = Store(tmp_path)
    store.put("key", packed(value))
    assert same(unpacked(store.get("key")), value)
    others = [other for other in [*VALUES, np.arange(6, dtype=np.float32)] if other is not value]
    assert content(value) not in [content(other) for other in others]


@dataclass(frozen=True)
class Foreign:
    number: int = 1


@pytest.mark.parametrize(
    "value",
    [{1, 2}, Foreign(), [Foreign()], np.array([{}], object), TABLE.set_index("rna"), type("T", (tuple,), {})()],
    ids=repr,
)
def test_what_would_not_come_back_is_refused(value):
    with pytest.raises(TypeError, match="kept"):
        packed(value)


def test_an_entry_names_no_class_but_ours():
    entry = packed(Interval(mean=0.5, low=None, high=None, clusters=3))
    named = entry["skeleton"].tobytes().replace(b"rnaexp.stats.intervals:Interval", b"collections:OrderedDict")
    with pytest.raises(TypeError, match="kept"):
        unpacked({"skeleton": np.frombuffer(named, np.uint8)})


def test_what_an_alignment_has_worked_out_does_not_change_its_content():
    rna = Rna(id="a", sequence="ACGU", alignment=Alignment(names=("a", "b"), rows=("ACGU", "AC-U")))
    before = content(rna)
    rna.alignment.neff()
    assert content(rna) == before


def test_made_anew_for_other_inputs_other_code_and_a_damaged_entry(tmp_path, monkeypatch):
    store, made = Store(tmp_path), []

    def work(value):
        return derived(store, "sum", [value], lambda: made.append(value) or float(value.sum()))

    numbers = np.array([1.0, 2.0])
    assert [work(numbers), work(numbers.copy())] == [3.0, 3.0]
    assert len(made) == 1
    assert work(numbers.astype(np.float32)) == 3.0
    assert work(np.nextafter(numbers, 9)) > 3.0
    assert derived(store, "other", [numbers], lambda: 1) == 1
    assert len(made) == 3
    for path in (tmp_path / "derived").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert work(numbers) == 3.0
    assert len(made) == 4
    assert len(store.corrupt) == 1, "it is told with the results that were damaged"
    monkeypatch.setattr(kept, "_code", lambda: ["changed"])
    assert work(numbers) == 3.0
    assert len(made) == 5


def test_several_processes_each_make_their_part(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert [derived(Store(tmp_path), "x", [], lambda at=at: at) for at in (1, 2)] == [1, 2]


def test_a_second_run_works_nothing_out_and_finds_the_same(tmp_path, monkeypatch):
    sets = {
        name: str(write_set(tmp_path / f"{name}.fa", seed, 6, name)) for seed, name in enumerate(("validation", "test"))
    }
    task = Task(model="planted", scoring=Scoring(), related="keep", loading={"name": "planted"}, **sets)
    store = Store(tmp_path / "store")
    first = run_structure(task, store, silence)

    def again(*_, **__):
        pytest.fail("worked out again")

    for module, name in (
        (parts, "search"),
        (measure, "optimum"),
        (measure, "evaluate_head"),
        (assess, "retune"),
        (assess, "breakdown"),
        (assess, "_about"),
    ):
        monkeypatch.setattr(module, name, again)
    second = run_structure(task, store, silence)
    assert same(as_json(second, None), as_json(first, None))
    assert same(per_rna(second), per_rna(first))
    for name in ("retuning", "about", "breakdown", "tags"):
        assert same(getattr(second.assessment, name), getattr(first.assessment, name))
    for part in ("validation", "test"):
        assert same(getattr(second, part).search, getattr(first, part).search)
    assert same(second.evaluation, first.evaluation)
    assert same(second.oracle, first.oracle)
    assert asdict(second.tuned) == asdict(first.tuned)
    with pytest.raises(pytest.fail.Exception):
        evaluated(second.test.scores, (0, 0), 0.123, store)


def test_families_are_measured_and_drawn_once(tmp_path, monkeypatch):
    task, store = ClassifyTask(model="3-mer", families="builtin"), Store(tmp_path)

    class Run:
        def __init__(self):
            self.drawn = {}

        def figure(self, picture, name):
            self.drawn[name] = picture

    first, run = families.classify(task, store, silence), Run()
    _record_pictures(run, first, store)
    monkeypatch.setattr(families, "overlaps", lambda *_, **__: pytest.fail("measured again"))
    monkeypatch.setattr(figures, "pictures", lambda *_: pytest.fail("drawn again"))
    second, beside = families.classify(task, store, silence), Run()
    _record_pictures(beside, second, store)
    for name in ("every", "matched", "unmatched_reason", "table", "means", "drawn"):
        assert same(getattr(second, name), getattr(first, name))
    assert beside.drawn == run.drawn
    assert set(run.drawn) == {"similarity_densities.png", "embeddings.png", "embeddings.html", "families.png"}
    assert run.drawn["families.png"].startswith(b"\x89PNG")
    assert "plotly" in run.drawn["embeddings.html"].decode()


def test_what_decoding_alone_is_worth_is_worked_out_once_for_all_models_of_a_set(tmp_path, monkeypatch):
    """Of other pairs or another sequence it is another number, though they are kept in one store."""
    rng = np.random.default_rng(2)

    def scored(sequence, known):
        found = scores_of(sequence, rng.normal(size=(len(sequence),) * 2), known)
        return replace(found, sequence_sha256=hashlib.sha256(sequence.encode()).hexdigest())

    one, other = "GGGGCUAGAAAUAGCCCC", "GACGCUAGAAAUAGCGUC"
    arms = [(at, 17 - at) for at in range(7)]
    cases = [(one, arms), (one, arms[:3]), (other, arms)]
    store, made = Store(tmp_path), []
    monkeypatch.setattr(views, "unscored_f1", lambda *given: made.append(given) or unscored_f1(*given))
    for sequence, known in cases:
        rnas = [Rna(id="r", sequence=sequence)]
        for _ in range(2):  # two models
            scores = [scored(sequence, known)]
            assert views._unscored_f1(rnas, scores, store) == unscored_f1(rnas, scores)
    assert len(made) == len(cases)
