"""A run's data sets can be had again by MLflow's own call."""

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import mlflow.data
import pytest
from mlflow.data.dataset_source_registry import get_registered_sources, register_dataset_source

from rnaexp.data.families import Selection, load_families
from rnaexp.data.sets import load_set
from rnaexp.errors import InputError
from rnaexp.track import tracked_run


@pytest.fixture
def registered():
    """As MLflow does for an installed package with this entry point."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    ((name, value),) = project["entry-points"]["mlflow.dataset_source"].items()
    source = EntryPoint(name=name, value=value, group="mlflow.dataset_source").load()
    if source not in get_registered_sources():
        register_dataset_source(source)


def test_a_set_that_a_run_read_is_loaded_again_and_another_one_is_refused(place, mlflow_of, registered):
    known, families = load_set("builtin-ts"), load_families("builtin", Selection())
    with tracked_run("m") as run, run.child("test", kind="test") as test:
        test.data_set(known.name, known.sha256, known.name, "test", len(known.rnas))
        test.data_set("builtin", families.sha256, "builtin", "classification", len(families.rnas))
        test.data_set("builtin-vl", "0" * 64, "builtin-vl", "validation", 24)
    inputs = mlflow_of(place).get_run(run.run_id).inputs.dataset_inputs
    by_name = {one.dataset.name: mlflow.data.get_source(one) for one in inputs}
    assert by_name["builtin-ts"].load() == known
    assert by_name["builtin"].load() == families
    with pytest.raises(InputError, match=r"builtin-vl: nothing here .* sha256 00000000 that the run read"):
        by_name["builtin-vl"].load()
