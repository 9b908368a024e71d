"""Whose layout a checkpoint has, as its own config.json says."""

import json
from pathlib import Path

MSA = "rnamsm"
# Model types of MultiMolecule that `multimolecule.load` reads.
MULTIMOLECULE = (
    "calm",
    "dnabert",
    "dnabert2",
    "dnaberts",
    "ernierna",
    "hyenadna",
    "rinalmo",
    "rnabert",
    "rnaernie",
    "rnafm",
    MSA,
    "splicebert",
    "utrbert",
    "utrlm",
)


def multimolecule_layout(path: Path) -> str | None:
    """The model type, if config.json beside these weights is one of MultiMolecule's; None otherwise.

    A model of other authors may call itself by one of these names (AIDO.RNA's is rnabert); MultiMolecule's have a null
    token besides.
    """
    file = (path if path.is_dir() else path.parent) / "config.json"
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(held, dict) or "null_token_id" not in held:
        return None
    kind = held.get("model_type")
    return kind if kind in MULTIMOLECULE else None
