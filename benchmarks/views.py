"""Structures drawn from a head's scores: against its calls, against ViennaRNA, and inside ViennaRNA.

`RNAEXP_RFAM_SEED=FILE python benchmarks/views.py tracking/results/views.csv` (RNABERT's weights: RNAEXP_MIRROR or a
network). Heads are tuned and probabilities calibrated on the validation set of each pair of sets, without relatives of
the test set. `calls`: the protocol's own. `structure`: as `rnaexp predict` draws it. `fold`: `--fold`. ViennaRNA's
`structure` is that of its own probabilities, gamma 1; `random` shows what the decoder alone makes of no knowledge.
`mean(A,B)`: the structures of an ensemble (`--ensemble`), calibrated on the same RNAs as its members.
Beside F1 with its interval over clusters: the mean of `expected_f1`, its correlation with F1 over RNAs, and the
expected calibration error of confidences (pairs drawn) and of probabilities (all pairs that a structure may hold).
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from rnaexp.progress import announce
from rnaexp.reading.store import Store
from rnaexp.stats.intervals import cluster_interval
from rnaexp.stats.paired import paired_contrast
from rnaexp.structure.calibrate import calibration_error, drawable, reliability
from rnaexp.structure.evaluate import paired_f1
from rnaexp.structure.fit_view import places_of, structure_f1
from rnaexp.structure.probabilities import OF_PROBABILITIES
from rnaexp.structure.protocol import PROTOCOLS
from rnaexp.structure.view import folded_table, pair_table, view_of
from rnaexp.tasks.pairs.ensemble import Ensemble, Member
from rnaexp.tasks.pairs.measure import tune_and_test
from rnaexp.tasks.pairs.settings import Task
from rnaexp.tasks.pairs.views import with_view

SETS = (("spot-rna-vl1", "spot-rna-ts1"), ("rfam-vl", "rfam-ts"))
MODELS = ("nano", "lm-nano", "msm-nano", "rnabert", "random", "viennarna")
ENSEMBLES = (("nano", "lm-nano"), ("nano", "viennarna"), ("lm-nano", "viennarna"))


def task_of(model, validation, test):
    return Task(
        model=model, validation=validation, test=test, scoring=PROTOCOLS["paper"], loading={"device": "cpu", "seed": 0}
    )


def mean_of(models, members):
    """Of ViennaRNA the probabilities as they are, as `rnaexp predict` takes them."""
    heads = {name: members[name][0] for name in models}
    if "viennarna" in heads:
        heads["viennarna"] = replace(heads["viennarna"], view=OF_PROBABILITIES)
    return Ensemble([Member(tuned=head, encoder=members[name][1]) for name, head in heads.items()])


def measured(task, members, encoder=None):
    """F1 RNA by RNA of each way to draw structures, and how sure it is; the head and its model go into `members`."""
    store, model = Store(), task.model
    result = tune_and_test(task, store, announce, encoder)
    folds = encoder is None and model not in ("random", "viennarna")
    tuned = with_view(result.encoder, result.validation, result.tuned, store, announce, fold=folds)
    members[model] = tuned, result.encoder
    rnas = {rna.id: rna for rna in result.test.rnas}
    scores = result.tested.scored()  # of what a model cannot read nothing is drawn: F1 0
    views = {"structure": [], "pseudoknots": [], "fold": []}
    alone = model == "viennarna"
    how = OF_PROBABILITIES if alone else tuned.view
    for each in scores:
        rna = rnas[each.id]
        found = drawable(rna, each)
        table = pair_table(found, how.calibration)
        views["structure"].append((each, found, table, view_of(rna, table, how)))
        views["pseudoknots"].append((each, found, table, view_of(rna, table, how, pseudoknots=True)))
        if folds:
            table = folded_table(rna, found, tuned.view.calibration) if each.read else table
            views["fold"].append((each, found, table, view_of(rna, table, tuned.view.folded)))
    said = {"calls": (result.evaluation.per_rna[["rna", "cluster", "f1"]], {})}
    for name, several in views.items():
        if several:
            said[name] = judged(several)
    facts = {"gamma": how.gamma, "validation_f1": how.f1, "unscored_f1": how.unscored_f1, "folding_f1": how.folding_f1}
    said["structure"][1].update(facts)
    if folds:
        said["fold"][1].update({"gamma": 1.0, "validation_f1": how.folded_f1, "folding_f1": how.folding_f1})
    return said


def judged(several):
    f1 = pd.DataFrame(
        [
            {"rna": known.id, "cluster": known.cluster, "f1": structure_f1(one.pairs, known)}
            for known, _, _, one in several
        ]
    )
    sure = np.concatenate([one.confidences for *_, one in several])
    right = np.concatenate(
        [np.isin(places_of(one.pairs, known.bases), known.reference) for known, _, _, one in several]
    )
    every = np.concatenate([table.probabilities for _, _, table, _ in several])
    real = np.concatenate([np.isin(table.places, known.reference) for known, _, table, _ in several])
    expected = np.array([one.expected_f1 for *_, one in several])
    return f1, {
        "expected_f1": expected.mean(),
        "correlation": np.corrcoef(expected, f1["f1"])[0, 1] if expected.std() > 0 else float("nan"),
        "error_drawn": calibration_error(reliability(sure, right.astype(bool))),
        "error_all": calibration_error(reliability(every, real)),
        "pairs_drawn": len(sure),
    }


def row(names, f1, about):
    interval = cluster_interval(f1["f1"].to_numpy(), np.array(f1["cluster"].tolist()), of="shares")
    ends = {"f1": interval.mean, "f1_low": interval.low, "f1_high": interval.high}
    return {**names, **ends, "rnas": len(f1), "clusters": interval.clusters, **about}


def contrast(test, one, other, found):
    differences, clusters = paired_f1(found[one][0], found[other][0])
    told = paired_contrast(differences, clusters)
    return {
        "test": test,
        "what": " ".join(one),
        "against": " ".join(other),
        "difference": told.difference.mean,
        "low": told.difference.low,
        "high": told.difference.high,
        "p_sign_flip": told.p_sign_flip,
        "rnas": len(differences),
    }


def main(path):
    rows, contrasts = [], []
    for validation, test in SETS:
        found, members = {}, {}
        for model in (*MODELS, *ENSEMBLES):
            whole = mean_of(model, members) if model in ENSEMBLES else None
            name = f"mean({','.join(model)})" if whole is not None else model
            for what, (f1, about) in measured(task_of(name, validation, test), members, whole).items():
                found[name, what] = f1, about
                rows.append(row({"test": test, "validation": validation, "model": name, "what": what}, f1, about))
        alone = "viennarna", "structure"
        for model in MODELS:
            if (model, "fold") in found:
                contrasts.append(contrast(test, (model, "fold"), alone, found))
                contrasts.append(contrast(test, (model, "structure"), ("random", "structure"), found))
            contrasts.append(contrast(test, (model, "structure"), (model, "calls"), found))
            contrasts.append(contrast(test, (model, "pseudoknots"), (model, "structure"), found))
        for several in ENSEMBLES:
            mean = f"mean({','.join(several)})", "structure"
            contrasts += [contrast(test, mean, (one, "structure"), found) for one in several]
        pd.DataFrame(rows).round(6).to_csv(path, index=False)
        beside = path.with_name(f"{path.stem}_contrasts.csv")
        pd.DataFrame(contrasts).round(6).to_csv(beside, index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
