"""`jacobian:MODEL` against a plain loop, and as a row of any run."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from rnaexp.errors import InputError, UnavailableError
from rnaexp.models import load, spec
from rnaexp.models.jacobian import change_of_letters, scores_of
from rnaexp.rna import Alignment, Rna

RNA = Rna(id="x", sequence="GGCAUNAGCC")


def by_loops(model, rna):
    """The definition, number by number."""
    n = len(rna)
    own = model.predict_letters([rna], [[]])[0].double().numpy()
    change = np.zeros((n, 4, n, 4))
    for i in range(n):
        for a, letter in enumerate("ACGU"):
            if rna.sequence[i] == letter:
                continue
            sequence = rna.sequence[:i] + letter + rna.sequence[i + 1 :]
            alignment = rna.alignment
            if alignment is not None:
                alignment = Alignment(names=alignment.names, rows=(sequence, *alignment.rows[1:]))
            table = model.predict_letters([Rna(id="y", sequence=sequence, alignment=alignment)], [[]])[0]
            change[i, a] = table.double().numpy() - own
    for axis in range(4):
        change -= change.mean(axis=axis, keepdims=True)
    norms = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if i != j:
                cells = [(change[i, a, j, b] + change[j, b, i, a]) / 2 for a in range(4) for b in range(4)]
                norms[i, j] = math.sqrt(sum(cell * cell for cell in cells))
    found = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if i != j:
                found[i, j] = norms[i, j] - norms[i].sum() * norms[:, j].sum() / norms.sum()
    return found


@pytest.mark.parametrize("name", ["lm-nano", "untrained:msm-nano", "untrained:hyenadna-tiny", "untrained:rnabert"])
def test_it_is_what_plain_loops_give(name):
    if name not in ("lm-nano", "untrained:msm-nano") and name.removeprefix("untrained:") not in known():
        pytest.fail(f"{name} is gone from the catalogue")
    rna = replace(RNA, sequence="GGCAUCAGCC")
    if "msm" in name:
        rows = (rna.sequence, "GGCAUCAGCU", "GAC-UCAGUC")
        rna = replace(rna, alignment=Alignment(names=("x", "a", "b"), rows=rows))
    model = load(f"jacobian:{name}", device="cpu")
    found = model.read_head(rna, 0, 0)
    assert np.allclose(found, by_loops(model.base, rna), atol=2e-5)
    assert found.abs().max() > 1e-6
    assert torch.equal(next(model.attention(rna))[0], found)
    given = []
    model.read_attention([rna], lambda index, layer, maps: given.append((index, layer, maps)))
    assert (given[0][:2], torch.equal(given[0][2][0], found)) == ((0, 0), True)


def known():
    from rnaexp.models import names

    return names()


class Coupled:
    """Base 1 and base 4 speak of each other; every letter is otherwise as likely as any."""

    def predict_letters(self, rnas, masked):
        tables = []
        for rna in rnas:
            table = torch.zeros(len(rna), 4)
            for i, j in ((1, 4), (4, 1)):
                table[j, ("ACGU".index(rna.sequence[i]) + 2) % 4] = 3.0
            tables.append(torch.log_softmax(table, -1))
        return tables


def test_a_pair_that_speaks_of_each_other_stands_out_and_only_that():
    scores = scores_of(change_of_letters(Coupled(), Rna(id="x", sequence="ACGUAC")))
    assert torch.equal(scores, scores.T)
    assert divmod(int(scores.argmax()), 6) == (1, 4)
    assert scores[1, 4] > 10 * torch.cat([scores[0], scores[2], scores[3], scores[5]]).max()
    assert not scores.diagonal().any()


def test_where_no_letter_says_anything_every_score_is_zero():
    assert not scores_of(torch.zeros(5, 4, 5, 4)).any()


def test_what_has_no_letters_is_refused_by_name(headless_folder):
    with pytest.raises(InputError, match="stems predicts no letters"):
        spec("jacobian:stems")
    with pytest.raises(InputError, match="in one of these ways, not in two"):
        spec("jacobian:dependency:lm-nano")
    with pytest.raises(UnavailableError, match="no masked-LM head"):
        load(f"jacobian:{headless_folder}", device="cpu").read_head(Rna(id="x", sequence="GGCAU"), 0, 0)


def test_it_has_a_fingerprint_of_its_own_and_is_a_row_of_pair_scores():
    model = load("jacobian:lm-nano", device="cpu")
    assert model.fingerprint != load("lm-nano", device="cpu").fingerprint
    assert (model.spec.output, model.layers, model.heads, model.spec.name) == ("pair-scores", 1, 1, "jacobian:lm-nano")
