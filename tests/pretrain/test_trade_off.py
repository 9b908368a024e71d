"""The trainings of the trade-off: what each differs in, and that none is made twice."""

import csv
import importlib.util
import inspect
import tomllib
from pathlib import Path

import pytest

from rnaexp.data.rfam import read_seed
from rnaexp.experiment import pretrain_verb
from rnaexp.experiment.question_file import read_words
from rnaexp.models.rnamsm import LETTERS
from rnaexp.pretrain.checkpoint import CARD, labels_seen
from rnaexp.pretrain.contrast import ViewSampler
from rnaexp.pretrain.crops import PADDING, CropSampler
from rnaexp.pretrain.families import excluded_clans, training_families
from rnaexp.pretrain.fit import LOG, STATE, new_network
from rnaexp.pretrain.recipe import recipe_of
from tests.pretrain.seeds import seed_file

FOLDER = Path(__file__).parents[2] / "experiments" / "pretrain"


@pytest.fixture(scope="module")
def trade_off():
    spec = importlib.util.spec_from_file_location("trade_off", FOLDER / "trade_off.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_grid_is_every_structure_objective_by_every_weight_of_contrast_in_one_network(trade_off):
    found = [name.split("-") for name in trade_off.trainings()]
    grid = ["-".join(words) for words in found if len(words) == 2 and words[0] in trade_off.STRUCTURES]
    places = set()
    for name in grid:
        recipe = recipe_of(trade_off.derived(name))
        columns = recipe.objective.whole_share(0) > 0
        places.add((columns, recipe.distillation.weight > 0, recipe.contrast.weight))
        assert recipe.network == recipe_of(tomllib.loads((FOLDER / "nano.toml").read_text())).network
        assert (recipe.steps, recipe.seed, recipe.excluded) == (600, 0, "excluded_rfam.tsv")
    structures = ((False, False), (True, False), (True, True))
    assert places == {(*kind, weight) for kind in structures for weight in (0.0, 0.1, 0.3, 1.0)}


def test_every_other_training_differs_from_its_place_of_the_grid_in_one_thing(trade_off):
    for name in trade_off.trainings():
        ours, place = trade_off.derived(name), name.partition("-")[0]
        near = "-".join(name.split("-")[:2]) if place in trade_off.STRUCTURES else "columns-0.3"
        base = trade_off.derived(near)
        differ = {key for key in ours if ours[key] != base[key]} - {"title"}
        expected = {"data": set(), "size": {"network"}, "balance": {"crops", "contrast"}}.get(place, {"seed"})
        expected = {"steps"} if name.endswith("longer") else expected
        expected = {"crops"} if name.endswith("fewer") else set() if name == near else expected
        expected = {"contrast"} if name.endswith("crops") else expected
        assert differ == expected, name


def test_contrast_of_crops_sees_no_labels(trade_off):
    names = [name for name in trade_off.trainings() if name.endswith("-crops")]
    assert len(names) == 3
    for name in names:
        assert labels_seen(recipe_of(trade_off.derived(name))) == "none"
        assert labels_seen(recipe_of(trade_off.derived(name.removesuffix("-crops")))).startswith("families")


def test_every_comparison_is_of_trainings_that_exist_and_its_question_can_be_read(trade_off, tmp_path):
    for pairs in trade_off.CONTRASTS.values():
        names = sorted({name for pair in pairs for name in pair})
        assert set(names) <= set(trade_off.trainings())
        (tmp_path / "asked.toml").write_text(trade_off.question(tmp_path, names, pairs))
        words = read_words(tmp_path / "asked.toml")
        assert [(Path(one.model).name, Path(one.against).name) for one in words.contrasts] == pairs
        assert {one.model for one in words.contrasts} | {one.against for one in words.contrasts} == set(words.models)


def test_the_probe_is_of_the_finished_corners_and_of_nothing_else(trade_off, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(trade_off, "answer", lambda text, table: asked.append(text))
    for name in ("letters-0", "letters-1", "columns-1", "distillation-1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / CARD).write_text("done")
    trade_off.probe(tmp_path, list(trade_off.trainings()))
    (tmp_path / "asked.toml").write_text(asked[0])
    words = read_words(tmp_path / "asked.toml")
    at = {name: f"fitted:{tmp_path / name}" for name in ("distillation-1", "letters-0", "letters-1")}
    assert words.models == list(at.values())
    assert [(one.model, one.against) for one in words.contrasts] == [(at["letters-1"], at["letters-0"])]


def test_what_is_trained_is_what_the_verb_takes(trade_off, tmp_path, monkeypatch):
    monkeypatch.setenv("RNAEXP_RFAM_SEED", str(seed_file(tmp_path / "seed.sto")))
    bound = inspect.signature(pretrain_verb.pretrain).bind
    monkeypatch.setattr(pretrain_verb, "pretrain", lambda *given, **named: taken.append(bound(*given, **named)))
    taken = []
    trade_off.train(tmp_path, ["letters-0"])
    assert taken[0].arguments["limits"].device == "cpu"


def test_a_recipe_written_as_toml_is_read_back_as_it_was(trade_off):
    for name in trade_off.trainings():
        held = trade_off.derived(name)
        assert tomllib.loads(trade_off.toml_text(held)) == held


def test_sizes_are_what_their_names_say(trade_off):
    for name in ("size-0.02", "size-0.06", "size-0.6"):
        count = sum(p.numel() for p in new_network(recipe_of(trade_off.derived(name))).parameters())
        assert count == pytest.approx(1e6 * float(name.removeprefix("size-")), rel=0.15)


def test_a_smaller_corpus_is_part_of_each_larger_one_and_of_the_size_that_it_says(trade_off):
    clans = [f"CL{n:05d}" for n in range(4000)]
    kept = {one_in: set(clans) - set(trade_off.left_out(clans, one_in)) for one_in in (1, 4, 16)}
    assert kept[16] < kept[4] < kept[1] == set(clans)
    for one_in in (4, 16):
        assert len(kept[one_in]) == pytest.approx(4000 / one_in, abs=4 * (4000 / one_in) ** 0.5)  # four deviations


def test_a_smaller_corpus_lacks_whole_clans_and_what_was_never_trained_on(trade_off, tmp_path, monkeypatch):
    seeds = seed_file(tmp_path / "seed.sto", families=40)
    monkeypatch.setenv("RNAEXP_RFAM_SEED", str(seeds))
    path = trade_off.write_recipe("data-1-in-4", tmp_path / "out")
    excluded = excluded_clans(path.parent / "excluded_rfam.tsv")
    assert excluded.keys() >= excluded_clans(FOLDER / "excluded_rfam.tsv").keys()
    everything = {family.clan for family in training_families(read_seed(seeds), ())}
    ours = {family.clan for family in training_families(read_seed(seeds), excluded)}
    assert ours == everything - set(excluded)
    assert 0 < len(ours) < len(everything) / 2
    with (path.parent / "excluded_rfam.tsv").open() as file:
        rows = list(csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t"))
    assert {row["side"] for row in rows} <= {"train", "validation", "test", "-"}


def test_a_finished_training_is_not_made_again(trade_off, tmp_path, monkeypatch):
    made = []
    monkeypatch.setenv("RNAEXP_RFAM_SEED", str(seed_file(tmp_path / "seed.sto")))
    monkeypatch.setattr(pretrain_verb, "pretrain", lambda path, out, **_: made.append(out.name))
    (tmp_path / "letters-0").mkdir()
    (tmp_path / "letters-0" / CARD).write_text("done")
    trade_off.train(tmp_path, ["letters-0", "columns-1"])
    assert made == ["columns-1"]


def test_a_training_that_continues_another_begins_with_its_state(trade_off, tmp_path, monkeypatch):
    monkeypatch.setenv("RNAEXP_RFAM_SEED", str(seed_file(tmp_path / "seed.sto")))
    begun = []
    monkeypatch.setattr(pretrain_verb, "pretrain", lambda path, out, **_: begun.append((out / STATE).read_text()))
    (tmp_path / "letters-1").mkdir()
    for name in (STATE, LOG):
        (tmp_path / "letters-1" / name).write_text("600 steps")
    trade_off.train(tmp_path, ["letters-1-longer"])
    (tmp_path / "letters-1-longer" / STATE).write_text("900 steps")  # killed on the way
    trade_off.train(tmp_path, ["letters-1-longer"])
    assert begun == ["600 steps", "900 steps"]


def test_every_place_of_the_grid_reads_as_many_letters_a_step(trade_off, derived):
    families = training_families(read_seed(derived / "rfam_seed.sto.gz"), excluded_clans(FOLDER / "excluded_rfam.tsv"))
    means = {}
    for name in ("letters-0", "columns-1", "distillation-0", "distillation-0.1"):
        recipe = recipe_of(trade_off.derived(name))
        samplers = [CropSampler(families, recipe.crops)]
        samplers += [CropSampler(families, recipe.distillation_crops)] if recipe.distillation.weight else []
        read = [float((sampler.batch(0, at) != PADDING).sum()) for sampler in samplers for at in range(200)]
        if recipe.contrast.weight:
            views = ViewSampler(families, recipe.contrast)
            drawn = [ids[:, :, 1:] for at in range(200) for ids in views.batch(0, at).ids]
            read += [float((ids != LETTERS.pad).sum()) for ids in drawn]
        means[name] = sum(read) / 200
    assert max(means.values()) < 1.05 * min(means.values()), means
