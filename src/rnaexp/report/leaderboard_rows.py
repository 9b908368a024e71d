"""Tracked runs as rows of a leaderboard: one for each model and question, its newest finished run."""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import pandas as pd

from rnaexp.report.classes import CLASSES, LANGUAGE_MODELS, class_of
from rnaexp.tasks.families import metrics as of_families
from rnaexp.tasks.fitness import metrics as of_fitness
from rnaexp.tasks.metric import compared
from rnaexp.tasks.pairs import metrics as pairs

QUESTION = ("validation", "test", "protocol", "related")  # equal in all rows of a leaderboard
_WHO = ("model", "alignment", "seed")
_WORDS = (*QUESTION, *_WHO, "group", "layer", "head", "parameters")
_OTHERS = {
    "metrics.fitness.spearman": "fitness_spearman",
    "metrics.seconds": "seconds",
    "metrics.peak_memory_mb": "peak_memory_mb",
}
_TAGS = {
    "rnaexp.verdict": "verdict",
    "rnaexp.diagnosis": "diagnosis",
    "rnaexp.classify": "classify_diagnosis",
    "rnaexp.evidence": "evidence",
}
CONTROL_TABLES = ("controls.csv", "controls_per_rna.csv")  # of the controls that a run measured on the way
Tables = Mapping[tuple[str, str], pd.DataFrame]  # by kind of step and name
_TASK = "tags.rnaexp.task"  # of runs that are about something else than RNAs


def leaderboard_rows(runs: pd.DataFrame) -> pd.DataFrame:
    """A row for each structure run that counts: the question, the model, the figures, the run's id.

    Within a question by class, then F1 (the oracle's where nothing was tuned), best first. `label`: the model, and
    what sets it apart from its other rows.
    """
    names = {f"params.{name}": name for name in _WORDS} | _metrics(pairs) | _OTHERS
    names |= {f"tags.{name}": short for name, short in _TAGS.items()}
    rows = _finished(runs, names)
    rows = rows[rows["test"].notna()].drop_duplicates([*QUESTION, *_WHO])
    numbers = [*_metrics(pairs).values(), *_OTHERS.values(), "layer", "head", "parameters"]
    rows[numbers] = rows[numbers].apply(pd.to_numeric)
    rows["class"] = pd.Series([*map(class_of, rows["model"], rows["group"])], rows.index, dtype=object)
    rows["label"] = pd.Series(_labels(rows), rows.index, dtype=object)
    rows["control_of"] = pd.Series(None, rows.index, dtype=object)
    return _in_order(rows)


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    order = rows.assign(
        place=rows["class"].map({name: at for at, name in enumerate(CLASSES)}),
        score=-rows["f1"].fillna(rows["oracle_f1"]),
    )
    return rows.loc[order.sort_values([*QUESTION, "place", "score", "label"]).index].reset_index(drop=True)


def with_controls(rows: pd.DataFrame, tables: Mapping[str, Tables]) -> tuple[pd.DataFrame, dict[str, Tables]]:
    """The rows, and one more for each control that a run measured on the way and that has no run of its own.

    It is that of the newest run, which is named in `control_of`; its F1 RNA by RNA is put where a run's is.
    """
    found, held = list[dict[str, Any]](), dict(tables)
    known = {tuple(row[name] for name in (*QUESTION, "model")) for row in rows.to_dict("records")}
    for row in rows.sort_values("started", ascending=False, kind="stable").to_dict("records"):
        controls, f1 = (tables[row["run_id"]].get(("test", name)) for name in CONTROL_TABLES)
        if controls is None or f1 is None or (pd.notna(row["alignment"]) and row["alignment"] != "intact"):
            continue
        for one in controls.to_dict("records"):
            who = *(row[name] for name in QUESTION), one["model"]
            if who not in known:
                known.add(who)
                found.append(_of_control(one, row))
                per_rna = f1[f1["model"] == one["model"]].drop(columns="model")
                held[found[-1]["run_id"]] = {("test", "per_rna.csv"): per_rna}
    if not found:
        return rows, held
    more, numbers = pd.DataFrame(found, columns=rows.columns), rows.select_dtypes("number").columns
    more[numbers] = more[numbers].astype(float)  # a control has no number of parameters: no column is of whole numbers
    return _in_order(pd.concat([rows, more], ignore_index=True)), held


def _of_control(one: Mapping[Any, Any], row: Mapping[Any, Any]) -> dict[str, Any]:
    """As a run's row: the question is that of the run, the figures are its own."""
    name = str(one["model"])
    figures = {figure: one.get(figure) for figure in _metrics(pairs).values()}
    shared = {field: row[field] for field in (*QUESTION, "evidence", "started")}
    return (
        figures
        | shared
        | {
            "model": name,
            "label": name,
            "class": class_of(name, "baseline"),
            "group": "baseline",
            "alignment": one.get("alignment"),
            "diagnosis": one.get("tags"),
            "run_id": f"{row['run_id']} {name}",
            "control_of": row["run_id"],
        }
    )


def families(runs: pd.DataFrame) -> pd.DataFrame:
    """A row for each model and set of families, from its newest finished run; least overlap first within a class."""
    names = {"params.model": "model", "params.group": "group", "params.classify.set": "set"}
    names |= _metrics(of_families) | {"tags.rnaexp.classify": "diagnosis"}
    rows = _finished(runs, names).dropna(subset=["set", "overlap_ratio"]).drop_duplicates(["model", "set"])
    rows["class"] = pd.Series([*map(class_of, rows["model"], rows["group"])], rows.index, dtype=object)
    order = rows.assign(place=rows["class"].map({name: at for at, name in enumerate(CLASSES)}))
    return rows.loc[order.sort_values(["set", "place", "overlap_ratio", "model"]).index].reset_index(drop=True)


def fitness(runs: pd.DataFrame) -> pd.DataFrame:
    """A row for each model, assay or sample of it, convention and depth of alignment, from its newest finished run.

    Best first within a class.
    """
    question = ["model", "set", "convention", "sample", "alignment_rows"]
    names = {"params.model": "model", "params.group": "group", "params.fitness.set": "set"}
    names |= {"params.fitness.convention": "convention", "params.fitness.sample": "sample"}
    names |= {"params.fitness.alignment_rows": "alignment_rows"}
    names |= _metrics(of_fitness) | {"tags.rnaexp.fitness": "diagnosis"}
    rows = _finished(runs, names).dropna(subset=["set", "convention"]).drop_duplicates(question)
    numbers = list(_metrics(of_fitness).values())
    rows[numbers] = rows[numbers].apply(pd.to_numeric)
    rows["class"] = pd.Series([*map(class_of, rows["model"], rows["group"])], rows.index, dtype=object)
    order = rows.assign(place=rows["class"].map({name: at for at, name in enumerate(CLASSES)}), best=-rows["spearman"])
    return rows.loc[order.sort_values(["set", "place", "best", "model"]).index].reset_index(drop=True)


def with_fitness(rows: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Each row with its model's Spearman on the assay, by the convention, that most of the models have.

    `fitness_set` names both. An altered alignment has none.
    """
    here = known[known["model"].isin(rows["model"])].assign(
        question=known["set"].astype(str) + ", " + known["convention"].astype(str)
    )
    chosen = None if here.empty else str(here["question"].value_counts(sort=False).sort_index().idxmax())
    newest = here[here["question"] == chosen].sort_values("started", ascending=False, kind="stable")
    newest = newest.sort_values("sample", key=lambda sample: sample.notna(), kind="stable")  # whole assays first
    values = newest.drop_duplicates("model").set_index("model")["spearman"]
    plain = rows["alignment"].isna() | rows["alignment"].eq("intact")
    found = rows["model"].map(values).where(plain)
    return rows.assign(fitness_spearman=rows["fitness_spearman"].fillna(found), fitness_set=chosen)


def with_overlap(rows: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Each row with its model's overlap ratio on the set that most of the models were classified on (`overlap_set`).

    An altered alignment has none: models of alignments are classified by single sequences.
    """
    here = known[known["model"].isin(rows["model"])]
    chosen = None if here.empty else str(here["set"].value_counts(sort=False).sort_index().idxmax())
    columns = ["model", "overlap_ratio", "overlap_low", "overlap_high"]
    joined = rows.merge(here.loc[here["set"] == chosen, columns], on="model", how="left")
    joined.loc[~joined["alignment"].isin(["intact"]) & joined["alignment"].notna(), columns[1:]] = float("nan")
    return joined.assign(overlap_set=chosen)


def class_means(rows: pd.DataFrame) -> pd.DataFrame:
    """Of each class of language models the plain mean of F1, oracle F1 and overlap ratio, and how many have one.

    Columns: class, models, f1, oracle_f1, overlap_ratio, classified. Altered alignments and further seeds are no
    further models; baselines and controls are no classes.
    """
    plain = rows[rows["class"].isin(LANGUAGE_MODELS) & (rows["alignment"].isna() | rows["alignment"].eq("intact"))]
    grouped = plain.drop_duplicates("model").groupby("class", sort=False)
    means = grouped.agg(
        models=("model", "size"),
        f1=("f1", "mean"),
        oracle_f1=("oracle_f1", "mean"),
        overlap_ratio=("overlap_ratio", "mean"),
        classified=("overlap_ratio", "count"),
    )
    return means.reindex([name for name in CLASSES if name in means.index]).reset_index(names="class")


def _metrics(task: ModuleType) -> dict[str, str]:
    """Of what a task declares: MLflow's name, and the column's."""
    return {f"metrics.{task.PREFIX}{name}": name for name in compared(task.METRICS)}


def _finished(runs: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Finished runs, newest first, with our names for their columns, their ids and when they started."""
    names = names | {"run_id": "run_id", "started": "started"}
    table = runs.reindex(columns=[*names, "status", _TASK])
    # Contacts of proteins are another task: they stand on no leaderboard of RNAs.
    finished = (table["status"] == "FINISHED") & table[_TASK].isna()
    table = table[finished].drop(columns=["status", _TASK]).rename(columns=names)
    return table.sort_values("started", ascending=False, kind="stable")


def _labels(rows: pd.DataFrame) -> Sequence[str]:
    seeds = rows.groupby([*QUESTION, "model", "alignment"], dropna=False)["seed"].transform("nunique")
    return [
        model
        + (f" ({alignment})" if pd.notna(alignment) and alignment != "intact" else "")
        + (f", seed {seed}" if several > 1 else "")
        for model, alignment, seed, several in zip(rows["model"], rows["alignment"], rows["seed"], seeds, strict=True)
    ]
