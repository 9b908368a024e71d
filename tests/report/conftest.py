"""An experiment with runs of every kind, logged as rnaexp logs them: nothing is computed, every figure is known."""

import numpy as np
import pandas as pd
import pytest

from rnaexp.track import tracked_run

SCRIPT = "<script>document.title='owned'</script>"
IDS = [SCRIPT, "NA", "</script><img src=x onerror=\"document.title='owned'\">", "a&amp;b", "%{x} $x$", "r5", "r6", "r7"]
CLUSTERS = ["c0", "c0", "c1", "c2", "c3", "c4", "c5", "c6"]

WINNERS = pd.DataFrame({"layer": [1, 0], "head": [2, 1], "chosen": [750, 250], "share": [0.75, 0.25]})


def f1_of(level, seed=0):
    """F1 of each of the eight RNAs, around a level."""
    return np.clip(level + 0.1 * np.random.default_rng(seed).standard_normal(len(IDS)), 0, 1).round(4)


def per_rna(f1):
    columns = {"rna": IDS, "cluster": CLUSTERS, "bases": range(20, 28), "references": 5, "calls": 5, "right": 2}
    return pd.DataFrame({**columns, "f1": f1, "status": "scored"})


def breakdown(f1):
    rows = [("length", "1 to 49", 8, 40, 40.0, 16, 0.5, 0.4, f1.mean())]
    rows += [("family", name, 4, 20, 20.0, 8, 0.5, 0.4, f1.mean()) for name in (SCRIPT, "tRNA")]
    rows += [("kind of pair", "nested canonical", 8, 40, np.nan, 16, np.nan, 0.4, np.nan)]
    rows += [("evidence", "3d", 8, 40, 40.0, 16, 0.5, 0.4, f1.mean())]
    columns = ["by", "group", "rnas", "references", "calls", "right", "precision", "recall", "f1"]
    return pd.DataFrame(rows, columns=columns)


def heads(layers=2, per_layer=3):
    rows = [(layer, head, 0.1 * layer + 0.01 * head) for layer in range(layers) for head in range(per_layer)]
    return pd.DataFrame(rows, columns=["layer", "head", "f1"])


def tell(model, group, f1, *, many=True, tags=None, metrics=None, status=None, **params):
    """One parent run with its tuning and its test, as `rnaexp run` leaves them."""
    asked = {"validation": "vl", "test": "ts", "protocol": "paper", "related": "drop", "seed": 0}
    asked |= {"model": model, "group": group, "layer": 1, "head": 2}
    figures = {
        "structure.f1": f1.mean(),
        "structure.f1_low": f1.mean() - 0.1,
        "structure.f1_high": f1.mean() + 0.1,
    }
    figures |= {"structure.oracle_f1": f1.mean() + 0.05, "structure.rnas": 8, "structure.coverage": 1, "seconds": 2}
    figures |= {"structure.head_stability": 0.75, "peak_memory_mb": 100}
    with tracked_run(model, params=asked | params, tags=tags) as run:
        run.metrics(figures | (metrics or {}))
        with run.child("tune", kind="tune") as child:
            child.table(heads() if many else heads(1, 1), "heads.csv")
            child.table(WINNERS, "head_stability.csv")
        with run.child("test", kind="test") as child:
            child.table(per_rna(f1), "per_rna.csv")
            child.table(breakdown(f1), "breakdown.csv")
            child.table(heads() if many else heads(1, 1), "heads.csv")
        if status is not None:
            run.close(status)
    return run.run_id


@pytest.fixture(scope="package")
def told(tmp_path_factory):
    """The working directory of the experiment."""
    folder = tmp_path_factory.mktemp("told")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("RNAEXP_STORE", str(folder / "store"))
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_ID"):
            patch.delenv(name, raising=False)
        sized = {"classify.set": "rfam", "parameters": 1_000_000}
        overlap = {"classify.overlap_ratio": 0.4, "classify.overlap_low": 0.3, "classify.overlap_high": 0.5}
        tell("rna-fm", "diverse-ncrna", f1_of(0.9), seed=0)  # an older run of the same question
        tell("rna-fm", "diverse-ncrna", f1_of(0.5), **sized, metrics=overlap, tags={"rnaexp.diagnosis": SCRIPT})
        tell("rnabert", "diverse-ncrna", f1_of(0.1, 1), metrics={"fitness.spearman": 0.25}, parameters=500_000)
        tell("lucaone", "unified", f1_of(0.3, 2), parameters=2_000_000_000)
        tell("msm-nano", "reference", f1_of(0.45, 3), alignment="intact")
        tell("msm-nano", "reference", f1_of(0.6, 4), alignment="shuffled")
        tell("untrained:rnabert", "diverse-ncrna", f1_of(0.1, 5), seed=0)
        tell("untrained:rnabert", "diverse-ncrna", f1_of(0.1, 6), seed=1)
        tell("viennarna", "baseline", f1_of(0.6, 7), many=False)
        tell("alifold", "baseline", f1_of(0.7, 8), many=False, alignment="intact")
        tell("stems", "baseline", f1_of(0.3, 9), many=False)
        tell(SCRIPT, "reference", f1_of(0.2, 10))
        tell("rnabert", "diverse-ncrna", f1_of(0.2, 11), test="ts2")
        tell("rnabert", "diverse-ncrna", f1_of(0.99, 12), status="FAILED")
        with tracked_run("6-mer", params={"model": "6-mer", "classify.set": "rfam"}) as run:
            run.metrics({"classify.overlap_ratio": 0.1, "classify.auroc": 0.98})
        measured = {"fitness.set": "dms", "fitness.convention": "masked-marginal", "group": "diverse-ncrna"}
        tags = {"rnaexp.fitness": f"masked-marginal on dms: {SCRIPT}"}
        for model, value in (("rna-fm", 0.1), ("rna-fm", 0.3), ("msm-nano", 0.2), ("mutations", 0.4)):
            group = "baseline" if model == "mutations" else "diverse-ncrna"
            with tracked_run(model, params={**measured, "model": model, "group": group}, tags=tags) as run:
                run.metrics({"fitness.spearman": value, "fitness.spearman_low": -0.1, "fitness.spearman_high": 0.5})
        with tracked_run(
            "rna-fm", params={"model": "rna-fm", **measured, "fitness.convention": "mutant-marginal"}
        ) as run:
            run.metrics({"fitness.spearman": 0.9})
        sample = {**measured, "model": "msm-nano", "fitness.convention": "masked-marginal", "fitness.sample": "9 of 90"}
        with tracked_run("msm-nano", params=sample) as run:
            run.metrics({"fitness.spearman": 0.7})
        with tracked_run("asked", kind="question", tags={"rnaexp.question": "asked"}) as run:
            row = {"model": "rna-fm", "against": "rnabert", "test": "ts", "protocol": "paper", "related_rnas": "drop"}
            row |= {"rnas": 8, "clusters": 7, "difference": 0.4, "low": 0.3, "high": 0.5}
            run.table(pd.DataFrame([row | {"p_sign_flip": 0.02, "p_wilcoxon": 0.03, "p_holm": 0.04}]), "contrasts.csv")
        yield folder


@pytest.fixture
def here(told, monkeypatch):
    """Work where the experiment is."""
    monkeypatch.chdir(told)
    return told
