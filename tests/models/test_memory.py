from dataclasses import replace
from types import SimpleNamespace

import psutil
import pytest

from rnaexp.errors import UnavailableError
from rnaexp.models import load, spec
from rnaexp.models.memory import map_bytes, peak_bytes, weight_bytes
from rnaexp.reading.unbuilt import parameter_count


@pytest.mark.parametrize("name", ["rinalmo-micro", "splicebert"])
def test_the_estimate_is_near_what_the_model_really_has(name):
    encoder = load(f"untrained:{name}", device="cpu")
    assert weight_bytes(spec(name)) == pytest.approx(4 * parameter_count(encoder), rel=0.05)


@pytest.mark.parametrize("name", ["rna-fm", "resm-650m", "rinalmo-giga", "ernie-rna"])
def test_the_estimate_from_sizes_is_near_what_the_authors_state(name):
    stated = float(spec(name).parameters.strip("~M")) * 1e6
    assert weight_bytes(spec(name)) == pytest.approx(4 * stated)
    assert weight_bytes(replace(spec(name), parameters=None)) == pytest.approx(4 * stated, rel=0.06)


def test_what_the_authors_count_is_known_where_sizes_are_not():
    assert weight_bytes(spec("nt-v2-500m")) == 4 * 500_000_000
    assert weight_bytes(spec("evo-1-8k")) == 4 * 7_000_000_000


def test_what_is_unknown_is_not_estimated():
    assert weight_bytes(spec("birna-bert")) is None
    assert weight_bytes(spec("viennarna")) is None


def test_peak_grows_by_one_layer_of_maps_and_not_by_all():
    encoder = load("untrained:rnabert", device="cpu")
    grown = peak_bytes(encoder, 400) - peak_bytes(encoder, 200)
    assert 2 * (map_bytes(12, 400) - map_bytes(12, 200)) <= grown < 3 * map_bytes(12, 400)


@pytest.mark.fault
def test_a_model_that_cannot_fit_is_refused_before_anything_is_fetched(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2**30))
    with pytest.raises(
        UnavailableError, match=r"esm2-15b: needs about 1\d\d\.\d GB of memory to load, 1\.1 GB are free"
    ):
        load("esm2-15b", device="cpu")


def test_whoever_knows_better_may_try(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2**30))
    monkeypatch.setenv("RNAEXP_IGNORE_MEMORY", "1")
    monkeypatch.setenv("RNAEXP_MIRROR", "/nowhere")
    with pytest.raises(UnavailableError, match="not in the mirror"):
        load("esm2-15b", device="cpu")
