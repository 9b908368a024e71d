"""Models that are built only when something must be read: the same answers, and never those of other weights."""

import json
import shutil
import subprocess
import sys

import pytest

from rnaexp import models
from rnaexp.errors import TooLongError
from rnaexp.models.loading import ReadyToLoad
from rnaexp.models.nano_catalog import SHIPPED
from rnaexp.models.options import precision_of
from rnaexp.models.spec import LetterModel
from rnaexp.reading import unbuilt
from rnaexp.reading.read import read_set
from rnaexp.reading.store import Store
from rnaexp.reading.unbuilt import UnbuiltModel, built, load_to_read, parameter_count
from rnaexp.rna import Rna
from rnaexp.structure.protocol import ATTENTION, Scoring
from rnaexp.structure.reading import Reading
from rnaexp.structure.windows import windows_of
from tests.command import environment, inside
from tests.planted_sets import write_set

RNAS = [Rna(id=str(at), sequence="GGGGAAAACCCC" * (at + 2), pairs=((0, 11),)) for at in range(3)]
LONG = Rna(id="long", sequence="ACGU" * 300, pairs=((0, 11),))
READING = Reading(read_out=ATTENTION, scoring=Scoring())


@pytest.fixture
def loads(monkeypatch):
    """How often a model is built."""
    made, real = [], ReadyToLoad.load

    def load(self):
        made.append(self.entry.name)
        return real(self)

    monkeypatch.setattr(ReadyToLoad, "load", load)
    return made


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(SHIPPED / "lm-nano", tmp_path / "mine")


def test_what_is_known_of_an_unbuilt_model_is_what_the_model_says(tmp_path, loads):
    store = Store(tmp_path)
    real, late = (load_to_read(store, name="untrained:lm-nano") for _ in range(2))
    assert not isinstance(real, UnbuiltModel)
    assert isinstance(late, UnbuiltModel)
    for name in ("spec", "layers", "heads", "fingerprint", "longest"):
        assert getattr(late, name) == getattr(real, name)
    assert precision_of(late) == precision_of(real) == "fp32"
    assert parameter_count(late) == parameter_count(real) == sum(p.numel() for p in real.parameters())
    assert windows_of(late, LONG, "window") == windows_of(real, LONG, "window")
    for name in ("token_pairs", "word", "device"):
        assert getattr(late, name, None) == getattr(real, name, None)
    assert loads == ["untrained:lm-nano"]
    assert isinstance(late, LetterModel)
    assert (late.embed(RNAS)[0] == real.embed(RNAS)[0]).all()
    assert len(loads) == 2
    assert built(late) is built(late) is not real


def test_only_what_the_store_does_not_have_builds_the_model(tmp_path, loads):
    store, asked = Store(tmp_path), {"name": "lm-nano"}
    first = read_set(load_to_read(store, **asked), [*RNAS[:2], LONG], READING, store, data=("s", "h"))
    again = read_set(load_to_read(store, **asked), [*RNAS[:2], LONG], READING, store, data=("s", "h"))
    assert len(loads) == 2, "one for the refusal of the long RNA, which is remembered"
    late = load_to_read(store, **asked)
    third = read_set(late, [*RNAS[:2], LONG], READING, store, data=("s", "h"))
    assert len(loads) == 2
    for scores, skipped in (again, third):
        assert [rna.content for rna in scores.rnas] == [rna.content for rna in first[0].rnas]
        assert skipped == first[1]
    assert [one.id for one in skipped] == ["long"]
    with pytest.raises(TooLongError, match="long: 1200 bases; lm-nano reads at most 1023"):
        late.check(LONG)
    read_set(late, RNAS, READING, store, data=("s", "h"))
    assert len(loads) == 3


def test_other_weights_sizes_seeds_or_numbers_are_other_models(tmp_path, folder, loads, monkeypatch):
    store = Store(tmp_path / "store")
    asked = {"name": str(folder)}
    first = load_to_read(store, **asked)
    assert load_to_read(store, **asked).fingerprint == first.fingerprint
    assert load_to_read(store, **asked, precision="bf16").fingerprint != first.fingerprint
    sizes = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**sizes, "layer_norm_eps": 1e-6}))
    assert load_to_read(store, **asked).fingerprint != first.fingerprint
    (folder / "config.json").write_text(json.dumps(sizes))
    shutil.copy(SHIPPED / "msm-nano" / "model.safetensors", folder)
    other = load_to_read(store, **asked)
    assert other.fingerprint == models.load(**asked).fingerprint != first.fingerprint
    built_so_far = len(loads)
    seeds = [load_to_read(store, name="untrained:lm-nano", seed=seed).fingerprint for seed in (0, 1, 0)]
    assert seeds[0] == seeds[2] != seeds[1]
    assert len(loads) == built_so_far + 2
    monkeypatch.setattr("rnaexp.reading.derived._code", lambda: ["changed"])
    assert not isinstance(load_to_read(store, **asked), UnbuiltModel)


def test_one_file_of_weights_is_known_with_what_stands_beside_it(tmp_path, folder):
    store, asked = Store(tmp_path / "store"), {"name": "lm-nano", "weights": folder / "model.safetensors"}
    first = load_to_read(store, **asked)
    assert isinstance(load_to_read(store, **asked), UnbuiltModel)
    sizes = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**sizes, "layer_norm_eps": 1e-6}))
    assert load_to_read(store, **asked).fingerprint != first.fingerprint


def test_of_a_folder_of_many_files_nothing_is_remembered(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(unbuilt, "_MOST_FILES", 3)
    asked = {"name": str(folder)}
    found = [load_to_read(Store(tmp_path / "store"), **asked) for _ in range(2)]
    assert not any(isinstance(each, UnbuiltModel) for each in found)


def test_a_second_run_imports_only_what_it_uses(tmp_path):
    sets = {name: write_set(tmp_path / f"{name}.fa", seed, 6, name) for seed, name in enumerate(("validation", "test"))}
    words = ["run", "--model", "untrained:lm-nano", "--families", "none"]
    words += [word for name, path in sets.items() for word in (f"--{name}", str(path))]
    assert inside(*words, "--json", cwd=tmp_path).returncode == 0
    never = ["transformers", "lightning", "sklearn", "matplotlib", "plotly", "openTSNE", "optuna", "scipy.stats"]
    code = f"import sys\nfrom rnaexp.__main__ import _run\nprint(_run({words}), {{*{never}}} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 set()", done.stderr
