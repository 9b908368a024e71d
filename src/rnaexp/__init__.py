"""Track what pre-training alone taught RNA language models: base pairs, families, fitness.

Five lines of Python:

    import rnaexp

    found = rnaexp.evaluate(["msm-nano", "viennarna"], tasks=["pairs"])
    print(found.frame[["structure.f1", "structure.f1_low", "structure.f1_high"]])

Everything here is imported when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnaexp.data.formats import read_rnas
    from rnaexp.experiment.evaluate import evaluate
    from rnaexp.experiment.listing import list_models, list_sets, list_tasks
    from rnaexp.experiment.results import Results
    from rnaexp.experiment.settings import Settings
    from rnaexp.experiment.use import embed, predict
    from rnaexp.models.loading import load
    from rnaexp.models.wrap import wrap
    from rnaexp.rna import Alignment, Rna

__version__ = "0.1.0"

_PLACES = {
    "Alignment": "rnaexp.rna",
    "Results": "rnaexp.experiment.results",
    "Rna": "rnaexp.rna",
    "Settings": "rnaexp.experiment.settings",
    "embed": "rnaexp.experiment.use",
    "evaluate": "rnaexp.experiment.evaluate",
    "list_models": "rnaexp.experiment.listing",
    "list_sets": "rnaexp.experiment.listing",
    "list_tasks": "rnaexp.experiment.listing",
    "load": "rnaexp.models.loading",
    "predict": "rnaexp.experiment.use",
    "read_rnas": "rnaexp.data.formats",
    "wrap": "rnaexp.models.wrap",
}

__all__ = [
    "Alignment",
    "Results",
    "Rna",
    "Settings",
    "embed",
    "evaluate",
    "list_models",
    "list_sets",
    "list_tasks",
    "load",
    "predict",
    "read_rnas",
    "wrap",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        message = f"module 'rnaexp' has no attribute {name!r}; it has {', '.join(__all__)}"
        raise AttributeError(message)
    return getattr(importlib.import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
