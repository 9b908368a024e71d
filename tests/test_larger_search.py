"""The larger search on the toy: what a configuration means, how the set is split, and what the test set is used for."""

import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import optuna
import pandas as pd
import pytest
import torch
from sqlalchemy.exc import IntegrityError

from rnaexp import models
from rnaexp.data.formats import read_rnas
from rnaexp.errors import InputError, UnavailableError
from rnaexp.reading.read import read_set
from rnaexp.reading.store import Store
from rnaexp.structure.choice import Choice, searched
from rnaexp.structure.evaluate import evaluate_head
from rnaexp.structure.larger import Explored, StudyName, explore, halves
from rnaexp.structure.pairs import average_product_correct, reference
from rnaexp.structure.protocol import CANONICAL, PAIR_SCORES, Scoring
from rnaexp.structure.searched import NEVER, Kept, SearchedEncoder, configured
from rnaexp.structure.study import keep_study, study_of_heads
from rnaexp.tasks.pairs.larger import _evaluated, _judged, _optimum, larger_search
from rnaexp.tasks.pairs.measure import reading_for
from rnaexp.tasks.pairs.result import Task

from .command import inside
from .planted_sets import write_set


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    names = ("v", "t", "u")
    return [write_set(folder / f"{name}.fa", seed, 8, name) for seed, name in enumerate(names, 1)]


@pytest.fixture
def kept(sets):
    rna = read_rnas(sets[0])[0]
    layers = list(models.load("planted").attention(rna))
    return Kept(rna=rna, maps=np.stack([layers[1][2].numpy(), layers[0][0].numpy(), layers[2][3].numpy()]))


def plainly(kept, chosen, scoring):
    """Calls by the definition, one pair at a time: {(i, j): score}."""
    n, total = len(kept.rna), {}
    maps = torch.from_numpy(kept.maps[: chosen.heads]).double()
    separation = max(chosen.min_separation, scoring.min_separation)
    allowed = [
        (i, j)
        for i, j in itertools.combinations(range(n), 2)
        if j - i >= separation
        and (
            "canonical" not in (chosen.pairs, scoring.pairs) or kept.rna.sequence[i] + kept.rna.sequence[j] in CANONICAL
        )
    ]
    for one in maps:
        scores = one + one.T if chosen.symmetrise else one
        scores = average_product_correct(scores) if chosen.apc else scores
        values = np.array([float(scores[i, j]) for i, j in allowed])
        if chosen.standardise:
            values = (values - values.mean()) / values.std()
        for pair, value in zip(allowed, values, strict=True):
            total[pair] = total.get(pair, 0) + value / len(maps)
    return total


@pytest.mark.parametrize("symmetrise", [True, False])
@pytest.mark.parametrize("apc", [True, False])
@pytest.mark.parametrize("standardise", [True, False])
@pytest.mark.parametrize(("heads", "separation", "pairs"), [(1, 1, "all"), (3, 4, "canonical"), (2, 6, "all")])
def test_scores_are_those_of_the_definition(kept, symmetrise, apc, standardise, heads, separation, pairs):
    chosen = Choice(
        heads=heads, symmetrise=symmetrise, apc=apc, standardise=standardise, min_separation=separation, pairs=pairs
    )
    made = configured(kept, chosen, Scoring(min_separation=2))
    expected = plainly(kept, chosen, Scoring(min_separation=2))
    found = {
        divmod(int(at), len(kept.rna)): float(score) for at, score in zip(made.indices[0], made.scores[0], strict=True)
    }
    assert found.keys() == expected.keys()
    assert all(found[pair] == pytest.approx(expected[pair], rel=1e-5, abs=1e-7) for pair in expected)
    assert (np.diff(made.scores[0]) <= 0).all()


def test_limits_on_calls_leave_the_reference_alone(kept):
    sequence = kept.rna.sequence
    odd = next((0, j) for j in range(2, len(sequence)) if sequence[0] + sequence[j] not in CANONICAL)
    rna = replace(kept.rna, pairs=(odd, (1, 4), *(pair for pair in kept.rna.pairs if min(pair) > 4)))
    made = configured(replace(kept, rna=rna), Choice(min_separation=6, pairs="canonical"), Scoring())
    assert np.array_equal(made.reference, reference(rna, Scoring()))
    assert {0 * len(rna) + odd[1], len(rna) + 4} <= set(made.reference) - set(made.indices[0])


def test_the_greedy_decoder_gives_each_base_one_partner(kept):
    made = configured(kept, Choice(decoder="greedy"), Scoring())
    used = Counter(base for at in made.indices[0] for base in divmod(int(at), len(kept.rna)))
    assert max(used.values()) == 1
    assert configured(kept, Choice(), Scoring(decoder="greedy")).indices.tolist() == made.indices.tolist()


def test_relatives_stay_in_one_half():
    clusters = list("aaabbcddddefg")
    one, two = halves(clusters)
    assert sorted([*one, *two]) == list(range(len(clusters)))
    assert not {clusters[at] for at in one} & {clusters[at] for at in two}
    assert abs(len(one) - len(two)) <= 1
    with pytest.raises(ValueError, match="cannot be split"):
        halves(["a", "a"])


def test_the_plain_head_is_always_tried_and_a_study_in_memory_repeats():
    def objective(chosen):
        return 0.1 * chosen.heads + 0.3 * chosen.apc - 0.05 * chosen.min_separation

    found = explore(objective, heads=4, trials=40, name=StudyName(name="x")).found
    assert Choice() in dict(found)
    assert len(dict(found)) == len(found) <= 40
    assert [f1 for _, f1 in found] == sorted((f1 for _, f1 in found), reverse=True)
    assert found == explore(objective, heads=4, trials=40, name=StudyName(name="x")).found
    best = found[0][0]
    assert (best.apc, best.heads, best.min_separation) == (True, 4, 1), "40 trials find the corner"


def test_workers_share_a_study(tmp_path):
    storage, seen = f"sqlite:///{tmp_path}/study.db", []
    for _ in range(2):
        name = StudyName(name="one")
        found = explore(lambda chosen: seen.append(chosen) or 0.5, heads=1, trials=5, name=name, storage=storage).found
    assert len(seen) == 10
    assert set(dict(found)) == set(seen)


def test_a_stored_study_says_what_it_is_of_and_one_of_an_earlier_name_goes_on(tmp_path):
    storage, about = f"sqlite:///{tmp_path}/study.db", {"model": "planted", "seed": 3}
    earlier = optuna.create_study(study_name="rnaexp-0123", storage=storage, direction="maximize")
    new = StudyName(name="planted · vl · paper", earlier="rnaexp-0123", about=about)
    other = StudyName(name="planted · vl2 · paper", earlier="rnaexp-4567", about=about)
    for name in (new, other):
        found = explore(lambda chosen: 0.1 * chosen.apc, heads=1, trials=3, name=name, storage=storage)
        assert set(found.pictures) >= {"search_history.png", "search_slices.png"}
    assert set(optuna.get_all_study_names(storage)) == {"rnaexp-0123", "planted · vl2 · paper"}
    for name in ("rnaexp-0123", "planted · vl2 · paper"):
        study = optuna.load_study(study_name=name, storage=storage)
        assert (len(study.trials), study.user_attrs) == (3, about)
    assert earlier.study_name == "rnaexp-0123"


def test_a_search_that_ended_is_kept_once_and_a_longer_one_takes_its_place(tmp_path):
    url = f"sqlite:///{tmp_path}/studies.db"
    name = StudyName(name="planted · vl · paper", about={"model": "planted", "seed": 3})

    def searched(trials):
        return explore(
            lambda chosen: 0.1 * chosen.apc + 0.01 * chosen.min_separation, heads=3, trials=trials, name=name
        )

    counts = []
    for trials in (4, 9, 9, 5):
        keep_study(searched(trials).study, url)
        (kept,) = optuna.get_all_study_summaries(url)
        counts.append(kept.n_trials)
    assert counts == [4, 9, 9, 9]
    stored = optuna.load_study(study_name=name.name, storage=url)
    made = searched(9)
    assert [(trial.params, trial.value) for trial in stored.trials] == [
        (trial.params, trial.value) for trial in made.study.trials
    ]
    assert stored.user_attrs == name.about
    with pytest.raises(UnavailableError, match="cannot be opened"):
        keep_study(made.study, "sqlite:////no/such/folder/x.db")


def test_the_study_of_heads_has_a_trial_a_head_with_its_f1_and_threshold():
    table = pd.DataFrame({"layer": [0, 0, 1], "head": [0, 1, 0], "f1": [0.1, 0.5, 0.3], "threshold": [1.0, 2.0, 3.0]})
    study = study_of_heads(table, "m · heads", {"model": "m"})
    assert [(one.params["head"], one.value, one.user_attrs["threshold"]) for one in study.trials] == [
        ("0.0", 0.1, 1.0),
        ("0.1", 0.5, 2.0),
        ("1.0", 0.3, 3.0),
    ]
    assert (study.best_params, study.user_attrs) == ({"head": "0.1"}, {"model": "m"})


def test_the_command_keeps_its_studies_in_the_store_under_names_that_can_be_read(sets, tmp_path):
    words = ("search", "--model", "planted", "--validation", sets[0], "--test", sets[1], "--trials", "6", "--json")
    for _ in range(2):  # the second finds them there
        done = inside(*words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    url = f"sqlite:///{tmp_path}/.rnaexp/studies.db"
    assert f"Optuna studies: optuna-dashboard {url}" in done.stderr
    found = {one.study_name.rpartition(" · ")[0]: one for one in optuna.get_all_study_summaries(url)}
    assert {name: one.n_trials for name, one in found.items()} == {
        f"planted · {sets[0].name} · paper · seed 0": 6,
        f"planted · {sets[0].name} · paper · heads": 12,
    }
    assert all(one.user_attrs["validation"] == sets[0].name for one in found.values())


def test_values_that_never_differ_have_no_importance():
    flat = explore(lambda _: 0.5, heads=1, trials=3, name=StudyName(name="x")).pictures
    some = explore(lambda chosen: 0.1 * chosen.apc, heads=1, trials=8, name=StudyName(name="x")).pictures
    assert ("search_importance.png" in flat, "search_importance.png" in some) == (False, True)


def test_workers_that_find_the_tables_half_made_try_again(tmp_path, monkeypatch):
    met = []

    class Busy(optuna.storages.RDBStorage):
        def __init__(self, url):
            met.append(url)
            if len(met) < 3:
                raise IntegrityError("CREATE TYPE", None, Exception("already exists"))
            super().__init__(url)

    monkeypatch.setattr("rnaexp.structure.study._PAUSES", (0, 0))
    monkeypatch.setattr("optuna.storages.RDBStorage", Busy)
    assert explore(lambda _: 0.5, heads=1, trials=2, name=StudyName(name="x"), storage=f"sqlite:///{tmp_path}/study.db")
    assert len(met) == 3


@pytest.mark.parametrize("url", ["sqlite:////no/such/folder/x.db", "nonsense", "nosuchdriver://localhost/x"])
def test_a_data_base_that_cannot_be_opened_is_one_line(url, monkeypatch):
    monkeypatch.setattr("rnaexp.structure.study._PAUSES", (0,))
    with pytest.raises(UnavailableError, match="--storage cannot be opened"):
        explore(lambda _: 0.5, heads=1, trials=2, name=StudyName(name="x"), storage=url)


def test_with_one_head_there_is_no_number_of_heads_to_choose():
    assert {
        chosen.heads for chosen, _ in explore(lambda _: 0.0, heads=1, trials=8, name=StudyName(name="x")).found
    } == {1}


@pytest.fixture
def task(sets):
    def make(test=1, **config):
        return Task(
            model="planted",
            validation=str(sets[0]),
            test=str(sets[test]),
            scoring=Scoring(),
            related="keep",
            loading={"name": "planted", "config": config},
        )

    return make


def test_where_the_single_head_knows_everything_it_stays(task, tmp_path, announce):
    found = larger_search(task(), Store(tmp_path), announce, trials=15)
    assert found.chosen == Choice()
    assert (found.evaluation.f1.mean, found.gain.difference.mean, found.against.difference.mean) == (1.0, 0.0, 0.0)
    assert found.heads[0] == (1, 2)


NOISY = {"pair_share": 0.02, "noise": 1.2, "answer": "stems"}


def test_the_plain_configuration_is_the_single_head_of_the_run(task, tmp_path, announce, monkeypatch):
    monkeypatch.setattr(
        "rnaexp.tasks.pairs.larger.explore", lambda *_, **__: Explored(found=[], study=None, pictures={})
    )
    found = larger_search(task(**NOISY), Store(tmp_path), announce, trials=1)
    assert found.heads[0] == (found.single.tuned.layer, found.single.tuned.head) == (1, 2)
    assert found.threshold == pytest.approx(found.single.tuned.threshold, rel=1e-5)
    assert found.evaluation.per_rna["f1"].tolist() == pytest.approx(found.single.evaluation.per_rna["f1"].tolist())


@pytest.mark.parametrize("decoder", ["none", "greedy"])
def test_as_a_model_a_configuration_calls_and_scores_what_the_search_did(sets, decoder, tmp_path):
    """Its map read by the ordinary way gives the same F1 at the same threshold as `configured` does."""
    encoder, scoring, heads = models.load("planted"), Scoring(min_separation=2), ((1, 2), (0, 0), (2, 3))
    chosen = Choice(heads=2, standardise=True, min_separation=4, pairs="canonical", decoder=decoder)
    whole = SearchedEncoder(encoder, searched(chosen, heads, scoring, "mean"))
    rnas = read_rnas(sets[0])
    kept = []
    for rna in rnas:
        layers = list(encoder.attention(rna))
        kept.append(Kept(rna=rna, maps=np.stack([layers[layer][head].numpy() for layer, head in heads[:2]])))
    mine = [configured(one, chosen, scoring) for one in kept]
    _, threshold = _optimum(kept, chosen, scoring)
    reading = reading_for(whole, PAIR_SCORES, scoring)
    scores, _ = read_set(whole, rnas, reading, Store(tmp_path), data=("v", ""))
    found = evaluate_head(scores, layer=0, head=0, threshold=threshold).per_rna
    assert found["f1"].tolist() == pytest.approx(_evaluated(mine, threshold, scoring).per_rna["f1"].tolist())
    assert found["calls"].tolist() == [int((one.scores[0] >= threshold).sum()) for one in mine]
    for one, rna in zip(mine, rnas, strict=True):
        allowed = set(one.indices[0].tolist())
        made = whole.read_head(rna, 0, 0).flatten().numpy()
        assert {at for at, score in enumerate(made) if score > NEVER} == allowed


def test_finalists_are_judged_on_the_half_that_was_not_searched(sets):
    encoder = models.load("planted")
    parts = []
    for path in sets[:2]:
        rnas = read_rnas(path)
        parts.append([Kept(rna=r, maps=list(encoder.attention(r))[1][2:3].numpy()) for r in rnas])
    judged = _judged(*parts, Choice(), Scoring())
    assert set(judged.per_rna["rna"]) == {one.rna.id for one in parts[1]}
    _, threshold = _optimum(parts[0], Choice(), Scoring())
    assert judged.per_rna.equals(
        _evaluated([configured(k, Choice(), Scoring()) for k in parts[1]], threshold, Scoring()).per_rna
    )


def test_the_test_set_chooses_nothing(task, tmp_path, announce):
    found = [larger_search(task(test, **NOISY), Store(tmp_path), announce, trials=15) for test in (1, 2)]
    assert found[0].chosen == found[1].chosen
    assert found[0].threshold == found[1].threshold
    assert found[0].trials.equals(found[1].trials)
    assert 0 < found[0].trials["chosen_on"].notna().sum() <= 11


def test_what_cannot_be_searched_is_refused(task, tmp_path, announce):
    baseline = replace(task(), model="stems", loading={"name": "stems"})
    with pytest.raises(InputError, match="attention maps"):
        larger_search(baseline, Store(tmp_path), announce, trials=1)
