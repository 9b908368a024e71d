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
# And one that is not: its releases after v0.0.8 have it no more.
AIDO = "aido.rna"
GENERIC = "rnaexp.models.huggingface:load"  # of rows that are whatever their checkpoint is


def folder_of(weights: Path) -> Path:
    """Where config.json and the tokenizer lie: the folder, or that of the file."""
    return weights if weights.is_dir() else weights.parent


def prefix_of(kind: str) -> str:
    """What stands before the body's names in files of MultiMolecule up to v0.0.8."""
    return kind.replace(".", "_")


def multimolecule_layout(path: Path) -> str | None:
    """The model type, if config.json next to these weights is one of MultiMolecule's; None otherwise.

    A model of other authors may call itself by one of these names (AIDO.RNA's is rnabert); MultiMolecule's have a null
    token besides.
    """
    try:
        held = json.loads((folder_of(path) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(held, dict) or "null_token_id" not in held:
        return None
    kind = held.get("model_type")
    return kind if kind in (*MULTIMOLECULE, AIDO) else None
