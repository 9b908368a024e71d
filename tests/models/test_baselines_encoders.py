import numpy as np
import pytest
import RNA
import torch

from rnaexp.errors import InputError, UnavailableError, UnsuitableError
from rnaexp.models import baselines
from rnaexp.models.spec import ModelSpec
from rnaexp.rna import Alignment, Rna

ROWS = (
    "GGGAAACUCGAUUGCAUCCGAAAGAGUUCCC",
    "GGGA-ACUCGAUUGCAUCCGAAAGAGU-CCC",
    "GCGAAACUCG--UGCAUCCGAAAGAGUUCGC",
    "GGCAAACUAGAUUGCAUCCGAAAUAGUUGCC",
    "AGGAAAC-CGAUUGCAUNCGAAAG-GUUCCU",
    "GGGAAACUCGAUU---UCCGAAAGAGUUCCC",
)
ALIGNED = Rna(id="aligned", sequence=ROWS[0], alignment=Alignment(names=tuple("abcdef"), rows=ROWS))
ALONE = Rna(id="alone", sequence=ROWS[0])
EVERY = ("viennarna", "alifold", "covariation", "random")


def load(name, **more):
    spec = ModelSpec(name=name, title=name, group="baseline", loader="rnaexp.models.baselines:load")
    return baselines.load(spec, **more)


@pytest.mark.parametrize("name", EVERY)
def test_scores_are_one_symmetric_head_and_the_same_each_time(name):
    seen = []
    load(name).read_attention([ALIGNED, ALIGNED], lambda index, layer, maps: seen.append((index, layer, maps)))
    assert [entry[:2] for entry in seen] == [(0, 0), (1, 0)]
    scores = load(name).read_head(ALIGNED, 0, 0)
    (listed,) = load(name).attention(ALIGNED)
    assert scores.shape == (31, 31)
    assert scores.dtype == torch.float32
    assert torch.equal(scores, scores.T)
    for other in (seen[0][2], seen[1][2], listed):
        assert torch.equal(other, scores[None])


def test_viennarna_gives_the_librarys_own_numbers():
    scores = load("viennarna").read_head(ALONE).numpy()
    folding = RNA.fold_compound(ALONE.sequence)
    folding.pf()
    for i in range(len(ALONE)):
        for j in range(i + 1, len(ALONE)):
            assert scores[i, j] == pytest.approx(folding.bpp()[i + 1][j + 1], abs=1e-6)


def test_a_stable_hairpin_is_paired_and_n_is_not():
    scores = load("viennarna").read_head(Rna(id="x", sequence="GGGGCAAAAGCCCC"))
    assert scores[0, 13] > 0.9
    unknown = load("viennarna").read_head(Rna(id="x", sequence="NGGGCAAAAGCCCC"))
    assert unknown[0].sum() == 0


def test_alifold_folds_all_rows_and_one_row_as_that_sequence():
    scores = load("alifold").read_head(ALIGNED).numpy()
    folding = RNA.fold_compound(list(ROWS))
    folding.pf()
    upper = np.array(folding.bpp())[1:, 1:]
    np.testing.assert_allclose(scores, upper + upper.T, atol=1e-6)
    single = Rna(id="x", sequence=ROWS[0], alignment=Alignment(names=("a",), rows=ROWS[:1]))
    torch.testing.assert_close(load("alifold").read_head(single), load("viennarna").read_head(single))


@pytest.mark.parametrize("name", ["alifold", "covariation"])
def test_what_needs_an_alignment_refuses_an_rna_without_one(name):
    with pytest.raises(UnsuitableError, match="alone: has no alignment"):
        load(name).check(ALONE)
    with pytest.raises(UnsuitableError, match="alone: has no alignment"):
        load(name).read_head(ALONE)
    load(name).check(ALIGNED)


@pytest.mark.parametrize("name", EVERY)
def test_a_baseline_invents_neither_embedding_nor_probabilities(name):
    with pytest.raises(UnavailableError, match="no embedding"):
        load(name).embed([ALIGNED])
    with pytest.raises(UnavailableError, match="no letter probabilities"):
        load(name).log_probabilities(ALIGNED, [0])
    with pytest.raises(ValueError, match=r"only \(0, 0\)"):
        load(name).read_head(ALIGNED, 0, 1)


def test_random_scores_are_uniform_and_follow_sequence_and_seed_alone():
    rna = Rna(id="x", sequence="ACGU" * 40)
    scores = load("random").read_head(rna)
    upper = scores[np.triu_indices(len(rna), 1)]
    assert upper.mean().item() == pytest.approx(0.5, abs=0.01)
    assert upper.std().item() == pytest.approx(12**-0.5, abs=0.01)
    assert torch.equal(load("random").read_head(Rna(id="another name", sequence=rna.sequence)), scores)
    assert not torch.equal(load("random", seed=1).read_head(rna), scores)


def test_a_fingerprint_changes_with_version_library_and_settings(monkeypatch):
    prints = {load(name).fingerprint for name in EVERY} | {load("random", seed=1).fingerprint}
    assert len(prints) == 5
    assert load("viennarna", seed=1).fingerprint == load("viennarna").fingerprint
    from dataclasses import replace

    for change in ({"version": 2}, {"library": "ViennaRNA 1"}):
        method = replace(baselines.METHODS["viennarna"], **change)
        monkeypatch.setitem(baselines.METHODS, "viennarna", method)
        assert load("viennarna").fingerprint not in prints


def test_settings_and_weights_that_do_not_exist_are_refused(tmp_path):
    with pytest.raises(InputError, match="rows=3"):
        load("alifold", config={"rows": 3})
    with pytest.raises(InputError, match="no weights"):
        load("random", weights=tmp_path)
    with pytest.raises(InputError, match="no baseline"):
        load("rnafold")
