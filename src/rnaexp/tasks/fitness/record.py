"""Fitness results for people and programs: metrics, rows, diagnosis."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from rnaexp.data.assays import Assay
from rnaexp.fitness.baselines import BASELINES, RANDOM
from rnaexp.models.training import was_trained_on
from rnaexp.tasks.fitness import metrics as declared
from rnaexp.tasks.fitness.measure import BASELINE, Fitness, Judged
from rnaexp.tasks.fitness.suite_means import suite_means
from rnaexp.tasks.metric import measured

UNIFORM = 1e-3  # nats: below this the likelihoods say nothing about letters
HARDLY_VARY = 1e-2  # nats: below this a model says nearly the same letters at every site
_HALF = 0.5
_ORDER = (
    *("model", "set", "convention", "spearman", "low", "high", "no_interval", "within_mutations"),
    *("over_mutations", "over_mutations_low", "over_mutations_high", "coverage", "variants", "of", "sample_seed"),
    *("auc", "mcc", "ndcg", "tied", "certainty_nats", "variation_nats", "alignment_rows", "direction"),
    *("suite", "category", "rna"),
)


def row(result: Fitness, judged: Judged) -> dict[str, Any]:
    """One row of the table: a model or baseline on one assay, the convention named."""
    found = measured(declared.METRICS, declared.Line(result, judged))
    figures = {declared.IN_ROWS.get(name, name): value for name, value in found.items()}
    words = {
        "model": judged.name,
        "set": result.assay.name,
        "convention": judged.convention,
        "no_interval": judged.agreement.why_no_interval or None,
        "variants": len(result.scores),
        "of": result.of,
        "sample_seed": result.task.seed if len(result.scores) < result.of else None,
        "alignment_rows": _rows(result, judged),
        "direction": result.assay.direction,
        "suite": result.task.suite or None,
        "category": result.task.category or None,
        "rna": _rna(result.assay) if result.task.suite else None,
    }
    return {**dict.fromkeys(_ORDER), **figures, **words}


def _rna(assay: Assay) -> str:
    """The same for assays of one RNA: those with one wild type."""
    return assay.name if assay.wild_type is None else hashlib.sha256(assay.wild_type.encode()).hexdigest()[:8]


def rows(result: Fitness) -> list[dict[str, Any]]:
    """The model, then its baselines."""
    own = {**row(result, result.judged), "diagnosis": "; ".join(diagnose(result)) or None}
    return [own, *(row(result, judged) for judged in result.baselines)]


def _rows(result: Fitness, judged: Judged) -> int | None:
    """Of the alignment that was read; None where none could be."""
    encoder = result.encoder
    if judged.convention == BASELINE or encoder is None or encoder.spec.reads != "alignment":
        return None
    return 1 if result.request.alignment is None else result.request.alignment.depth


def metrics(result: Fitness) -> dict[str, float | None]:
    """As MLflow metrics; `fitness.over_mutations` is the model's Spearman less that of the number of mutations."""
    baselines = {f"beside.{one.name.partition(':')[0]}": one.agreement.value for one in result.baselines}
    found = measured(declared.METRICS, declared.Line(result, result.judged)) | baselines
    return {declared.PREFIX + name: value for name, value in found.items()}


def diagnose(result: Fitness) -> list[str]:
    """What should be known before the correlation is believed."""
    judged, scored = result.judged, result.judged.scored
    found = []
    if scored is not None and scored.certainty < UNIFORM:
        found.append(
            f"likelihoods are uniform: {max(0.0, scored.certainty):.1e} nats from it (cross-entropy ln 4), so the head "
            "says nothing of letters"
        )
    elif scored is not None and scored.reads > 1 and scored.variation < HARDLY_VARY:
        found.append(f"likelihoods hardly vary from site to site: {scored.variation:.1e} nats")
    if judged.agreement.value is None:
        found.append("no correlation: the scores do not vary")
    found += _against_baselines(result)
    if judged.agreement.low is not None and judged.agreement.high is not None:
        if judged.agreement.low <= 0 <= judged.agreement.high:
            found.append("its interval over sites holds 0")
    elif judged.agreement.value is not None:
        found.append(f"no interval: {judged.agreement.why_no_interval}")
    if judged.tied > _HALF:
        found.append(f"{judged.tied:.0%} of the variants share their score with another")
    if result.coverage < 1:
        first = next(reason for reason in result.reasons if reason)
        found.append(f"coverage {result.coverage:.1%}: {first}")
    encoder = result.encoder
    if encoder is not None and encoder.spec.reads == "alignment" and result.request.alignment is None:
        found.append("read without an alignment, at depth 1")
    if encoder is not None and was_trained_on(encoder.spec, result.assay.family):
        found.append(f"trained on the wild type's family {result.assay.family}")
    return found


def _against_baselines(result: Fitness) -> list[str]:
    """A model that does not beat the number of mutations knows nothing of the letters."""
    value = result.judged.agreement.value
    if value is None or result.encoder is None:
        return []
    found = []
    named = {one.name: one.agreement.value for one in result.baselines if one.name in BASELINES and one.name != RANDOM}
    not_above = [f"{name} ({theirs:.2f})" for name, theirs in named.items() if theirs is not None and value <= theirs]
    if not_above:
        found.append(f"Spearman {value:.2f} not above {', '.join(not_above)}")
    over = result.judged.over_mutations
    if over is not None and over.low is not None and over.low <= 0 < (over.value or 0):
        found.append("above the number of mutations by what may be chance")
    return found


def as_json(result: Fitness, run_id: str | None) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "model": result.judged.name,
        "set": result.assay.name,
        "set_sha256": result.assay.sha256,
        "convention": result.convention,
        "rows": rows(result),
        "by_mutations": None if result.judged.table is None else _records(result.judged.table),
        "caveats": list(result.assay.caveats),
        "run_id": run_id,
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[Any] = table.astype(object).where(table.notna(), None).to_dict("records")
    return rows


def as_frame(own: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """All rows, a baseline of several models once; of a suite its means, of other assays each model's plain mean."""
    table = pd.DataFrame([{**one, "suite": one.get("suite")} for run in own for one in run["rows"]])
    table = table.sort_values("diagnosis", key=lambda column: column.isna(), kind="stable")
    table = table.drop_duplicates(["model", "set", "convention", "alignment_rows", "coverage", "variants"])
    table = table.sort_values(["set", "spearman"], ascending=[True, False], kind="stable")
    return pd.concat([table, *suite_means(table), _means(table[table["suite"].isna()])], ignore_index=True).round(6)


def _means(table: pd.DataFrame) -> pd.DataFrame:
    """Plain mean over assays that are of no suite, each once; the conventions it is of are named."""
    sets = table["set"].nunique()
    if sets < 2:
        return table.head(0)
    found = [
        {
            "model": model,
            "set": f"mean of {sets} assays",
            "convention": " / ".join(dict.fromkeys(some["convention"])),
            "spearman": some["spearman"].mean(),
        }
        for model, some in table.groupby("model", sort=False)
        if len(some) == sets == some["set"].nunique() and some["spearman"].notna().all()
    ]
    return pd.DataFrame(found, columns=table.columns).sort_values("spearman", ascending=False, kind="stable")
