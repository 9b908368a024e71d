"""What a probe costs beside a bare forward pass of the same RNAs, and how much memory on top of the training.

The network has RNA-FM's size and random weights and is trained with AdamW by masked letters; README.md beside this file
says what each column means. Times are of the processor, rounds are interleaved.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import pandas as pd
import torch
import typer
from structure import RNA_FM, TOY, Plan, peak_mb, write_checkpoint
from torch import Tensor
from transformers import AutoTokenizer, EsmForMaskedLM

from rnaexp.callbacks import Probe
from rnaexp.callbacks.probe import hidden_letters
from rnaexp.data.dot_bracket import to_dot_bracket
from rnaexp.data.sets import load_set
from rnaexp.models.wrap import wrap
from rnaexp.progress import say
from rnaexp.rna import Rna
from rnaexp.structure.reading import DEPTH

RESULTS = Path(__file__).parents[1] / "tracking" / "results" / "benchmark_probe.csv"
MOST_OF_FORWARD = 1.3
EVERY = 6  # of the built-in sets' RNAs one in so many, of each of their families
BATCH = (4, 200)  # RNAs and bases of a training step


def picked(name: str, folder: Path) -> tuple[str, list[Rna]]:
    """Some RNAs of a built-in set, and the file that holds them."""
    rnas = list(load_set(name).rnas)[::EVERY]
    file = folder / f"{name}.dbn"
    records = [f">{rna.id}\n{rna.sequence}\n{to_dot_bracket(len(rna), rna.pairs or ())}\n" for rna in rnas]
    file.write_text("".join(records))
    return str(file), rnas


def forward(model: EsmForMaskedLM, batches: list[tuple[bool, Tensor]]) -> None:
    """The bare network by transformers' SDPA: its body alone, or for hidden letters the masked-LM head as well."""
    model.eval()
    with torch.inference_mode():
        for letters, ids in batches:
            (model if letters else model.base_model)(ids)
    model.train()


def trainer(model: EsmForMaskedLM) -> Callable[[], None]:
    """One optimiser step."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5)
    ids = torch.randint(4, 8, BATCH)

    def step() -> None:
        optimiser.zero_grad()
        model(input_ids=ids, labels=ids).loss.backward()
        optimiser.step()

    return step


def passes(model: EsmForMaskedLM, tokenizer: Any, sets: list[list[Rna]]) -> list[tuple[bool, Tensor]]:
    """What a probe must run: each RNA once for its maps, and each test RNA once more with letters hidden."""
    encoder: Any = wrap(model, tokenizer, name="bare")
    batches = [(False, torch.tensor([encoder.tokens.encode(rna).ids])) for rnas in sets for rna in rnas]
    return batches + [(True, torch.tensor([encoder._hidden(rna, hidden_letters(rna)).ids])) for rna in sets[1]]


def timed(run: Callable[[], object]) -> float:
    """Processor seconds."""
    start = time.process_time()
    run()
    return time.process_time() - start


def measure(folder: Path, plan: Plan, rounds: int) -> pd.DataFrame:
    """One row a case."""
    write_checkpoint(folder, plan.network)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = EsmForMaskedLM.from_pretrained(folder).train()
    (validation, tuned), (test, tested) = picked("builtin-vl", folder), picked("builtin-ts", folder)
    probe = Probe(tokenizer, validation=validation, test=test, every=1, strict=True)
    step, batches = trainer(model), passes(model, tokenizer, [tuned, tested])
    step()
    probe(model, 0)  # the kernels are compiled, the libraries imported
    probe._depth = DEPTH  # as if it were the first
    taken: dict[str, list[float]] = {"forward": [], "probe": [], "first probe": []}
    taken["first probe"].append(timed(lambda: probe(model, 1)))
    for at in range(rounds):
        taken["forward"].append(timed(lambda: forward(model, batches)))
        taken["probe"].append(timed(lambda at=at: probe(model, 2 + at)))
        say(f"round {at + 1}: {taken}")
    training, most = peak_mb(step), peak_mb(lambda: probe(model, 99))
    longest = max(len(rna) for rna in (*tuned, *tested)) + 2
    shared = {
        "rnas": len(tuned) + len(tested),
        "passes": len(batches),
        "one_layer_mb": plan.network[1] * longest**2 * 4 / 1e6,
    }
    rows = [
        {
            "case": name,
            "seconds": median(times),
            "of_forward": median(times) / median(taken["forward"]),
            "of_forward_min": min(times) / min(taken["forward"]),
            "rounds": len(times),
            **shared,
        }
        for name, times in taken.items()
    ]
    memory = {"peak_mb": most, "training_step_peak_mb": training, "over_training_mb": max(0.0, most - training)}
    table = pd.DataFrame(rows).set_index("case")
    table.loc["probe", list(memory)] = list(memory.values())
    return table.reset_index()


def main(
    *,
    quick: Annotated[bool, typer.Option("--quick", help="A toy model: shows that it runs, measures nothing.")] = False,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    csv: Annotated[Path | None, typer.Option(help="Where to write; default tracking/results, --quick nowhere.")] = None,
) -> None:
    """Measure, print, write."""
    plan, target = (TOY, csv) if quick else (RNA_FM, csv or RESULTS)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Path(folder), plan, rounds)
    results["goal"] = ["", f"of_forward <= {MOST_OF_FORWARD}, over_training_mb <= one_layer_mb", ""]
    fits = (results["of_forward"] <= MOST_OF_FORWARD) & (results["over_training_mb"] <= results["one_layer_mb"])
    results["met"] = ["", "yes" if fits[1] else "NO", ""]
    results = results.assign(threads=1, load=round(os.getloadavg()[1], 1), torch=torch.__version__)
    print(results.to_string(index=False))
    if target is not None:
        results.to_csv(target, index=False, float_format="%.5g")


if __name__ == "__main__":
    typer.run(main)
