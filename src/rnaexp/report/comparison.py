"""`rnaexp compare`: the tracked runs as one table; `rnaexp sync`: send what waits."""

import sys
from pathlib import Path

import pandas as pd

from rnaexp.data.atomic import write_atomically
from rnaexp.errors import InputError
from rnaexp.report.console import console
from rnaexp.report.tradeoff import write_tradeoff
from rnaexp.track.export import runs_table

_SHOWN = {
    "params.model": "model",
    "params.validation": "tuned on",
    "params.test": "test",
    "params.protocol": "protocol",
    "params.alignment": "alignment",
    "metrics.structure.f1": "F1",
    "metrics.structure.f1_low": "low",
    "metrics.structure.f1_high": "high",
    "metrics.structure.f1_ceiling": "ceiling",
    "metrics.structure.oracle_f1": "oracle F1",
    "metrics.structure.p_at_n": "P@N",
    "metrics.classify.overlap_ratio": "OR",
    "metrics.structure.rnas": "RNAs",
    "params.layer": "layer",
    "params.head": "head",
    "status": "status",
    "tags.rnaexp.diagnosis": "diagnosis",
    "run_id": "run",
}


def compare(experiment: str, csv: Path | None, tradeoff: Path | None = None) -> None:
    """Print the newest finished run of each (model, sets, protocol), best first; `csv` gets every column of every run.

    Raises: InputError if nothing was tracked yet.
    """
    table = runs_table(experiment)
    if table.empty:
        message = f"experiment {experiment} has no runs yet; start with: rnaexp run --model viennarna"
        raise InputError(message)
    if csv is not None:
        write_atomically(csv, table.to_csv(index=False).encode())
    if tradeoff is not None:
        write_tradeoff(table, tradeoff)
    _print(newest(table).reindex(columns=list(_SHOWN)).rename(columns=_SHOWN))


def newest(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each distinct question, its newest finished run; best F1 first within each test set."""
    names = ("model", "validation", "test", "protocol", "alignment", "related", "seed")
    asked = [f"params.{name}" for name in names]
    table = table.reindex(columns=sorted({*table.columns, *_SHOWN, *asked}))
    finished = table[table["status"] == "FINISHED"].sort_values("started", ascending=False)
    return finished.drop_duplicates(asked).sort_values(
        ["params.test", "params.protocol", "metrics.structure.f1"], ascending=[True, True, False]
    )


def _print(table: pd.DataFrame) -> None:
    from rich.table import Table

    shown = Table()
    for name in table.columns:
        shown.add_column(str(name))
    for row in table.itertuples(index=False):
        shown.add_row(*[_text(value) for value in row])
    console(190).print(shown, markup=False)


def _text(value: object) -> str:
    if pd.isna(value):  # type: ignore[call-overload]
        return ""
    return f"{value:.3f}".removesuffix(".000") if isinstance(value, float) else str(value)


def sync() -> None:
    """Push what an unreachable server left in the outbox."""
    from rnaexp.track import outbox

    sent = outbox.sync()
    sys.stdout.write(f"{sent.pushed} runs sent, {sent.live} still running, {sent.kept} kept for later\n")
