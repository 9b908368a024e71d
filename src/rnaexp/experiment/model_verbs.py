"""`rnaexp models fetch|pack|check|convert`: weights from where they are published to where they can be used."""

import json as json_format
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from rnaexp import models
from rnaexp.errors import InputError, UnavailableError
from rnaexp.models import bundle
from rnaexp.models.fetch import Fetched, fetch_weights
from rnaexp.models.layouts import folder_of, multimolecule_layout
from rnaexp.models.lock import Locked, facts_of
from rnaexp.models.memory import peak_bytes
from rnaexp.models.spec import Encoder, ModelSpec
from rnaexp.models.weights import read_parts, save
from rnaexp.progress import say
from rnaexp.reading.unbuilt import parameter_count
from rnaexp.rna import Rna

_PROBE = Rna(id="probe", sequence="GGGAAACUCGAUUGCAUCCGAAAGAGUUCC")  # 30 bases: whole codons
_TEXTS = ("*.txt", "tokenizer*.json", "special_tokens_map.json")


def fetch(name: str, *, source: str = "", json: bool) -> None:
    """Download, check, lock; from the source that is named, else from the first that answers.

    Raises: UnavailableError saying why and what to do.
    """
    found = fetch_weights(_fetchable(name), source)
    _show({"name": name, "path": str(found.path), **_facts(found)}, json=json)


def pack(names: Sequence[str], out: Path, *, json: bool) -> None:
    """Each model's files into one folder, its entry written last; what is there already and equal is written anew.

    Raises: UnavailableError for a model that cannot be had; those before it stay packed.
    """
    packed = []
    for entry in [_fetchable(name) for name in names]:
        found = fetch_weights(entry)
        held = Locked(
            source=found.source.address,
            revision=found.revision,
            files=facts_of(found.files),
            layout=found.source.layout,
            licence=found.source.licence or entry.licence,
        )
        folder = bundle.put(entry.name, found.files, held, out)
        packed.append({"name": entry.name, "path": str(folder), **_facts(found), "licence": held.licence})
        say(f"{entry.name}: {len(found.files)} files packed")
    if json:
        sys.stdout.write(json_format.dumps({"models": packed}) + "\n")
    else:
        sys.stdout.write(f"{len(packed)} models in {out}; on the other machine: export {bundle.VARIABLE}={out}\n")


def _facts(found: Fetched) -> dict[str, Any]:
    return {"revision": found.revision, "source": found.source.address, "layout": found.source.layout}


def _fetchable(name: str) -> ModelSpec:
    entry = models.spec(name)
    if entry.unavailable is not None:
        message = f"{name}: {entry.unavailable}"
        raise UnavailableError(message)
    if entry.group == "baseline" or entry.source is None:
        message = f"{name}: it has no weights to fetch"
        raise UnavailableError(message)
    return entry


def check(loading: Mapping[str, Any], *, json: bool) -> None:
    """Load a model and read one RNA of 30 bases."""
    encoder = models.load(**loading)
    finite = bool(torch.isfinite(_output(encoder)).all())
    _show(
        {
            "name": encoder.spec.name,
            "layers": encoder.layers,
            "heads": encoder.heads,
            "width": encoder.spec.width,
            "parameters": parameter_count(encoder),
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
    _show({"name": encoder.spec.name, "path": str(out), "outputs_equal": True}, json=json)


def convert_to(encoder: Encoder, loading: Mapping[str, Any], out: Path) -> Encoder:
    """A loaded model's weights as a folder; returns the model as that folder gives it.

    Raises: InputError if there is nothing to convert, or the copy gives other maps or embeddings.
    """
    network = getattr(encoder, "network", None)
    if network is None:
        message = f"{encoder.spec.name} has no weights to convert"
        raise InputError(message)
    source = _lies_in(loading.get("weights"), encoder.spec)
    if source is not None and multimolecule_layout(source):
        _copy_in_its_layout(source, out)
        _copy_texts(folder_of(source), out)
    else:
        _write(encoder, network, source, out)
    return _read_again(encoder, loading, out)


def keep_trained(encoder: Encoder, network: Any, loading: Mapping[str, Any], out: Path) -> None:
    """The network that an encoder reads, after training, as a folder that its loader reads again.

    Raises: InputError where the layout that it came in cannot hold other weights, or the folder gives other maps.
    """
    source = _lies_in(loading.get("weights"), encoder.spec)
    if source is not None and multimolecule_layout(source):
        message = f"{encoder.spec.name}: trained weights are not written in multimolecule's layout; convert it first"
        raise InputError(message, path=source)
    _write(encoder, network, source, out)
    _read_again(encoder, loading, out)


def _write(encoder: Encoder, network: Any, source: Path | None, out: Path) -> None:
    if from_folder(encoder.spec.loader):
        network.save_pretrained(out)
    else:
        save(network, out)
    if source is not None:
        _copy_texts(folder_of(source), out)


def _read_again(encoder: Encoder, loading: Mapping[str, Any], out: Path) -> Encoder:
    again = models.load(**{**loading, "weights": out, "config": None})
    if not torch.equal(_output(encoder), _output(again)):
        message = "the converted weights do not give what the file they came from gives"
        raise InputError(message, path=out)
    return again


def from_folder(loader: str) -> bool:
    """Whether transformers itself opens what it has saved."""
    return loader.startswith(("rnaexp.models.huggingface:", "rnaexp.models.bert_folder:"))


def _lies_in(weights: Path | None, spec: ModelSpec) -> Path | None:
    """The file or folder that a model came from; None for random weights and what has no file."""
    if weights is None and (spec.source is None or spec.name.startswith(models.UNTRAINED)):
        return None
    return Path(weights) if weights is not None else fetch_weights(spec).path


def _copy_in_its_layout(source: Path, out: Path) -> None:
    """Its own names and letters, which its own config.json explains; pickled tensors become safetensors."""
    out.mkdir(parents=True, exist_ok=True)
    files = [source] if source.is_file() else sorted(source.glob("model*.safetensors"))
    state = read_parts(files or sorted(source.glob("pytorch_model*.bin")))
    save_file({name: tensor.clone() for name, tensor in state.items()}, out / "model.safetensors", {"format": "pt"})
    shutil.copyfile(folder_of(source) / "config.json", out / "config.json")


def _copy_texts(folder: Path, out: Path) -> None:
    """Some folders are opened with the tokenizer that lies in them."""
    for path in (path for pattern in _TEXTS for path in folder.glob(pattern)):
        if not (out / path.name).exists():
            shutil.copyfile(path, out / path.name)


def _output(encoder: Encoder) -> torch.Tensor:
    """All maps of the probe; its embedding where there are none."""
    if not encoder.spec.has_attention:
        return encoder.embed([_PROBE])[0]
    return torch.stack([layer.clone() for layer in encoder.attention(_PROBE)])


def _show(facts: Mapping[str, Any], *, json: bool) -> None:
    if json:
        sys.stdout.write(json_format.dumps(facts) + "\n")
    else:
        width = max(map(len, facts))
        sys.stdout.write("".join(f"{key:{width}}  {'unknown' if v is None else v}\n" for key, v in facts.items()))
