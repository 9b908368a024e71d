"""Checkpoints in multimolecule's own layout, opened by its own classes: the one file that imports it, when asked.

multimolecule is AGPL-3.0, so it is an extra that nobody gets unasked. Its classes call transformers' attention
interface, so streaming, single heads and early exit hold for them as for our own.
"""

from typing import Any

import torch

from rnaexp.errors import UnavailableError

# Its model types whose attention streams. RNA-MSM's and UTR-LM's do not; both have an adapter of our own.
STREAMED = (
    "calm",
    "dnabert",
    "dnabert2",
    "dnaberts",
    "ernierna",
    "rinalmo",
    "rnabert",
    "rnaernie",
    "rnafm",
    "splicebert",
    "utrbert",
)
# Types whose letter head is not their authors': RNABERT's has an activation too many (logits off by up to 1.4).
WRONG_LETTERS = ("rnabert",)
# Positions of its tables that no token ever has: RNA-FM numbers from 2.
UNUSED_POSITIONS = {"rnafm": 2}


def opens(model_type: Any) -> bool:
    """Whether a config.json of this type is multimolecule's and can be read here."""
    return model_type in STREAMED


def register(model_type: str) -> None:
    """Make its classes and tokenizers known to transformers; takes about ten seconds the first time.

    Raises: UnavailableError saying what to install.
    """
    try:
        # Importing it seeds torch; whoever draws random weights afterwards must not notice.
        with torch.random.fork_rng(devices=[]):
            import multimolecule  # noqa: F401
    except ImportError as error:
        message = (
            f"a checkpoint of type {model_type!r} is in multimolecule's layout; pip install 'rnaexp[multimolecule]' "
            f"reads it (AGPL-3.0) [{error}]"
        )
        raise UnavailableError(message) from error
