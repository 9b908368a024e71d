"""Where a tuned head comes from, and how its model is loaded: by name, or as it was registered."""

from collections.abc import Callable
from typing import Any

from rnaexp import models
from rnaexp.choices import PLAIN, Drawing
from rnaexp.errors import InputError
from rnaexp.models.spec import Encoder
from rnaexp.progress import announce, say, silence
from rnaexp.reading.loading import Loading
from rnaexp.reading.processes import is_first_process
from rnaexp.reading.store import Store
from rnaexp.structure.heads import TunedHead
from rnaexp.structure.probabilities import StructureView
from rnaexp.structure.worth import control_of, decoder_f1
from rnaexp.tasks.pairs.find_head import controls_line, find_head, look_for_head
from rnaexp.tasks.pairs.settings import HeadSettings

REGISTERED = "models:/"

# The head and its model, loaded; called once everything that can be refused at once has been.
Load = Callable[[], tuple[TunedHead, Encoder]]


def either(model: str, head: HeadSettings, loading: Loading) -> Load:
    """`registered` for an address of the registry, `named` for a name."""
    return registered(model, head, loading) if model.startswith(REGISTERED) else named(model, head, loading)


def named(model: str, head: HeadSettings, loading: Loading) -> Load:
    """The head that `find_head` finds; with `tune`, where it finds none, one that is tuned first.

    Raises: UnavailableError naming the command that makes one; loading raises InputError for other weights.
    """
    found = look_for_head(model, head.tuned) if head.tune else find_head(model, head.tuned)
    if found is None:
        options = loading.of(model)
        return lambda: _tuned_first(model, options)
    if not found.tuned.scoring.molecule.brackets:
        message = f"{head.tuned}: tuned on contacts of proteins; base pairs are predicted by a head tuned on those"
        raise InputError(message)
    options = loading.of(model, found.tuned.read_out.token_pairs)

    def load() -> tuple[TunedHead, Encoder]:
        from rnaexp.structure.configuration import head_for

        _tell(found.message)
        encoder = models.load(**options)
        return head_for(encoder, found.tuned), encoder

    return load


def _tuned_first(model: str, options: dict[str, Any]) -> tuple[TunedHead, Encoder]:
    from rnaexp.data.sets import load_set
    from rnaexp.tasks.pairs.tuning import VALIDATION, seconds_to_read, tune_on

    encoder, store = models.load(**options), Store()
    rnas = [rna for rna in load_set(VALIDATION).rnas if rna.pairs]
    seconds = max(1, round(seconds_to_read(encoder, rnas)))
    # Where all heads are weak every RNA is read once more, deeper.
    _tell(f"{model}: tuning a head on {VALIDATION} first, {len(rnas)} RNAs: about {seconds} to {2 * seconds} s")
    tuned, f1 = tune_on(encoder, VALIDATION, store, announce if is_first_process() else silence)
    store.put_tuned(models.lasting_name(model), tuned.to_json())
    _tell(
        f"{model}: head {tuned.layer}.{tuned.head}, threshold {tuned.threshold:.4g}: F1 {f1.mean:.3f} "
        f"{f1.ends} on the RNAs it was tuned on{controls_line(tuned)}; rnaexp run --model {model} tests it on others"
    )
    return tuned, encoder


def _tell(line: str) -> None:
    """Once, however many processes load the head."""
    if is_first_process():
        say(line)


def worth_of(tuned: TunedHead, drawing: Drawing = PLAIN) -> str:
    """In one sentence, what such structures were worth on RNAs of known structure, and a control's on the same."""
    view = tuned.view
    if view is None or view.f1 is None:
        return (
            f"{tuned.model}: what this head's structures are worth is unknown, and what a control without energies "
            "scores on the same RNAs: it was tuned before these were measured; tune it again (rnaexp run)"
        )
    folded = drawing.fold and view.folded_f1 is not None
    which = "nested structures" if drawing.pseudoknots else "structures"
    which += ", folded by ViennaRNA with its scores," if folded else ", without folding," if drawing.fold else ""
    f1 = view.f1 if not drawing.fold or view.folded_f1 is None else view.folded_f1
    interval = "" if view.f1_low is None or folded else f" [{view.f1_low:.2f}, {view.f1_high:.2f}]"
    there = f"the {len(tuned.sequences)} RNAs of {tuned.tuned_on} that it was tuned on"
    if view.measured_on is not None:
        there = f"{view.measured_on}, on which its confidences were calibrated"
    known = f"{tuned.model}: this head's {which} had F1 {f1:.2f}{interval} on {there}"
    control = "a control without energies" if view.control is None else f"{view.control}, the best control"
    others = {"as many pairs as fit, whatever their scores": view.unscored_f1, "ViennaRNA": view.folding_f1}
    against = [f"{name}: {f1:.2f}" for name, f1 in others.items() if f1 is not None]
    against.insert(0, f"{control}: {_or_unknown(view.control_f1)}")
    return "; ".join([known, *against]) + _advice(f1, view)


def known_f1(tuned: TunedHead, drawing: Drawing = PLAIN) -> str:
    """The head's validation F1 and, next to it, the control's, in a few words; what was not measured is unknown."""
    mine, (control, theirs) = decoder_f1(tuned, drawing), control_of(tuned, drawing)
    return f"validation F1 {_or_unknown(mine)}, {control or 'a control'}'s {_or_unknown(theirs)}"


def _or_unknown(f1: float | None) -> str:
    return "unknown" if f1 is None else f"{f1:.2f}"


def _advice(f1: float, view: StructureView) -> str:
    """What a structure is good for that is no better than one without a model."""
    if view.control_f1 is not None and f1 <= view.control_f1:
        return f". No better than {view.control}, which has neither a language model nor energies"
    return ". For comparing models, not for design" if (view.folding_f1 or 0) > f1 else ""


def registered(uri: str, head: HeadSettings, loading: Loading) -> Load:
    """The head behind `models:/NAME@ALIAS` with all that it needs.

    Raises: InputError for an option that the registered configuration decides, UnavailableError.
    """
    given = {"tuned": head.tuned, "tune": head.tune, "config": loading.config, "seed": loading.seed}
    for name, value in (given | {"precision": loading.precision != "fp32"}).items():
        if value:
            message = f"--{name}: {uri} says that itself"
            raise InputError(message)

    def load() -> tuple[TunedHead, Encoder]:
        from rnaexp.track.registry import fetch_configuration

        found, folder = fetch_configuration(uri)
        return found.tuned, found.load_either(folder, weights=loading.weights, device=loading.device)

    return load
