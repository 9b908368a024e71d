"""Another tool's pairs, pair matrices or attention maps as a model: a closed or unpublished model needs no adapter."""

import hashlib
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from rnaexp.data.formats import read_rnas
from rnaexp.data.names import safe_name
from rnaexp.errors import InputError, ScoreError, UnavailableError, UnsuitableError
from rnaexp.models.spec import ModelSpec, Reader
from rnaexp.rna import Rna

_ARRAYS = (".npy", ".npz")
_ROUNDING = 1e-3  # half precision and text keep three digits or so
_STRUCTURES = (".bpseq", ".ct", ".dbn", ".fasta", ".fa")


class FileEncoder:
    """Reads an RNA's maps from the file named after it; an RNA without one is skipped and counted."""

    def __init__(self, folder: Path, *, spec: ModelSpec, heads_per_layer: int | None, suffix: str) -> None:
        self.folder, self.spec, self.suffix, self.heads_per_layer = folder, spec, suffix, heads_per_layer
        self.files = _files(folder, suffix)
        self.layers, self.heads = self._first_readable().shape[:2]
        self.binary = all(path.suffix in _STRUCTURES for path in self.files.values())
        self.fingerprint = _fingerprint(self.files, heads_per_layer)
        self.notes = self._notes() if spec.output == "attention" else ()

    def _notes(self) -> tuple[str, ...]:
        """What makes these maps doubtful as attention after softmax. Raises: InputError for a negative value."""
        lowest, highest = np.inf, -np.inf
        for path in self.files.values():
            maps = self._maps(path)
            if (maps < 0).any():
                message = (
                    f"holds {maps[maps < 0].min():.3g}: attention after softmax is never negative. Scores before "
                    "softmax or after a correction are pair scores: give them with --pairs"
                )
                raise InputError(message, path=path)
            sums = maps.sum(-1, dtype=np.float64)
            known = sums[np.isfinite(sums)]
            lowest, highest = min(lowest, known.min(initial=np.inf)), max(highest, known.max(initial=-np.inf))
        if lowest >= 1 - _ROUNDING and highest <= 1 + _ROUNDING:
            return ()
        why = "special tokens cut lower them, nothing raises them" if highest > 1 + _ROUNDING else "special tokens cut"
        return (f"rows of the given maps sum to {lowest:.2f} to {highest:.2f}, not 1 ({why})",)

    def check(self, rna: Rna) -> None:
        """Raises: UnsuitableError if there is no file for this RNA."""
        if safe_name(rna.id) not in self.files and rna.id not in self.files:
            message = f"{rna.id}: no file for it (its id, then {self.suffix!r}, then an ending) in {self.folder}"
            raise UnsuitableError(message)

    def read_attention(self, rnas: Sequence[Rna], reader: Reader) -> None:
        """Hand over each layer's maps. Raises: ScoreError if the file is no such maps: the RNA is then skipped."""
        for index, rna in enumerate(rnas):
            for layer, maps in enumerate(self._of(rna)):
                reader(index, layer, torch.from_numpy(np.ascontiguousarray(maps)))

    def read_head(self, rna: Rna, layer: int, head: int) -> Float[Tensor, "n n"]:
        """One map."""
        return torch.from_numpy(np.ascontiguousarray(self._of(rna)[layer, head]))

    def attention(self, rna: Rna) -> Iterator[Float[Tensor, "h n n"]]:
        """Each layer's maps in turn."""
        for maps in self._of(rna):
            yield torch.from_numpy(np.ascontiguousarray(maps))

    def embed(self, rnas: Sequence[Rna]) -> list[Float[Tensor, "n d"]]:
        """Files of pairs and maps hold no embeddings."""
        raise UnavailableError(_nothing_else(self.spec.name))

    def log_probabilities(self, rna: Rna, masked: Sequence[int]) -> Float[Tensor, "m a"]:
        """Files of pairs and maps hold no likelihoods."""
        raise UnavailableError(_nothing_else(self.spec.name))

    def _first_readable(self) -> np.ndarray:
        """The maps that say how many layers and heads all have. Raises: InputError if no file can be read."""
        wrong = None
        for path in self.files.values():
            try:
                return self._maps(path)
            except InputError as error:
                wrong = wrong or error
        assert wrong is not None, "a folder without files was refused"
        raise wrong

    def _of(self, rna: Rna) -> np.ndarray:
        try:
            return self._checked(rna)
        except InputError as error:
            raise ScoreError(str(error)) from error

    def _checked(self, rna: Rna) -> np.ndarray:
        path = self.files.get(safe_name(rna.id)) or self.files[rna.id]
        if path.suffix in _STRUCTURES:
            _refuse_other_sequence(path, rna)
        maps = self._maps(path)
        if maps.shape != (self.layers, self.heads, len(rna), len(rna)):
            message = (
                f"maps of shape {maps.shape}; {rna.id} has {len(rna)} bases and the first file "
                f"{self.layers} layers x {self.heads} heads"
            )
            raise InputError(message, path=path)
        return maps

    def _maps(self, path: Path) -> np.ndarray:
        if path.suffix in _STRUCTURES:
            return _structure(path)
        maps = _array(path, self.heads_per_layer)
        # Tools write pair scores into either triangle; attention is symmetrised later, as its read-out says.
        return _symmetric(maps) if self.spec.output == "pair-scores" else maps


def load_maps(folder: Path, *, name: str, heads_per_layer: int | None, suffix: str) -> FileEncoder:
    """Attention maps: one .npy or .npz an RNA, [n n], [h n n] or [l h n n], special tokens cut, after softmax."""
    return FileEncoder(folder, spec=_spec(name, output="attention"), heads_per_layer=heads_per_layer, suffix=suffix)


def load_pairs(folder: Path, *, name: str, suffix: str) -> FileEncoder:
    """Pairs: one BPSEQ, CT or dot-bracket file an RNA, or a matrix of pair scores [n n] as .npy or .npz."""
    return FileEncoder(folder, spec=_spec(name, output="pair-scores"), heads_per_layer=None, suffix=suffix)


def _spec(name: str, *, output: str) -> ModelSpec:
    return ModelSpec(
        name=name,
        title=f"{name}, from files",
        group="reference",
        loader="rnaexp.models.files:load_maps",
        output="attention" if output == "attention" else "pair-scores",
    )


def _nothing_else(name: str) -> str:
    return f"{name} is a folder of files: they hold nothing but pairs or maps"


def _files(folder: Path, suffix: str) -> dict[str, Path]:
    if not folder.is_dir():
        message = "not a folder; give the folder with one file an RNA"
        raise InputError(message, path=folder)
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix not in _ARRAYS + _STRUCTURES or not path.stem.endswith(suffix):
            continue
        stem = path.stem.removesuffix(suffix) if suffix else path.stem
        if stem in found:
            message = f"two files for {stem}: {found[stem].name} and {path.name}; use --suffix to tell them apart"
            raise InputError(message, path=folder)
        found[stem] = path
    if not found:
        message = f"no file *{suffix} with ending {', '.join(_ARRAYS + _STRUCTURES)}"
        raise InputError(message, path=folder)
    return found


def _array(path: Path, heads_per_layer: int | None) -> np.ndarray:
    """[l h n n] float32."""
    try:
        loaded = np.load(path, allow_pickle=False)
        values = loaded if isinstance(loaded, np.ndarray) else loaded[_only(loaded.files, path)]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        message = f"cannot be read as an array: {error}"
        raise InputError(message, path=path) from error
    if values.dtype.kind not in "fiub" or not values.size:
        message = f"holds {values.dtype} of shape {values.shape}; wanted numbers"
        raise InputError(message, path=path)
    values = np.asarray(values, np.float32)
    if values.ndim == 2:
        values = values[None]
    if values.ndim == 3:
        heads = heads_per_layer or len(values)
        if heads < 1 or len(values) % heads:
            message = f"{len(values)} maps cannot be split into layers of {heads} heads"
            raise InputError(message, path=path)
        values = values.reshape(-1, heads, *values.shape[1:])
    if values.ndim != 4 or values.shape[2] != values.shape[3]:
        message = f"shape {values.shape}; wanted [n n], [h n n] or [l h n n]"
        raise InputError(message, path=path)
    return values


def _symmetric(maps: np.ndarray) -> np.ndarray:
    """The filled triangle mirrored into an empty one; the larger of the two where both hold scores."""
    upper, lower = np.triu(maps, 1), np.tril(maps, -1)
    if not upper.any() or not lower.any():
        maps = upper + lower
        mirrored: np.ndarray = maps + maps.swapaxes(-1, -2)
    else:
        mirrored = np.maximum(maps, maps.swapaxes(-1, -2))
    return mirrored


def _refuse_other_sequence(path: Path, rna: Rna) -> None:
    """A file that holds letters must hold this RNA's; N stands for any."""
    theirs = read_rnas(path)[0].sequence
    same = len(theirs) == len(rna) and all(a == b or "N" in (a, b) for a, b in zip(theirs, rna.sequence, strict=True))
    if not same:
        message = f"its sequence is not that of {rna.id}"
        raise InputError(message, path=path)


def _only(names: list[str], path: Path) -> str:
    if len(names) != 1:
        message = f"holds {len(names)} arrays; wanted one"
        raise InputError(message, path=path)
    return names[0]


def _structure(path: Path) -> np.ndarray:
    """[1 1 n n], one where a pair is."""
    rnas = read_rnas(path)
    if len(rnas) != 1 or rnas[0].pairs is None:
        message = f"holds {len(rnas)} RNAs or no pairs; wanted the pairs of one RNA"
        raise InputError(message, path=path)
    n = len(rnas[0])
    values = np.zeros((1, 1, n, n), np.float32)
    for i, j in rnas[0].pairs:
        values[0, 0, i, j] = values[0, 0, j, i] = 1
    return values


def _fingerprint(files: dict[str, Path], heads_per_layer: int | None) -> str:
    digest = hashlib.sha256(str(heads_per_layer).encode())
    for stem, path in files.items():
        digest.update(stem.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
