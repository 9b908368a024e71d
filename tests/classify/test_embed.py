import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import resample
from sklearn.decomposition import PCA

from rnaexp.classify.embed import batches, pool, reduce, unit
from rnaexp.classify.protocol import EmbeddingProtocol
from rnaexp.errors import ScoreError


def plain_magnitudes(vector, wanted, points):
    return [
        abs(sum(value * np.exp(-2j * np.pi * k * at / points) for at, value in enumerate(vector)))
        for k in range(wanted)
    ]


@pytest.mark.parametrize(("width", "points"), [(40, 254), (254, 254), (640, 640)])
def test_fourier_magnitudes_are_the_sums_of_their_definition(width, points):
    vectors = np.random.default_rng(0).normal(size=(2, width))
    found = reduce(vectors, EmbeddingProtocol())
    assert found.shape == (2, 128), "also where the width alone would give fewer bins"
    assert found[1] == pytest.approx(plain_magnitudes(vectors[1], 128, points))


def test_the_zero_frequency_can_be_left_out():
    vectors = np.random.default_rng(0).normal(size=(3, 300))
    with_it = reduce(vectors, EmbeddingProtocol(dimensions=129))
    without = reduce(vectors, EmbeddingProtocol(constant="drop"))
    assert without == pytest.approx(with_it[:, 1:])
    assert with_it[:, 0] == pytest.approx(abs(vectors.sum(1)))
    flat = reduce(vectors + 5, EmbeddingProtocol(reduction="fft-resample", constant="drop"))
    assert flat == pytest.approx(reduce(vectors, EmbeddingProtocol(reduction="fft-resample", constant="drop")))


def test_other_reductions_agree_with_scipy_and_scikit_learn():
    vectors = np.random.default_rng(1).normal(size=(60, 200)) * np.linspace(1, 3, 200)
    assert reduce(vectors, EmbeddingProtocol(reduction="fft-resample")) == pytest.approx(resample(vectors, 128, axis=1))
    found = reduce(vectors, EmbeddingProtocol(reduction="pca", dimensions=8))
    assert abs(found) == pytest.approx(abs(PCA(8).fit_transform(vectors)), abs=1e-8)
    assert (reduce(vectors, EmbeddingProtocol(reduction="none")) == vectors).all()
    projected = reduce(vectors, EmbeddingProtocol(reduction="random-projection", dimensions=150))
    assert np.corrcoef((projected**2).sum(1), (vectors**2).sum(1))[0, 1] > 0.5


def test_permuted_axes_matter_to_a_fourier_transform_and_to_nothing_else():
    vectors = np.random.default_rng(2).normal(size=(4, 160)).cumsum(1)
    for reduction, same in (("none", True), ("fft-magnitude", False)):
        cosines = []
        for axes in ("natural", "permuted"):
            rows = unit(reduce(vectors, EmbeddingProtocol(reduction=reduction, axes=axes)))
            cosines.append(rows @ rows.T)
        assert np.allclose(*cosines, atol=1e-5) == same


def test_centring_takes_the_sets_mean_out():
    vectors = np.random.default_rng(3).normal(size=(50, 12)) + 10
    assert reduce(vectors, EmbeddingProtocol(reduction="none", centring="mean")).mean(0) == pytest.approx(0)


def test_pooling_is_over_the_bases():
    bases = np.array([[1.0, 5.0], [3.0, -1.0]])
    assert pool(bases).tolist() == [2.0, 2.0]
    assert pool(bases, "max").tolist() == [3.0, 5.0]


def test_unit_vectors_have_length_one_and_nothing_broken_passes():
    rows = unit(np.random.default_rng(4).normal(size=(5, 7)) * 1e-20)
    assert (rows**2).sum(1) == pytest.approx(1)
    with pytest.raises(ScoreError, match="embedding 1 is not finite or all zero"):
        unit(np.array([[1.0, 0.0], [0.0, 0.0]]))
    with pytest.raises(ScoreError, match="embedding 0"):
        unit(np.array([[np.nan, 0.0]]))


@given(st.lists(st.integers(1, 500), max_size=80), st.integers(1, 4000))
def test_batches_hold_every_rna_once_within_the_budget(lengths, tokens):
    made = list(batches(lengths, tokens))
    assert sorted(at for batch in made for at in batch) == list(range(len(lengths)))
    for batch in made:
        longest = max(lengths[at] for at in batch)
        assert len(batch) == 1 or len(batch) * longest <= tokens
        assert longest <= 1.1 * min(lengths[at] for at in batch) + 1


@pytest.mark.parametrize(
    ("field", "value"), [("pooling", "mode"), ("reduction", "dct"), ("bins", 1), ("identity", 0), ("axes", "")]
)
def test_a_choice_that_does_not_exist_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=field):
        EmbeddingProtocol(**{field: value})
