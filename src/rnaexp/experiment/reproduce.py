"""`rnaexp reproduce`: a run made again from its recipe, without stored results, and every figure compared."""

import json as json_format
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from rnaexp.errors import InputError, UnavailableError
from rnaexp.experiment.recipe import RECIPE, job_of
from rnaexp.experiment.runner import Labels, run_job
from rnaexp.reading.store import Store, read_record
from rnaexp.track.export import Figures, fetch_artifact, figures_of

REPRODUCES = "rnaexp.reproduces"  # tag of the new run
_CLOCK = ("seconds", "peak_memory_mb")  # last words of figures that no two runs share
# Parameters that say what a run is of; where one differs, so may every figure.
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
    then = figures_of(run_id)
    job = read_record(fetch_artifact(run_id, RECIPE), job_of, name=f"run {run_id}: {RECIPE}")
    with tempfile.TemporaryDirectory() as scratch:
        labels = Labels(kind="reproduction", tags={REPRODUCES: run_id})
        done = run_job(job, labels, store=Store(root=Path(scratch)))
    if done is None:
        return True  # the first process compares
    if done.run_id is None:
        message = "the new run is not in MLflow yet: rnaexp sync, then compare the two there"
        raise UnavailableError(message)
    now = figures_of(done.run_id)
    found = _compared(then, now)
    _show(run_id, done.run_id, found, _facts(then, now), json=json)
    return all(one.equal for one in found)


def _compared(then: Figures, now: Figures) -> list[Difference]:
    names = [name for name in {**then.metrics, **now.metrics} if not name.endswith(_CLOCK)]
    if not names:
        message = "it has no figures to compare"
        raise InputError(message)
    return [Difference(figure=name, then=then.metrics.get(name), now=now.metrics.get(name)) for name in sorted(names)]


def _facts(then: Figures, now: Figures) -> list[str]:
    """What the two runs are not equal in besides their figures."""
    return [
        f"{name}: {then.params.get(name)} then, {now.params.get(name)} now"
        for name in _OF
        if then.params.get(name) != now.params.get(name)
    ]


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
