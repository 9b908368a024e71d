"""Protocol `authors` against the outputs of the released evaluation code, step by step.

Attention and reference pairs go in by the way of every run: `Table`, the kept pairs, the search, the frozen head.
"""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rnaexp.classify.drawn import classifier
from rnaexp.classify.embed import pool, reduce, unit
from rnaexp.classify.overlap import iou, overlap_ratio
from rnaexp.classify.protocol import PROTOCOLS as EMBEDDING_PROTOCOLS
from rnaexp.rna import Rna
from rnaexp.structure.grid import best_on_test, count_at_thresholds, f1_of, mcc_of, pooled_at, thresholds
from rnaexp.structure.heads import HeadScores
from rnaexp.structure.pairs import pair_scores, squashed
from rnaexp.structure.protocol import ATTENTION, PROTOCOLS, squash_of
from rnaexp.structure.reading import Reading, Table, scores_from
from rnaexp.structure.tune import search, tuned_head

pytestmark = pytest.mark.golden

AUTHORS = PROTOCOLS["authors"]
READ_OUT = replace(ATTENTION, squash=squash_of("authors"))
LAYERS, HEADS = 2, 3
TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def expected():
    if not (root := os.environ.get("RNAEXP_GOLDEN")):
        pytest.skip("RNAEXP_GOLDEN is not set: the outputs of the released code are not here to compare with")
    folder = Path(root) / "authors_zeroshot"
    assert json.loads((folder / "fixture.json").read_text())["tolerance"] == TOLERANCE
    with np.load(folder / "expected.npz") as arrays:
        return dict(arrays)


def rna(expected, number):
    contacts = expected[f"contacts_{number}"]
    pairs = tuple((int(i), int(j)) for i, j in np.argwhere(np.triu(contacts, 1)))
    letters = "".join(np.random.default_rng(number).choice(list("ACGU"), len(contacts)))
    return Rna(id=f"r{number}", sequence=letters, pairs=pairs, cluster=f"r{number}")


def scores(expected, numbers, data):
    tables = []
    for number in numbers:
        table = Table(rna(expected, number), Reading(read_out=READ_OUT, scoring=AUTHORS, depth=float("inf")))
        for layer, maps in enumerate(torch.from_numpy(expected[f"attention_{number}"])):
            table.add(layer, maps)
        tables.append(scores_from(table.rna, table.entry(), AUTHORS, READ_OUT))
    return HeadScores(
        model="m",
        weights="w",
        data=data,
        data_sha256=data,
        read_out=READ_OUT,
        scoring=AUTHORS,
        heads_per_layer=HEADS,
        heads=tuple(range(LAYERS * HEADS)),
        rnas=tuple(tables),
    )


def close(found, wanted):
    np.testing.assert_allclose(found, wanted, atol=TOLERANCE, rtol=0)


def test_a_score_is_the_sigmoid_of_the_corrected_map(expected):
    for number in range(5):
        maps = torch.from_numpy(expected[f"attention_{number}"])
        scores = squashed(pair_scores(maps, READ_OUT).flatten(0, 1).flatten(1).numpy())
        close(scores, expected[f"pred_{number}"].reshape(len(scores), -1))


def test_each_heads_curve_threshold_and_f1_on_the_validation_set(expected):
    validation = scores(expected, range(3), "validation")
    at, found = thresholds(AUTHORS.grid), search(validation)
    for row in range(LAYERS * HEADS):
        layer, head = validation.name(row)
        counts = [count_at_thresholds(one, row, at) for one in validation.scored()]
        calls, right = (sum(each[which] for each in counts) for which in (0, 1))
        references = sum(one.references for one in validation.scored())
        candidates = sum(one.candidates for one in validation.scored())
        close(f1_of(right, calls, references), expected["vl_f1_curve"][layer, head])
        close(mcc_of(right, calls, references, candidates), expected["vl_mcc_curve"][layer, head])
    trials = found.trials
    close(trials["f1"].to_numpy().reshape(LAYERS, HEADS), expected["vl_max_f1"])
    close(trials["threshold"].to_numpy().reshape(LAYERS, HEADS), expected["vl_threshold"])


def test_both_heads_on_the_test_set_the_frozen_one_and_the_one_chosen_there(expected):
    validation, test = scores(expected, range(3), "validation"), scores(expected, (3, 4), "test")
    found = search(validation)
    trials = found.trials[["layer", "head", "threshold"]].to_numpy(float)
    for layer, head, at in trials:
        one = pooled_at(test, layer=int(layer), head=int(head), threshold=at)
        close([one.f1, one.mcc], [expected[name][int(layer), int(head)] for name in ("ts_f1", "ts_mcc")])
    frozen = tuned_head(validation, found)
    chosen = np.unravel_index(expected["vl_max_f1"].argmax(), (LAYERS, HEADS))
    assert (frozen.layer, frozen.head) == tuple(map(int, chosen))
    best = best_on_test(trials, test)
    assert (best.layer, best.head) == tuple(map(int, np.unravel_index(expected["ts_f1"].argmax(), (LAYERS, HEADS))))
    close(best.f1, expected["ts_f1"].max())


def test_each_rna_alone_at_the_validation_threshold(expected):
    test = scores(expected, (3, 4), "test")
    for row in range(LAYERS * HEADS):
        layer, head = test.name(row)
        at = np.array([expected["vl_threshold"][layer, head]])
        for place, one in enumerate(test.scored()):
            calls, right = count_at_thresholds(one, row, at)
            close(f1_of(right, calls, one.references)[0], expected["ts_f1_per_rna"][layer, head, place])


def test_a_vector_is_the_transform_of_the_first_numbers(expected):
    protocol = EMBEDDING_PROTOCOLS["authors"]
    for number in range(4):
        vector = pool(expected[f"embedding_{number}"], protocol.pooled_as)
        found, wanted = reduce(vector[None], protocol)[0], expected[f"fft_{number}"]
        np.testing.assert_allclose(found, wanted, atol=TOLERANCE * np.abs(wanted).max(), rtol=0)
    batch = np.stack([pool(rows, protocol.pooled_as) for rows in expected["embedding_batch"]])
    wanted = expected["fft_batch"]
    np.testing.assert_allclose(reduce(batch, protocol), wanted, atol=TOLERANCE * np.abs(wanted).max(), rtol=0)


def test_the_overlap_is_intersection_over_union_at_200_points(expected):
    protocol = EMBEDDING_PROTOCOLS["authors"]
    samples = expected["similarity_pos"], expected["similarity_neg"]
    found = iou(overlap_ratio(*samples, estimator=protocol.estimator))
    close(found, expected["overlap_200"])
    assert abs(found - expected["overlap_100"]) > TOLERANCE


def test_the_best_classifier_of_the_similarities(expected):
    f1, mcc, at, recall, inf = classifier(expected["similarity_pos"], expected["similarity_neg"])
    close([f1, mcc, at, recall, inf], expected["metric"])


def test_a_similarity_is_a_cosine(expected):
    one, two = unit(expected["cos_a"]), unit(expected["cos_b"])
    close((one.astype(np.float64) * two).sum(1), expected["cos"])
