"""Which head a model is used with: the one named, the user's newest, one that ships, or what a baseline defines itself.

Nothing here takes time to import, so that a missing head is reported at once.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from rnaexp import models
from rnaexp.errors import UnavailableError
from rnaexp.models.spec import refuse_without_attention
from rnaexp.reading.store import Store, read_record
from rnaexp.structure.heads import TunedHead
from rnaexp.structure.shipped_heads import CENTROID, FOLDED, centroid_head, shipped_head, shipped_names

SHIPPED = "shipped"  # instead of a file or a run: the head that comes with rnaexp, whatever the user's own


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundHead:
    """A head, and in one line where it comes from and what it was worth there."""

    tuned: TunedHead
    message: str


def find_head(model: str, where: str = "") -> FoundHead:
    """A head from a file or an MLflow run (`where`); else the newest in the store; else one that comes with rnaexp.

    `where` "shipped": the last, whatever is in the store.

    Raises: InputError for an unknown model or a file that is no head, UnavailableError naming what makes one.
    """
    found = look_for_head(model, where)
    if found is None:
        message = (
            f"no tuned head of {model}; rnaexp predict --tune tunes one first and says how long that takes, and "
            f"rnaexp run --model {model} tests it as well"
        )
        raise UnavailableError(message)
    return found


def look_for_head(model: str, where: str = "") -> FoundHead | None:
    """As `find_head`, None where there is no head."""
    if where and where != SHIPPED:
        return _named(model, where)
    refuse_without_attention(models.spec(model))
    if where:
        return _comes_with_rnaexp(model)
    return _own(model) or _shipped(model) or _defined(model)


def _comes_with_rnaexp(model: str) -> FoundHead:
    found = _shipped(model) or _defined(model)
    if found is None:
        message = f"no head of {model} comes with rnaexp; there are {', '.join((*shipped_names(), *FOLDED))}"
        raise UnavailableError(message)
    return found


def _named(model: str, where: str) -> FoundHead:
    path = Path(where)
    if not path.is_file():
        from rnaexp.track.export import fetch_artifact

        path = fetch_artifact(where, "tuned_head.json")
    head = read_record(path, TunedHead.from_json)
    return FoundHead(tuned=head, message=f"{_label(model, head)}, of {where}: {_worth(head)}")


def _own(model: str) -> FoundHead | None:
    store = Store()
    held = store.newest_tuned(models.lasting_name(model)) or store.newest_tuned(model)
    if held is None:
        return None
    head = replace(TunedHead.from_json(held), model=model)
    other = f"; --tuned {SHIPPED} takes the one that comes with rnaexp" if model in (*shipped_names(), *FOLDED) else ""
    message = f"{_label(model, head)}, your newest (in {store.root.name}): {_worth(head)}{controls_line(head)}{other}"
    return FoundHead(tuned=head, message=message)


def _shipped(model: str) -> FoundHead | None:
    held = shipped_head(model)
    if held is None:
        return None
    interval = "" if held.f1_low is None else f" [{held.f1_low:.2f}, {held.f1_high:.2f}]"
    worth = f"{_worth(held.tuned)}{interval} there{controls_line(held.tuned)}"
    message = f"{_label(model, held.tuned)}, shipped with rnaexp: {worth}"
    return FoundHead(tuned=held.tuned, message=message)


def _defined(model: str) -> FoundHead | None:
    head = centroid_head(model)
    if head is None:
        return None
    message = f"{model}: pairs of probability {CENTROID:g} or more, the centroid structure; nothing was tuned"
    return FoundHead(tuned=head, message=message)


def controls_line(head: TunedHead) -> str:
    """What complementary stacks alone reach on the same RNAs, where that is known; "" where it is not."""
    aligned = models.spec(head.model).reads == "alignment"
    control = shipped_head("stems-alignment" if aligned else "stems")
    if control is None or control.tuned.model == head.model:
        return ""
    same = (head.tuned_on_sha256, head.sequences, head.scoring)
    theirs = control.tuned
    if same != (theirs.tuned_on_sha256, theirs.sequences, theirs.scoring) or theirs.validation_f1 is None:
        return ""
    return f" ({theirs.model}, complementary stacks alone: {theirs.validation_f1:.3f})"


def _label(model: str, head: TunedHead) -> str:
    return f"{model}: head {head.layer}.{head.head}, threshold {head.threshold:.4g}"


def _worth(head: TunedHead) -> str:
    if head.validation_f1 is None:
        return "nothing was tuned"
    return f"tuned on {len(head.sequences)} RNAs of {head.tuned_on}, F1 {head.validation_f1:.3f}"
