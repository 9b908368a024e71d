"""The table of docs/checkpoints.md, each folder opened and read: `python tracking/architectures_table.py`."""

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.models.architectures import ARCHITECTURES, write_network, write_tokenizer, write_vocabulary

from rnaexp.errors import InputError, UnavailableError
from rnaexp.models import load
from rnaexp.models.spec import Encoder
from rnaexp.models.whole_maps import WholeMaps
from rnaexp.rna import Rna

RNA = Rna(id="one", sequence="GGGACUUCGGUCCC")
FILES: dict[str, Callable[[Path, str], None]] = {
    "vocab.txt": lambda folder, name: write_vocabulary(folder),
    "tokenizer.json": write_tokenizer,
    "neither": lambda folder, name: None,
}


def attention(encoder: Encoder) -> str:
    try:
        encoder.read_attention([RNA], lambda *_: None)
    except UnavailableError:
        return f"no: {encoder.spec.why_no_attention}"
    return "yes, all layers at once" if isinstance(encoder, WholeMaps) else "yes, layer by layer"


def letters(encoder: Encoder) -> str:
    try:
        encoder.predict_letters([RNA], [()])  # type: ignore[attr-defined]
    except UnavailableError as error:
        return f"no: {str(error).partition(': ')[2]}"
    return "left to right" if getattr(encoder, "causal", False) else "yes"


def cells(folder: Path) -> tuple[str, str, str]:
    """What is read of a folder, or the message."""
    try:
        encoder = load(str(folder), device="cpu")
    except (InputError, UnavailableError) as error:
        return str(error).replace(str(folder), "FOLDER"), "", ""
    encoder.embed([RNA])
    return attention(encoder), "yes", letters(encoder)


def rows() -> dict[tuple[str, tuple[str, str, str]], list[str]]:
    """Architecture and what is read of it: the folders that give this."""
    found: dict[tuple[str, tuple[str, str, str]], list[str]] = {}
    with TemporaryDirectory() as place:
        for name in ARCHITECTURES:
            for files, write in FILES.items():
                folder = Path(place) / name / files
                folder.mkdir(parents=True)
                write_network(folder, name)
                write(folder, name)
                found.setdefault((name, cells(folder)), []).append(files)
    return found


def table() -> str:
    lines = ["| architecture | besides config.json and weights | attention | embeddings | likelihoods |"]
    lines.append("|---|---|---|---|---|")
    refused: dict[str, list[str]] = {}
    for (name, (maps, vectors, said)), files in rows().items():
        if not vectors:
            refused.setdefault(maps, []).append(name)
            continue
        lines.append(f"| {name} | {' or '.join(files)} | {maps} | {vectors} | {said} |")
    for message, names in refused.items():
        which = "each of these" if len(names) == len(ARCHITECTURES) else ", ".join(names)
        lines.append(f"| {which} | neither | refused: {message} | | |")
    return "\n".join(lines)


if __name__ == "__main__":
    import transformers

    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    sys.stdout.write(table() + "\n")
