"""Ten stored runs of all tasks made again: every figure the same to the last digit."""

import pytest

from ..command import answer
from ..command import inside as rnaexp
from ..frozen.steps import prepare

SETS = "--validation validation.fa --test test.fa"
FIRST = f"run --model lm-nano {SETS} --json"
RUNS = (
    FIRST,
    f"run --model stems {SETS} --protocol strict --families none --seed 3 --json",
    f"run --model untrained:rnabert {SETS} --score-scale z-score --families none --json",
    "run --model covariation --validation aligned_vl --test aligned_ts --alignment shuffled --families none --json",
    "structure --model lm-nano --test other.fa --tuned {first} --json",
    "run --model planted --config planted.json --protocol contacts --test proteins --json",
    "classify --model lm-nano --set builtin --members 3 --beside untrained:lm-nano --json",
    "classify --model 1-mer --set families --protocol authors --repetitions 2 --json",
    "fitness --model lm-nano --set assay.csv --sample 20 --json",
    "fitness --model conservation --set assay.csv --alignment wild.a3m --direction lower --json",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tasks")
    prepare(folder)
    return folder, answer(rnaexp(*FIRST.split(), cwd=folder))["run_id"]


@pytest.mark.slow
@pytest.mark.parametrize("words", RUNS)
def test_a_run_of_any_task_is_made_again_to_the_last_digit(place, words):
    folder, first = place
    run_id = first if words == FIRST else answer(rnaexp(*words.format(first=first).split(), cwd=folder))["run_id"]
    again = answer(rnaexp("reproduce", run_id, "--json", cwd=folder))
    assert (again["different"], again["facts"]) == (0, [])
    assert len(again["figures"]) >= 5
