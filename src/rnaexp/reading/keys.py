"""Keys of an RNA's scores: all that makes them what they are."""

from dataclasses import asdict

from rnaexp.models.files import FileEncoder
from rnaexp.models.fitted import FITTED
from rnaexp.models.options import precision_of
from rnaexp.models.spec import Encoder
from rnaexp.reading.store import key_of
from rnaexp.rna import Protein, Rna
from rnaexp.structure.outlines import STEPS
from rnaexp.structure.pairs import reference
from rnaexp.structure.protocol import ReadOut
from rnaexp.structure.reading import Reading, scorable
from rnaexp.structure.windows import windows_of

# Raise when what an entry holds, or how it is computed, changes: old entries are then not found.
_SCHEMA = 1


def key_of_entry(encoder: Encoder, rna: Rna, reading: Reading) -> str:
    """Of all that makes an RNA's scores what they are, and of what is kept of them."""
    windows = windows_of(encoder, rna, reading.long)
    allowed = scorable(rna, reading.scoring, windows)
    parts = {
        "schema": _SCHEMA,
        "encoder": encoder.fingerprint,
        "precision": {"fp32": "float32"}.get(precision_of(encoder), precision_of(encoder)),
        "sequence": rna.sequence,
        "alignment": rna.alignment.sha256() if rna.alignment else None,
        "read_out": _made_by(reading.read_out),
        "candidates": [reading.scoring.min_separation, reading.scoring.pairs, reading.scoring.decoder],
        "kept": reading.kept(len(reference(rna, reading.scoring)), int(allowed.sum())),
        "head": reading.head,
    }
    if reading.outline:  # unlike lists, it holds which pairs are right
        parts["outline"] = [STEPS, reference(rna, reading.scoring).tolist()]
    if reading.band is not None:
        parts["band"] = [reading.band, reference(rna, reading.scoring).tolist()]
    if windows is not None:  # an RNA that is read whole is read alike under every policy
        parts["windows"] = [windows.length, windows.starts]
    if isinstance(rna, Protein):
        parts["unresolved"] = rna.unresolved
    # A planted toy also reads the reference it must find, and files are found by id, not by sequence.
    if encoder.spec.name.removeprefix(FITTED) == "planted":
        parts["pairs"] = rna.pairs
    if isinstance(encoder, FileEncoder):
        parts["id"] = rna.id
    return key_of(parts)


def _made_by(read_out: ReadOut) -> dict[str, object]:
    """What of the read-out shapes an entry: ranks and the sigmoid are made from any, so they need none of their own."""
    fields = asdict(read_out)
    del fields["squash"]
    scale, spread = fields.pop("score_scale"), fields.pop("token_pairs")
    shaping = {"score_scale": scale} if scale == "z-score" else {}
    return fields | shaping | ({"token_pairs": spread} if spread != "mean" else {})
