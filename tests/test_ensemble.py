"""Several heads as one: against a plain mean over what each member says, and an F1 that is counted here."""

import json
from dataclasses import replace

import numpy as np
import pytest

import rnaexp
from rnaexp.data.sets import load_set
from rnaexp.errors import InputError, TooLongError
from rnaexp.models import load
from rnaexp.models.folding import fold_probabilities
from rnaexp.reading.loading import Loading
from rnaexp.rna import Rna
from rnaexp.structure.predict import predict_one, record_of
from rnaexp.structure.protocol import CANONICAL
from rnaexp.structure.reading import sequence_sha256
from rnaexp.structure.shipped_heads import shipped_head
from rnaexp.tasks.pairs.ensemble import Ensemble, Member, ensemble
from rnaexp.tasks.pairs.settings import HeadSettings
from rnaexp.tasks.pairs.tuned import named

from .command import inside
from .structure.test_predict import SEQUENCE, VIEW, plain_scores, tuned

RNA = Rna(id="a", sequence=SEQUENCE)


@pytest.fixture(scope="module")
def folding():
    return Member(tuned=named("viennarna", HeadSettings(), Loading(device="cpu"))()[0], encoder=load("viennarna"))


@pytest.fixture(scope="module")
def language():
    return Member(tuned=tuned(view=VIEW), encoder=load("lm-nano", device="cpu"))


def loop_mean(language):
    """Probability of each pair that a structure may hold: the mean of the calibrated scores' and of ViennaRNA's."""
    n, scores = len(SEQUENCE), plain_scores(language.encoder, RNA, language.tuned)
    every = [(i, j) for i in range(n) for j in range(i + 4, n) if SEQUENCE[i] + SEQUENCE[j] in CANONICAL]
    chance = dict(zip(every, VIEW.calibration(np.array([scores[pair] for pair in every]), n), strict=True))
    sums = [sum(one for pair, one in chance.items() if base in pair) for base in range(n)]
    folded = fold_probabilities(RNA)
    return {(i, j): (chance[i, j] / max(1, sums[i], sums[j]) + folded[i, j]) / 2 for i, j in every}


def test_an_ensembles_map_is_the_mean_of_calibrated_probabilities(language, folding):
    whole = Ensemble([language, folding])
    found = whole.read_head(RNA, 0, 0).numpy()
    wanted = np.zeros_like(found)
    for (i, j), chance in loop_mean(language).items():
        wanted[i, j] = wanted[j, i] = chance
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert wanted.max() > 0.3
    assert whole.spec.name == "mean(lm-nano:1.1,viennarna:0.0)"


def test_an_rna_that_one_member_cannot_read_is_refused_by_its_name(language, folding):
    whole = Ensemble([folding, language])
    whole.check(RNA)
    long = Rna(id="long", sequence="A" * (language.encoder.spec.max_bases + 1))
    folding.encoder.check(long)
    with pytest.raises(TooLongError, match="lm-nano"):
        whole.check(long)
    assert whole.longest == language.encoder.longest


def test_a_head_without_probabilities_takes_no_part(language):
    with pytest.raises(InputError, match=r"lm-nano: this head was tuned before probabilities were calibrated.*again"):
        Member(tuned=tuned(), encoder=language.encoder)
    with pytest.raises(InputError, match="two models or more"):
        ensemble([lambda: None])


def test_confidences_are_those_of_the_mean_on_the_rnas_that_all_members_were_tuned_on(tmp_path):
    head = shipped_head("lm-nano").tuned
    some = head.sequences[:-4]  # as of a head that was tuned without relatives of its test set
    fewer = [sequence_sha256(rna) for rna in load_set("builtin-vl").rnas if sequence_sha256(rna) in some]
    loads = [
        lambda: (replace(head, sequences=tuple(fewer)), load("lm-nano", device="cpu")),
        named("viennarna", HeadSettings(), Loading(device="cpu")),
    ]
    found, encoder = ensemble(loads)()
    assert (found.tuned_on, set(found.sequences)) == ("builtin-vl", set(fewer))
    f1, rnas = [], [rna for rna in load_set("builtin-vl").rnas if sequence_sha256(rna) in fewer]
    for rna in rnas:
        shown = predict_one(encoder, Rna(id=rna.id, sequence=rna.sequence), found).shown
        f1.append(2 * len(set(shown) & set(rna.pairs)) / (len(shown) + len(rna.pairs)))
    told = record_of(predict_one(encoder, rnas[0], found), found)
    assert told["validation_f1"] == pytest.approx(np.mean(f1), abs=1e-5)
    assert told["control"] in ("stems", "kernel")
    assert told["control_f1"] < told["validation_f1"]


def test_heads_of_different_sets_are_averaged_and_nothing_is_claimed(language, folding, capsys):
    other = Member(tuned=tuned(view=VIEW, tuned_on="another-set", layer=0), encoder=language.encoder)
    found, encoder = ensemble([lambda m=m: (m.tuned, m.encoder) for m in (language, other)])()
    assert "they were tuned on different sets" in capsys.readouterr().err
    told = record_of(predict_one(encoder, RNA, found), found)
    assert (told["validation_f1"], told["control_f1"], told["validation"]) == (None, None, "")
    assert told["decoder"] == "mea gamma=4"


@pytest.mark.slow
def test_one_structure_names_all_heads_on_the_command_line_and_in_python(tmp_path):
    (tmp_path / "my.fa").write_text(f">a\n{SEQUENCE}\n")
    models = ["--model", "lm-nano", "--model", "viennarna"]
    done = inside("predict", *models, "--ensemble", "my.fa", "--format", "json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "predictions"
    assert (out / "structures.dbn").read_text().startswith(">a mean(lm-nano:1.1,viennarna:0.0) layer=0 head=0 ")
    heads = json.loads((out / "ensemble.json").read_text())
    assert [(head["model"], head["layer"], head["head"]) for head in heads] == [("lm-nano", 1, 1), ("viennarna", 0, 0)]
    (told,) = json.loads((out / "predictions.json").read_text())
    (answer,) = rnaexp.predict(["lm-nano", "viennarna"], [RNA], device="cpu").to_dict("records")
    assert {name: answer[name] for name in told} == told
    assert done.stderr.count("kernel, the best control") == 1
    assert inside("predict", "--model", "lm-nano", "--ensemble", "my.fa", cwd=tmp_path).returncode == 2
