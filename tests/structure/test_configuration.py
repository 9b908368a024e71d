"""What is registered says all that loading needs, and refuses other weights."""

import json
from dataclasses import replace

import pytest

from rnaexp.errors import InputError
from rnaexp.models import load, spec
from rnaexp.structure.configuration import Configuration, configuration
from rnaexp.structure.protocol import ATTENTION, PAIR_SCORES, Scoring

from .test_predict import tuned


@pytest.fixture(scope="module")
def encoder():
    return load("lm-nano", device="cpu")


@pytest.fixture
def whole(encoder):
    return configuration(
        spec("lm-nano"), tuned(weights=encoder.fingerprint), {"name": "lm-nano", "seed": 3}, alignment="intact"
    )


def test_it_is_the_same_after_a_journey_as_json(whole):
    again = Configuration.from_json(json.loads(json.dumps(whole.to_json())))
    assert again == whole
    assert again.sha256() == whole.sha256()
    assert replace(whole, packaged="p").sha256() != whole.sha256()
    assert (whole.seed, whole.source_sha256, whole.licence) == (3, spec("lm-nano").sha256, "Apache-2.0")


def test_it_loads_the_weights_it_was_tuned_on_and_no_others(whole, encoder):
    assert whole.load(device="cpu").fingerprint == encoder.fingerprint
    other = replace(whole, tuned=replace(whole.tuned, weights="other"))
    with pytest.raises(InputError, match="tuned on other weights of lm-nano"):
        other.load(device="cpu")


def test_weights_that_a_user_gave_must_be_given_again(whole):
    with pytest.raises(InputError, match="give them with --weights"):
        replace(whole, own_weights=True).load()
    assert configuration(
        spec("lm-nano"), whole.tuned, {"name": "lm-nano", "weights": "file"}, alignment="intact"
    ).own_weights


def test_a_folder_is_named_so_that_it_is_found_from_anywhere(whole, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    made = configuration(spec("mine"), whole.tuned, {"name": "mine"}, alignment="intact")
    assert made.model == str(tmp_path / "mine")


@pytest.mark.parametrize(
    ("fields", "follows"),
    [
        ({}, True),
        ({"scoring": Scoring(min_separation=4)}, False),
        ({"read_out": replace(ATTENTION, score_scale="z-score")}, False),
        ({"read_out": PAIR_SCORES}, True),  # a baseline's scores are taken as they are
    ],
)
def test_the_papers_protocol_is_known_by_its_fields(whole, fields, follows):
    assert replace(whole, tuned=replace(whole.tuned, **fields)).follows_the_paper == follows


@pytest.mark.fault
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 2}, "schema 2"),
        ({"licence": ...}, "not a configuration"),
        ({"more": 1}, "not a configuration: more: no such field"),
        ({"tuned": {}}, "not a configuration: tuned.model is missing"),
        ({"tuned": 5}, "not a configuration"),
    ],
)
def test_what_another_version_wrote_is_refused(whole, change, said):
    values = {name: value for name, value in (whole.to_json() | change).items() if value is not ...}
    with pytest.raises(InputError, match=said):
        Configuration.from_json(values)
