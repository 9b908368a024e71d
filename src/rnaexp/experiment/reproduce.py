"""`rnaexp reproduce`: a run made again from its recipe, without stored results, and every figure compared."""

import json as json_format
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rnaexp.errors import InputError, UnavailableError
from rnaexp.experiment.recipe import RECIPE, job_of
from rnaexp.experiment.reproduce_question import reproduce_question
from rnaexp.experiment.runner import Labels, run_job
from rnaexp.reading.store import Store, read_record
from rnaexp.track.export import Figures, fetch_artifact, figures_of, kind_of, whole_id

REPRODUCES = "rnaexp.reproduces"  # tag of the new run
_CLOCK = ("seconds", "peak_memory_mb")  # last words of figures that no two runs share
# Parameters that say what a run is of; where one differs, so may every figure.
_OF_PROCESS = ("rnaexp", "commit", "dirty", "python", "platform", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
_OF = ("fingerprint", "validation.sha256", "test.sha256", "weights.source", "revision", "device", "precision")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A figure then and now; None: it was not there. `difference`: now less then."""

    figure: str
    then: float | None
    now: float | None

    @property
    def difference(self) -> float | None:
        """None if one of them is not there."""
        return None if self.then is None or self.now is None else self.now - self.then

    @property
    def equal(self) -> bool:
        """To the last digit."""
        return self.then == self.now


def reproduce(run_id: str, *, json: bool) -> bool:
    """Run it again, in a run of its own that no table shows, and print every figure then and now; whether all agree.

    Raises: InputError for a run that cannot be made again, UnavailableError, and what the run itself raises.
    """
    run_id = whole_id(run_id)
    labels = Labels(kind="reproduction", tags={REPRODUCES: run_id})
    found = reproduce_question(run_id, labels) if kind_of(run_id) == "question" else _of_model(run_id, labels)
    if found is None:
        return True  # the first process compares
    new, then, now = found
    if new is None:
        message = "the new run is not in MLflow yet: rnaexp sync, then compare the two there"
        raise UnavailableError(message)
    differences = _compared(then, now)
    facts = [*_facts(then.params, now.params), *_facts(_process(run_id), _process(new), _OF_PROCESS)]
    _show(run_id, new, differences, facts, json=json)
    return all(one.equal for one in differences)


def _of_model(run_id: str, labels: Labels) -> tuple[str | None, Figures, Figures] | None:
    then = figures_of(run_id)
    job = read_record(fetch_artifact(run_id, RECIPE), job_of, name=f"run {run_id}: {RECIPE}")
    with tempfile.TemporaryDirectory() as scratch:
        done = run_job(job, labels, store=Store(root=Path(scratch)))
    if done is None:
        return None
    return done.run_id, then, then if done.run_id is None else figures_of(done.run_id)


def _compared(then: Figures, now: Figures) -> list[Difference]:
    names = [name for name in {**then.metrics, **now.metrics} if not name.endswith(_CLOCK)]
    if not names:
        message = "it has no figures to compare"
        raise InputError(message)
    return [Difference(figure=name, then=then.metrics.get(name), now=now.metrics.get(name)) for name in sorted(names)]


def _facts(then: Mapping[str, Any], now: Mapping[str, Any], of: Sequence[str] = _OF) -> list[str]:
    """What is another than then."""
    return [
        f"{name}: {then.get(name)} then, {now.get(name)} now"
        for name in dict.fromkeys((*then, *now))
        if name.rpartition(": ")[2] in of and then.get(name) != now.get(name)
    ]


def _process(run_id: str) -> dict[str, Any]:
    """What ran it, from its recipe."""
    held: dict[str, Any] = json_format.loads(fetch_artifact(run_id, RECIPE).read_text(encoding="utf-8"))
    return {**held, **held.get("variables", {})}


def _show(then: str, now: str, found: list[Difference], facts: list[str], *, json: bool) -> None:
    unequal = sum(not one.equal for one in found)
    if json:
        figures = [{**asdict(one), "difference": one.difference} for one in found]
        whole = {"run": then, "again": now, "different": unequal, "facts": facts, "figures": figures}
        sys.stdout.write(json_format.dumps(whole) + "\n")
        return
    width = max(len(one.figure) for one in found)
    lines = [f"{'figure':{width}}  {'then':>12}  {'now':>12}  difference"]
    lines += [
        f"{one.figure:{width}}  {_number(one.then):>12}  {_number(one.now):>12}  {_number(one.difference)}"
        for one in found
    ]
    end = f"{len(found)} figures of run {then} compared with run {now}: {unequal} differ"
    sys.stdout.write("\n".join([*lines, *facts, end]) + "\n")


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"
