"""`rnaexp models fetch|check|convert`: weights from where they are published to where they can be used."""

import json as json_format
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from rnaexp import models
from rnaexp.errors import InputError, UnavailableError
from rnaexp.models.fetch import fetch_weights
from rnaexp.models.memory import parameters_of, peak_bytes
from rnaexp.models.spec import Encoder, ModelSpec
from rnaexp.models.weights import save
from rnaexp.rna import Rna

_PROBE = Rna(id="probe", sequence="GGGAAACUCGAUUGCAUCCGAAAGAGUUCC")  # 30 bases: whole codons
_TEXTS = ("*.txt", "tokenizer*.json", "special_tokens_map.json")


def fetch(name: str, *, json: bool) -> None:
    """Download, check, lock.

    Raises: UnavailableError saying why and what to do.
    """
    entry = models.spec(name)
    if entry.unavailable is not None:
        message = f"{name}: {entry.unavailable}"
        raise UnavailableError(message)
    if entry.group == "baseline" or entry.source is None:
        message = f"{name}: it has no weights to fetch"
        raise UnavailableError(message)
    found = fetch_weights(entry)
    _tell({"name": name, "path": str(found.path), "revision": found.revision}, json=json)


def check(loading: Mapping[str, Any], *, json: bool) -> None:
    """Load a model and read one RNA of 30 bases."""
    encoder = models.load(**loading)
    finite = bool(torch.isfinite(_output(encoder)).all())
    _tell(
        {
            "name": encoder.spec.name,
            "layers": encoder.layers,
            "heads": encoder.heads,
            "width": encoder.spec.width,
            "parameters": parameters_of(encoder),
            "revision": encoder.spec.revision,
            "fingerprint": encoder.fingerprint,
            "proof": encoder.spec.proof_state,
            "maps_finite" if encoder.spec.has_attention else "embedding_finite": finite,
            "memory_for_500_bases_mb": round(peak_bytes(encoder, 500) / 1e6),
        },
        json=json,
    )


def convert(loading: Mapping[str, Any], out: Path, *, json: bool) -> None:
    """Write safetensors and config.json, load them again, and see that both give the same maps or embeddings.

    Raises: InputError if there is nothing to convert, or `out` is not empty.
    """
    if out.exists() and any(out.iterdir()):
        message = "not empty; give a new folder"
        raise InputError(message, path=out)
    encoder = models.load(**loading)
    convert_to(encoder, loading, out)
    _tell({"name": encoder.spec.name, "path": str(out), "outputs_equal": True}, json=json)


def convert_to(encoder: Encoder, loading: Mapping[str, Any], out: Path) -> Encoder:
    """A loaded model's weights as a folder; returns the model as that folder gives it.

    Raises: InputError if there is nothing to convert, or the copy gives other maps or embeddings.
    """
    network = getattr(encoder, "network", None)
    if network is None:
        message = f"{encoder.spec.name} has no weights to convert"
        raise InputError(message)
    if _from_folder(encoder.spec.loader):
        network.save_pretrained(out)
    else:
        save(network, out)
    _copy_tokenizer(loading.get("weights"), encoder.spec, out)
    again = models.load(**{**loading, "weights": out, "config": None})
    if not torch.equal(_output(encoder), _output(again)):
        message = "the converted weights do not give what the file they came from gives"
        raise InputError(message, path=out)
    return again


def _from_folder(loader: str) -> bool:
    """Whether transformers itself opens what it has saved."""
    return loader.startswith(("rnaexp.models.huggingface:", "rnaexp.models.bert_folder:"))


def _copy_tokenizer(weights: Path | None, spec: ModelSpec, out: Path) -> None:
    """Some folders are opened with the tokenizer that lies in them."""
    if weights is None and (spec.source is None or spec.name.startswith(models.UNTRAINED)):
        return
    folder = Path(weights) if weights is not None else fetch_weights(spec).path
    for path in (path for pattern in _TEXTS for path in folder.glob(pattern)):
        if not (out / path.name).exists():
            shutil.copyfile(path, out / path.name)


def _output(encoder: Encoder) -> torch.Tensor:
    """All maps of the probe; its embedding where there are none."""
    if not encoder.spec.has_attention:
        return encoder.embed([_PROBE])[0]
    return torch.stack([layer.clone() for layer in encoder.attention(_PROBE)])


def _tell(facts: Mapping[str, Any], *, json: bool) -> None:
    if json:
        sys.stdout.write(json_format.dumps(facts) + "\n")
    else:
        width = max(map(len, facts))
        sys.stdout.write("".join(f"{key:{width}}  {'unknown' if v is None else v}\n" for key, v in facts.items()))
