"""What can be refused is refused at once: before torch, pandas or MLflow are imported, and with what to do next."""

import json
import subprocess
import sys

import pytest
import typer

from rnaexp.cli.app import app
from rnaexp.cli.options import OnceEach
from rnaexp.data.sets import load_set
from rnaexp.errors import InputError
from rnaexp.experiment.question import read_question
from rnaexp.experiment.question_file import read_words

from ..command import environment, inside, rnaexp

REFUSED = [
    ("run", "--model", "stems", "--seed", "1", "--seed", "2"),
    ("run", "--model", "stems", "--model", "stems"),
    ("run", "--model", "stems", "--model", "random", "--weights", "x"),
    ("run", "--modle", "stems"),
    ("run", "--model", "plantde"),
    ("run", "--model", "stems", "--test", "nofile.fa"),
    ("run", "--model", "stems", "--test", "broken.fa"),
    ("run", "--model", "stems", "--protocol", "loose"),
    ("run", "--model", "lm-nano", "--weights", "nofile.safetensors"),
    ("run", "--model", "lm-nano", "--precision", "int8"),
    ("run", "--model", "lm-nano", "--device", "tpu"),
    ("run", "evo.toml"),
    ("run", "misspelt.toml"),
    ("structure", "--model", "random", "--test", "builtin-ts"),
    ("predict", "--model", "random", "my.fa"),
    ("predict", "--model", "lm-nano", "nofile.fa"),
    ("predict", "--model", "lm-nano", "broken.fa", "--strict"),
    ("predict", "--model", "lm-nano", "my.fa", "--format", "pdf"),
    ("predict", "--model", "lm-nano", "my.fa", "--long", "cut"),
    ("embed", "--model", "lm-nano", "nofile.fa"),
]


@pytest.fixture
def place(tmp_path):
    (tmp_path / "my.fa").write_text(">a\nACGUACGU\n")
    (tmp_path / "broken.fa").write_text(">a\nACGUACGU\n>b\nACG!ACGU\n")
    (tmp_path / "misspelt.toml").write_text("models = ['stems']\n[[sets]]\nvalidation = 'builtin-vl'\ntst = 'x'\n")
    (tmp_path / "evo.toml").write_text("models = ['no-such-model']\n")
    return tmp_path


def test_nothing_that_takes_time_is_imported_for_a_refusal(place):
    """One process for all: a module that any of them imports would be there after it."""
    code = (
        "import json, sys\n"
        "from rnaexp.__main__ import _run\n"
        "heavy = {'torch', 'mlflow', 'lightning', 'transformers', 'optuna', 'pandas', 'numba', 'matplotlib'}\n"
        "told = [(_run(words), sorted(heavy & set(sys.modules))) for words in json.load(sys.stdin)]\n"
        "print(json.dumps(told))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=place,
        env=environment(),
        input=json.dumps(REFUSED),
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    codes = {words: code for words, (code, _) in zip(REFUSED, told, strict=True)}
    assert set(codes.values()) <= {2, 65, 69}, codes
    assert [words for words, (_, imported) in zip(REFUSED, told, strict=True) if imported] == [], told
    assert "broken.fa:4" in done.stderr
    assert "--seed" in done.stderr
    assert "given 2 times" in done.stderr


def test_a_question_file_says_which_key_and_where(place):
    done = rnaexp("run", "misspelt.toml", cwd=place)
    assert done.returncode == 65
    assert done.stderr == "rnaexp: misspelt.toml: sets, entry 1, tst: unknown field; known: test, validation\n"


def test_a_question_of_one_line_is_asked_of_the_built_in_sets(place):
    (place / "one.toml").write_text("models = ['stems', 'random']\n")
    asked = read_question(place / "one.toml").pairs
    assert [(task.model, task.validation, task.test) for task in asked] == [
        ("stems", "builtin-vl", "builtin-ts"),
        ("random", "builtin-vl", "builtin-ts"),
    ]
    assert {task.scoring.averaging for task in asked} == {"per-rna"}
    assert len(load_set(asked[0].test).rnas) > 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "models: is missing"),
        ("models = 'stems'", "models: must be a list, not 'stems'"),
        ("models = []", "models: must have at least one entry"),
        ("models = ['stems']\nseed = 'one'", "seed: must be a whole number, not 'one'"),
        ("models = ['stems']\nsetz = 1", "setz: unknown field; known: alignments,"),
        ("models = ['stems']\nsets = ['x']", "sets, entry 1: must be a table"),
        ("models = ['stems']\nprotocols = [{name = 'paper'}, {min_sep = 3}]", "protocols, entry 2, min_sep: unknown"),
        ("models = ['stems']\ntitle = 1\nnote = 2", "title: must be a word, not 1; note: must be a word, not 2"),
        ("models = ['stems'", "cannot be read as TOML"),
    ],
)
def test_every_wrong_key_is_named_with_its_place(tmp_path, text, said):
    path = tmp_path / "q.toml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_words(path)
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")


def verbs(group, before=()):
    for name, verb in group.commands.items():
        if hasattr(verb, "commands"):
            yield from verbs(verb, (*before, name))
        else:
            yield (*before, name), verb


EVERY = [(words, verb) for words, verb in verbs(typer.main.get_command(app))]


@pytest.mark.parametrize(("words", "verb"), EVERY, ids=[" ".join(words) for words, _ in EVERY])
def test_no_option_is_dropped_without_a_word(words, verb):
    assert isinstance(verb, OnceEach)
    for option in verb.params:
        if not hasattr(option, "is_flag") or option.multiple:
            continue
        once = [option.opts[0]] if option.is_flag else [option.opts[0], "1"]
        with pytest.raises(typer.BadParameter, match="given 2 times, and takes one value"):
            verb.make_context(words[-1], [*once, *once])


def test_models_that_make_sense_together_may_be_several():
    several = {
        words for words, verb in EVERY if any(p.name == "model" and getattr(p, "multiple", 0) for p in verb.params)
    }
    assert several == {("run",), ("classify",), ("embed",), ("fitness",), ("predict",)}


def test_predictions_of_several_models_lie_side_by_side(place):
    done = inside("predict", "--model", "stems", "--model", "viennarna", "my.fa", cwd=place)
    assert done.returncode == 0, done.stderr
    for name in ("stems", "viennarna"):
        assert (place / "predictions" / name / "structures.dbn").read_text().startswith(f">a {name} layer=0")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "models = ['3-mer']\nprotocols = [{}]\n[[families]]\nname = 'builtin'\n",
            "protocols: belongs to pairs, and this file has families only",
        ),
        ("models = ['gc']\nchoices = ['gc']\n[[assays]]\nname = 'x'\n", "choices: belongs to families"),
        ("models = ['a']\nfamilies = [{}]\n", "families, entry 1, name: is missing"),
        ("models = ['a']\nfamilies = 3\n", "families: must be"),
        (
            "models = ['stems']\ntask = 'other'\nassays = []\n",
            "assays: belongs to fitness, and this file has other",
        ),
        ("models = ['a']\n[[assays]]\nname = 'x'\nsample = -1\n", "assays, entry 1, sample: "),
    ],
)
def test_a_key_of_another_task_is_not_dropped_without_a_word(tmp_path, text, message):
    (tmp_path / "q.toml").write_text(text)
    with pytest.raises(InputError) as caught:
        read_words(tmp_path / "q.toml")
    assert message in str(caught.value)


def test_one_file_may_ask_of_every_task_under_the_same_settings(tmp_path):
    (tmp_path / "q.toml").write_text(
        "models = ['lm-nano', 'stems', 'viennarna']\nprecision = 'bf16'\nlong = 'error'\ncontrols = ['3-mer']\n"
        "sets = [{}]\nfamilies = [{name = 'builtin'}]\nassays = [{name = 'dms_trna', sample = 9}]\n"
    )
    asked = read_question(tmp_path / "q.toml")
    assert asked.tasks == ("pairs", "families", "fitness")
    assert [task.model for task in asked.pairs] == ["lm-nano", "stems", "viennarna"]
    assert [task.model for task in asked.families] == ["lm-nano", "3-mer"]
    assert [task.model for task in asked.fitness] == ["lm-nano", "viennarna"]
    every = (*asked.pairs, *asked.families, *asked.fitness)
    assert {task.long for task in every} == {"error"}
    assert {task.loading["precision"] for task in every if task.model == "lm-nano"} == {"bf16"}
