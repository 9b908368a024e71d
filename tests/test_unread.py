"""RNAs that a model could not read count 0, so that reading fewer is never better; maps that are no attention."""

import numpy as np
import pytest

from rnaexp.errors import InputError
from rnaexp.models.files import load_maps, load_pairs
from rnaexp.reading.store import Store
from rnaexp.structure.evaluate import evaluate_head
from rnaexp.tasks.pairs import record as tables
from rnaexp.tasks.pairs.contrasts import Answer, add_ranks

from .planted_sets import run_planted, write_sets

UNREAD = {"t2", "t5", "t9"}
MIDDLING = {"pair_share": 0.02, "noise": 1.2}


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unread")
    return write_sets(folder, 8, 12)


@pytest.fixture
def run(sets, tmp_path, announce):
    def of(config, unread=frozenset(), **scored):
        return run_planted(sets, Store(tmp_path / "store"), announce, config, unread, **scored)

    return of


@pytest.mark.parametrize(
    ("config", "scored"),
    [
        ({}, {}),
        (MIDDLING, {}),
        (MIDDLING, {"decoder": "greedy", "min_separation": 4}),
        (MIDDLING, {"match": "relaxed"}),
    ],
)
def test_an_rna_that_was_not_read_counts_nothing_found(run, config, scored):
    whole, part = run(config, **scored), run(config, UNREAD, **scored)
    every = whole.evaluation.per_rna.set_index("rna")
    read = every.drop(index=sorted(UNREAD))
    assert part.evaluation.f1.mean == pytest.approx(read["f1"].sum() / len(every))
    assert part.evaluation.recall == pytest.approx(read["recall"].sum() / len(every))
    assert part.evaluation.p_at_n == pytest.approx(read["p_at_n"].sum() / len(every))
    assert part.evaluation.auprc == pytest.approx(read["auprc"].sum() / len(every), nan_ok=True)
    pooled = 2 * read["right"].sum() / (read["calls"].sum() + every["references"].sum())
    assert part.evaluation.pooled_f1 == pytest.approx(pooled)
    assert part.evaluation.calls_per_100_bases == pytest.approx(100 * read["calls"].sum() / read["bases"].sum())
    assert part.evaluation.f1.clusters == whole.evaluation.f1.clusters
    best = part.test.search.winner
    head = {"layer": int(best["layer"]), "head": int(best["head"]), "threshold": best["threshold"]}
    assert best["f1"] == pytest.approx(evaluate_head(part.test.scores, **head).f1.mean), "the oracle counts them too"
    assert best["f1"] < 1 - len(UNREAD) / len(every) + 1e-9
    assert part.assessment.retuning.high < whole.assessment.retuning.high + 1e-9
    assert part.assessment.about["rna"].tolist() == every.index.tolist()


def test_they_are_named_and_stand_in_the_table_with_their_reason(run):
    part = run(MIDDLING, UNREAD)
    assert "coverage 75%: 3 RNAs that it could not read count 0" in part.assessment.tags
    table = tables.per_rna(part).set_index("rna")
    assert len(table) == 12
    assert table.loc[sorted(UNREAD), "status"].tolist() == ["skipped"] * 3
    assert table.loc["t2", ["f1", "reason"]].tolist() == [0.0, "t2: too long for this test"]
    assert table["status"].eq("scored").sum() == 9
    assert tables.metrics(part)["structure.rnas"] == 9
    assert tables.metrics(part)["structure.coverage"] == 0.75
    assert not set(tables.shown_rnas(part)) & UNREAD, "there is no picture of what was not read"


def test_a_rank_is_over_all_rnas(run):
    told = []
    for result in (run({}), run({}, UNREAD)):
        said = tables.as_json(result, None) | {"model": f"m{len(told)}"}
        told.append(Answer(record=said, f1=result.evaluation.per_rna))
    add_ranks(told)
    assert [one.record["structure"]["ranked_rnas"] for one in told] == [12, 12]
    assert [one.record["structure"]["rank"] for one in told] == [1, 2], "perfect on those it read is not as good"


def written(folder, maps):
    folder.mkdir()
    for name, values in maps.items():
        np.save(folder / f"{name}.npy", values.astype(np.float32))
    return folder


def test_maps_that_cannot_be_attention_are_refused_or_named(tmp_path):
    rng = np.random.default_rng(0)
    rows = rng.dirichlet(np.ones(9), size=(2, 9))
    negative = rows.copy()
    negative[1, 3, 4] = -0.25
    of = {"name": "other", "heads_per_layer": 2, "suffix": ""}
    assert load_maps(written(tmp_path / "good", {"a": rows, "b": rows}), **of).notes == ()
    with pytest.raises(InputError, match=r"b\.npy.*-0\.25: attention after softmax is never negative.*--pairs"):
        load_maps(written(tmp_path / "negative", {"a": rows, "b": negative}), **of)
    (cut,) = load_maps(written(tmp_path / "cut", {"a": rows, "b": rows * 0.5}), **of).notes
    assert cut == "rows of the given maps sum to 0.50 to 1.00, not 1 (special tokens cut)"
    (high,) = load_maps(written(tmp_path / "high", {"a": rows, "b": rows * 3}), **of).notes
    assert "1.00 to 3.00" in high
    assert "nothing raises them" in high
    pairs = load_pairs(written(tmp_path / "pairs", {"a": negative[1]}), name="other", suffix="")
    assert pairs.notes == (), "pair scores may be anything"
