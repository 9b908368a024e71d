"""What a head's structures, and a control's, were worth where that was measured; nothing here takes time to import."""

from rnaexp.choices import PLAIN, Drawing
from rnaexp.structure.heads import TunedHead


def decoder_f1(tuned: TunedHead, drawing: Drawing = PLAIN) -> float | None:
    """F1 of exactly that decoder on the RNAs that the head was tuned on; None where it was not measured."""
    if tuned.view is None:
        return tuned.dot_bracket_f1
    if drawing.pseudoknots:
        return None
    return tuned.view.folded_f1 if drawing.fold else tuned.view.f1


def control_of(tuned: TunedHead, drawing: Drawing = PLAIN) -> tuple[str, float] | tuple[None, None]:
    """What a control's structures had on the same RNAs, and which: the best one without energies; where the scores only
    help ViennaRNA, ViennaRNA alone. (None, None) where it was not measured."""
    view = tuned.view
    if view is None or drawing.pseudoknots:
        return None, None
    name, f1 = ("viennarna", view.folding_f1) if drawing.fold else (view.control, view.control_f1)
    return (None, None) if name is None or f1 is None else (name, f1)


def measured_on(tuned: TunedHead) -> str:
    """The set that these figures are from; "" where there are none."""
    view = tuned.view
    return tuned.tuned_on or (view.measured_on if view is not None else None) or ""
