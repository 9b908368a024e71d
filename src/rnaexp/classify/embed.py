"""From an embedding of each base to one unit vector per RNA: pool over the bases, reduce, normalise."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from jaxtyping import Float, Float32

from rnaexp.classify.protocol import EmbeddingProtocol
from rnaexp.errors import ScoreError
from rnaexp.typing import checked


@checked
def pool(bases: Float[np.ndarray, "n d"], pooling: str = "mean") -> Float[np.ndarray, "k"]:
    """One vector from an RNA's bases, or tokens: mean, max, or `crop-N`, the first N numbers read row by row."""
    if pooling.startswith("crop-"):
        return crop(bases, int(pooling.removeprefix("crop-")))
    return np.asarray(bases.mean(0) if pooling == "mean" else bases.max(0))


def crop(bases: Float[np.ndarray, "n d"], numbers: int) -> Float[np.ndarray, "k"]:
    """The first numbers of the table read row by row, zeros where it has fewer."""
    first = bases.ravel()[:numbers]
    return np.pad(first, (0, numbers - len(first)))


@checked
def reduce(vectors: Float[np.ndarray, "r d"], protocol: EmbeddingProtocol) -> Float[np.ndarray, "r k"]:
    """Pooled vectors in fewer numbers, by the protocol's centring, axes and reduction.

    The papers say no more than "Fourier transform to 128": `fft-magnitude` takes the absolute values of the real
    transform's first bins (zero-padded where the width gives too few), `fft-resample` scipy's band-limited resampling.
    """
    if protocol.centring == "mean":
        vectors = vectors - vectors.mean(0)
    if protocol.axes == "permuted":
        vectors = vectors[:, np.random.default_rng(protocol.seed).permutation(vectors.shape[1])]
    return _REDUCTIONS[protocol.reduction](vectors, protocol)


def _fft_magnitude(vectors: np.ndarray, protocol: EmbeddingProtocol) -> np.ndarray:
    first = 0 if protocol.constant == "keep" else 1
    wanted = first + protocol.dimensions
    points = max(vectors.shape[1], 2 * (wanted - 1))
    return np.asarray(np.abs(np.fft.rfft(vectors, n=points, axis=1))[:, first:wanted])


def _fft_resample(vectors: np.ndarray, protocol: EmbeddingProtocol) -> np.ndarray:
    from scipy.signal import resample

    if protocol.constant == "drop":
        vectors = vectors - vectors.mean(1, keepdims=True)
    resampled: np.ndarray = resample(vectors, protocol.dimensions, axis=1)
    return resampled


def _fft_crop(vectors: np.ndarray, protocol: EmbeddingProtocol) -> np.ndarray:
    """Real part of the discrete Fourier transform of ten times the first numbers, in float32, as released."""
    from scipy.fft import fft

    transformed: np.ndarray = fft(_SCALE * vectors.astype(np.float32), protocol.dimensions, axis=1).real
    return transformed[:, 1:] if protocol.constant == "drop" else transformed


def _pca(vectors: np.ndarray, protocol: EmbeddingProtocol) -> np.ndarray:
    """Coordinates along the set's own principal axes; fewer where the set or the width has fewer."""
    centred = vectors - vectors.mean(0)
    left, scale, _ = np.linalg.svd(centred, full_matrices=False)
    return np.asarray((left * scale)[:, : protocol.dimensions])


def _random_projection(vectors: np.ndarray, protocol: EmbeddingProtocol) -> np.ndarray:
    shape = (vectors.shape[1], protocol.dimensions)
    projected: np.ndarray = vectors @ np.random.default_rng(protocol.seed).normal(0, protocol.dimensions**-0.5, shape)
    return projected


_SCALE = np.float32(10)  # `scaler` there; it changes no cosine

_REDUCTIONS: dict[str, Callable[[np.ndarray, EmbeddingProtocol], np.ndarray]] = {
    "fft-magnitude": _fft_magnitude,
    "fft-resample": _fft_resample,
    "fft-crop": _fft_crop,
    "none": lambda vectors, protocol: vectors,
    "pca": _pca,
    "random-projection": _random_projection,
}


@checked
def unit(vectors: Float[np.ndarray, "r d"]) -> Float32[np.ndarray, "r d"]:
    """Each row divided by its length, so that products are cosines.

    Raises: ScoreError for a row that is not finite or has no length.
    """
    wide = vectors.astype(np.float64)
    lengths = np.sqrt((wide**2).sum(1, keepdims=True))
    bad = ~(np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0))
    if bad.any():
        message = f"embedding {int(bad.argmax())} is not finite or all zero: it has no direction"
        raise ScoreError(message)
    return np.asarray(wide / lengths, np.float32)


def batches(lengths: Sequence[int], tokens: int, padding: float = 0.1) -> Iterator[list[int]]:
    """Indices of RNAs to run together: like lengths, at most `tokens` bases padding included, little of it padding.

    An RNA longer than the budget runs alone. Shortest first; the order among equals is that of the input, so the same
    RNAs always meet in the same batches.
    """
    batch: list[int] = []
    for at in sorted(range(len(lengths)), key=lambda index: (lengths[index], index)):
        length = lengths[at]
        too_many = (len(batch) + 1) * length > tokens
        too_uneven = bool(batch) and length > (1 + padding) * lengths[batch[0]] + 1
        if batch and (too_many or too_uneven):
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch
