"""A comparison of sixty models on sixty-seven RNAs without a store: every figure is drawn from one seed."""

import numpy as np
import pandas as pd

from rnaexp.report.leaderboards import Comparison, Source, comparison_of

MODELS, RNAS = 60, 67
_GROUPS = ("diverse-ncrna", "specific-rna", "unified", "dna", "protein", "reference")
_KINDS = {
    "length": ("1 to 49", "50 to 99", "100 to 199", "200 or more"),
    "kind of pair": ("nested canonical", "pseudoknot"),
}


def many(models: int = MODELS) -> Comparison:
    """Of a store with so many runs, two in three of language models with several heads, the rest baselines."""
    rng, runs, tables = np.random.default_rng(0), [], {}
    for at in range(models):
        group = _GROUPS[at % 6] if at % 3 else "baseline"
        name = f"{'own' if group == 'reference' else group}-{at}{'-with-a-long-name' if at % 5 == 1 else ''}"
        level, run_id = rng.uniform(0.03, 0.6), f"{at:032x}"
        runs.append(_run(name, group, level, run_id, rng))
        tables[run_id] = _tables(level, rng, many_heads=group != "baseline")
    return comparison_of(Source(name="many", runs=pd.DataFrame(runs), tables=lambda *_: tables, declared={}))


def _run(name: str, group: str, level: float, run_id: str, rng: np.random.Generator) -> dict[str, object]:
    asked = {"model": name, "group": group, "validation": "spot-rna-vl1", "test": "spot-rna-ts1", "protocol": "paper"}
    asked |= {"related": "drop", "layer": "1", "head": "2", "parameters": str(int(10 ** rng.uniform(5, 9)))}
    figures = {"structure.f1": level, "structure.f1_low": level * 0.8, "structure.f1_high": level * 1.2}
    figures |= {"structure.oracle_f1": level * 1.1, "structure.rnas": RNAS, "structure.coverage": 1, "seconds": 9.0}
    figures |= {"structure.clusters": 58, "structure.head_stability": 0.6}
    if group != "baseline":
        asked |= {"classify.set": "rfam-500"}
        overlap = float(rng.uniform(0.1, 0.9))
        figures |= {
            "classify.overlap_ratio": overlap,
            "classify.overlap_low": overlap,
            "classify.overlap_high": overlap,
        }
    return {
        "run_id": run_id,
        "name": name,
        "status": "FINISHED",
        "started": pd.Timestamp("2026-01-01", tz="UTC"),
        **{f"params.{key}": value for key, value in asked.items()},
        **{f"metrics.{key}": value for key, value in figures.items()},
        "tags.rnaexp.diagnosis": "F1 not above stems: 0.100 against 0.200" if level < 0.2 else None,
    }


def _tables(level: float, rng: np.random.Generator, *, many_heads: bool) -> dict[tuple[str, str], pd.DataFrame]:
    rnas = [f"{at}abc-1-A" for at in range(RNAS)]
    f1 = np.clip(level + 0.15 * rng.standard_normal(RNAS), 0, 1)
    clusters = [f"c{at % 58}" for at in range(RNAS)]
    per_rna = pd.DataFrame({"rna": rnas, "cluster": clusters, "f1": f1, "status": "scored"})
    rows = [(by, group, 17, 90, level, level) for by, groups in _KINDS.items() for group in groups]
    breakdown = pd.DataFrame(rows, columns=["by", "group", "rnas", "references", "recall", "f1"])
    shape = (12, 12) if many_heads else (1, 1)
    heads = pd.DataFrame([(*at, level * rng.random()) for at in np.ndindex(shape)], columns=["layer", "head", "f1"])
    winners = pd.DataFrame({"layer": [1, 3], "head": [2, 4], "chosen": [600, 400], "share": [0.6, 0.4]})
    return {
        ("test", "per_rna.csv"): per_rna,
        ("test", "breakdown.csv"): breakdown,
        ("test", "heads.csv"): heads,
        ("tune", "heads.csv"): heads,
        ("tune", "head_stability.csv"): winners,
    }
