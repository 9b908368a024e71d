"""Options that several verbs share."""

from typing import Annotated

import typer

Weights = Annotated[str, typer.Option(help="Weights file or folder, instead of the published ones.")]
Config = Annotated[str, typer.Option(help="JSON file with the sizes that the weights do not carry.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Precision = Annotated[
    str, typer.Option(help="Of weights and activations: fp32, bf16 or fp16; attention is softmaxed in fp32.")
]
Long = Annotated[
    str,
    typer.Option(
        help="RNAs longer than the model reads: skip (counted), window (overlapping parts; pairs further apart than a "
        "part have no score) or error."
    ),
]
TokenPairs = Annotated[
    str,
    typer.Option(
        help="How a score of two k-mers, codons or BPE tokens becomes scores of their bases: mean over all tokens that "
        "cover them (attention to a token does not say which base is meant), max of these, or share: divided among a "
        "token's bases. Nothing where a token is a base."
    ),
]
Mask = Annotated[
    bool,
    typer.Option("--mask", help="Read any letter as N: X, digits, *; IUPAC's codes (R, Y, ...) always are."),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="End with an error if any record is left out; else the others are done.")
]
