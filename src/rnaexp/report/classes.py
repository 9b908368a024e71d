"""The paper's classes of models, and the few figures that the papers state: reference rows, never ranked with ours."""

import pandas as pd

from rnaexp.classify.controls import CONTROLS
from rnaexp.models import SHUFFLED, UNTRAINED

CLASSES = {
    "diverse-ncrna": "I: diverse non-coding RNA",
    "specific-rna": "II: one kind of RNA",
    "unified": "III: unified",
    "dna": "DNA",
    "protein": "protein",
    "reference": "own models and other tools",
    "baseline": "baselines: folding and covariation",
    "control": "controls: nothing learned",
}
LANGUAGE_MODELS = ("diverse-ncrna", "specific-rna", "unified", "dna", "protein", "reference")
_METHODS = frozenset({"viennarna", "alifold", "covariation", "gtest"})

_PAPER = "arXiv:2505.09087 and doi:10.1093/bib/bbag098"
_PUBLISHED = (
    ("RNA-MSM", "diverse-ncrna", "structure F1", "the lab's TS", 0.631, "best of the RNA models"),
    ("ESM2 15B", "protein", "structure F1", "proteins, not RNA", 0.675, "a control; its other sizes have about 0.67"),
    # Intersection over union, as the released code computes it: no shared area is ever shown next to it.
    ("RNA-FM", "diverse-ncrna", "overlap ratio, IoU", "Rfam", 0.070, "best of all models"),
    ("RiNALMo, 148M to 651M", "diverse-ncrna", "structure F1, change", "the lab's TS", None, "+28 %, relative"),
    (
        "AIDO.RNA, 648M to 1.6B",
        "diverse-ncrna",
        "structure F1, change",
        "the lab's TS",
        None,
        "+32.2 %, relative; its overlap ratio gets worse",
    ),
)


def class_of(model: str, group: str | None) -> str:
    """A key of `CLASSES`; a model whose group no run recorded stands with the other tools."""
    nothing_learned = model in CONTROLS or (group == "baseline" and model not in _METHODS)
    if nothing_learned or model.startswith((UNTRAINED, SHUFFLED)):
        return "control"
    return group if group in CLASSES else "reference"


def published() -> pd.DataFrame:
    """Every figure of the papers that is known here: other sets and protocols than ours.

    Columns: model, class, what, set, value (NaN for a change that is stated without its two values), note, source.
    """
    table = pd.DataFrame(_PUBLISHED, columns=["model", "class", "what", "set", "value", "note"])
    return table.assign(source=_PAPER)
