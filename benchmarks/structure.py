"""What reading every head costs, beside a bare forward pass and the obvious script: one run, one machine, one table.

The model has RNA-FM's size and random weights. Repetitions are interleaved (A B C A B C ...), so that a busy machine
hurts all alike. README.md beside this file says what each column means.
"""

import ctypes
import os
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Annotated, Any

os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # read when torch is imported: its profiler is chatty

import numpy as np
import pandas as pd
import psutil
import rich.table
import torch
import typer
from rich.console import Console

from rnaexp.models import load
from rnaexp.models.encoder import TransformerEncoder
from rnaexp.models.spread import Spread
from rnaexp.rna import Rna
from rnaexp.structure.heads import HeadScores, RnaScores
from rnaexp.structure.pairs import candidates, reference
from rnaexp.structure.protocol import ATTENTION, Scoring
from rnaexp.structure.reading import Reading, Table
from rnaexp.structure.tune import search

RESULTS = Path(__file__).parents[1] / "tracking" / "results" / "benchmark_structure.csv"
VOCABULARY = "<cls> <pad> <eos> <unk> A C G U R Y K M S W B D H V N - <null_1> <null_2> <null_3> <null_4> <mask>"
READING = Reading(read_out=ATTENTION, scoring=Scoring())  # as `rnaexp run` reads a tuning set
RNAS_SEARCHED = 30  # as many as VL1 has
BUSY = "Load above the cores: others slowed this down, unevenly; do not quote it."
PATIENCE = 30.0  # seconds at one length after which no further round begins
SLOW_EVERY = 4  # rounds
TUNING_GOALS = {"of_eager": 1.15, "layers_alive": 1}  # column -> at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A model's (layers, heads, width, intermediate width), lengths, and most rounds."""

    network: tuple[int, int, int, int]
    bases: tuple[int, ...]
    rounds: int


RNA_FM = Plan(network=(12, 20, 640, 5120), bases=(80, 200, 400), rounds=9)  # doi:10.48550/arXiv.2204.00300
TOY = Plan(network=(4, 4, 32, 48), bases=(20, 40), rounds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing to measure. `attention`: transformers' name of the function to use; `goals`: most of a column."""

    run: Callable[[], object]
    attention: str = "rnaexp"
    slow: bool = False
    serves: int = 1  # RNAs that one run serves
    goals: Mapping[str, float] = field(default_factory=dict)


@torch.inference_mode()
def cases(encoder: TransformerEncoder, rna: Rna) -> dict[str, Case]:
    """Everything measured on one RNA, in the order of a round."""
    body, encoding = encoder.network.base_model, encoder.tokens.encode(rna)
    ids = torch.tensor([encoding.ids])
    body.set_attn_implementation("eager")
    maps = [Spread.of(encoding).maps(layer[0]) for layer in eager(encoder, ids)]
    kept = score(rna, maps)
    # A set's worth of tables: the same one with its heads turned, so that no head is alike in two RNAs.
    tables = [{name: np.roll(kept[name], by, 0) for name in ("scores", "indices")} for by in range(RNAS_SEARCHED)]
    return {
        "forward": Case(run=lambda: body(ids), attention="sdpa"),
        "eager": Case(run=lambda: eager(encoder, ids), attention="eager"),
        "tuning pass": Case(run=lambda: tuning_pass(encoder, rna), goals=TUNING_GOALS),
        "scoring": Case(run=lambda: score(rna, maps), goals={"of_forward": 0.1}),
        "search": Case(run=lambda: search(head_scores(encoder, rna, tables)), slow=True, serves=RNAS_SEARCHED),
        **{f"one head, layer {k}": one_head(encoder, rna, k) for k in (0, encoder.layers // 2 - 1, encoder.layers - 1)},
        "obvious script": Case(run=lambda: obvious_script(encoder, rna, ids), attention="eager", slow=True),
    }


def eager(encoder: TransformerEncoder, ids: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """transformers' own way to attention maps: all layers at once."""
    maps: tuple[torch.Tensor, ...] = encoder.network.base_model(ids, output_attentions=True).attentions
    assert len(maps) == encoder.layers
    return maps


def tuning_pass(encoder: TransformerEncoder, rna: Rna) -> dict[str, np.ndarray]:
    """What `rnaexp run` does for one RNA of a tuning set, from its letters to the entry that is stored."""
    table = Table(rna, READING)
    encoder.read_attention([rna], lambda _, layer, maps: table.add(layer, maps))
    return table.entry()


def score(rna: Rna, maps: list[torch.Tensor]) -> dict[str, np.ndarray]:
    """The tuning pass without the model."""
    table = Table(rna, READING)
    for layer, layer_maps in enumerate(maps):
        table.add(layer, layer_maps)
    return table.entry()


def one_head(encoder: TransformerEncoder, rna: Rna, layer: int) -> Case:
    """Inference with a tuned head: nothing behind its layer needs to run."""
    goals = {"of_forward": (layer + 1) / encoder.layers + 0.1}
    return Case(run=partial(encoder.read_head, rna, layer, encoder.heads // 2), goals=goals)


def obvious_script(encoder: TransformerEncoder, rna: Rna, ids: torch.Tensor) -> float:
    """What one writes first: all maps, NumPy head by head, F1 at every threshold of a grid."""
    upper, known, best = np.triu_indices(len(rna), 1), np.zeros((len(rna), len(rna)), bool), 0.0
    known[tuple(np.transpose(rna.pairs or ()))] = True
    for head in (head for layer in eager(encoder, ids) for head in layer[0, :, 1:-1, 1:-1].numpy()):
        scores = head + head.T
        scores = scores - scores.sum(0, keepdims=True) * scores.sum(1, keepdims=True) / scores.sum()
        scores, truth = scores[upper], known[upper]
        for threshold in np.linspace(scores.min(), scores.max(), 200):
            called = scores >= threshold
            best = max(best, 2 * (called & truth).sum() / (called.sum() + truth.sum()))
    return best


def head_scores(encoder: TransformerEncoder, rna: Rna, tables: list[dict[str, Any]]) -> HeadScores:
    """What the search is given; made anew each time, for it remembers what it has worked out."""
    count, pairs = int(candidates(rna, READING.scoring).sum()), reference(rna, READING.scoring)
    names = dict.fromkeys(("id", "sequence_sha256", "cluster"), "random")
    facts: dict[str, Any] = {"bases": len(rna), "candidates": count, "reference": pairs, "complete": False}
    return HeadScores(
        **dict.fromkeys(("model", "weights", "data", "data_sha256"), "random"),
        read_out=READING.read_out,
        scoring=READING.scoring,
        heads_per_layer=encoder.heads,
        heads=tuple(range(encoder.layers * encoder.heads)),
        rnas=tuple(RnaScores(**names, **facts, **table) for table in tables),
    )


def random_rna(bases: int) -> Rna:
    """Random letters and pairs, as many a base as in VL1 (0.46) and TS1 (0.43)."""
    draw, every = np.random.default_rng(bases), np.transpose(np.triu_indices(bases, 1))
    chosen = np.sort(draw.choice(len(every), round(0.45 * bases), replace=False))
    pairs = tuple((int(i), int(j)) for i, j in every[chosen])
    return Rna(id=f"random-{bases}", sequence="".join(draw.choice(list("ACGU"), bases)), pairs=pairs)


def write_checkpoint(folder: Path, network: tuple[int, int, int, int]) -> None:
    """A random ESM checkpoint with RNA-FM's layout and vocabulary."""
    from transformers import EsmConfig, EsmForMaskedLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    torch.manual_seed(0)
    names = ("num_hidden_layers", "num_attention_heads", "hidden_size", "intermediate_size")
    ids = {"vocab_size": 25, "pad_token_id": 1, "mask_token_id": 24, "max_position_embeddings": 1026}
    # A wider range than usual, so that attention is not flat.
    layout = {"emb_layer_norm_before": True, "token_dropout": True, "initializer_range": 0.05}
    EsmForMaskedLM(EsmConfig(**dict(zip(names, network, strict=True)), **ids, **layout)).save_pretrained(folder)
    (folder / "vocab.txt").write_text(VOCABULARY.replace(" ", "\n"))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "EsmTokenizer"}')


@torch.inference_mode()
def load_warm(folder: Path) -> TransformerEncoder:
    """The encoder, after everything ran once on a short RNA: kernels are compiled, libraries imported."""
    encoder: Any = load(str(folder), device="cpu")
    for case in cases(encoder, random_rna(24)).values():
        ready(encoder, case)()
    return encoder


def ready(encoder: TransformerEncoder, case: Case) -> Callable[[], object]:
    """What to run, once the model has the case's attention function; the weights are the same tensors."""
    encoder.network.base_model.set_attn_implementation(case.attention)
    return case.run


@torch.inference_mode()
def seconds(encoder: TransformerEncoder, measured: Mapping[str, Case], rounds: int) -> dict[str, list[float]]:
    """Wall time of each case per RNA, round by round."""
    taken: dict[str, list[float]] = {name: [] for name in measured}
    enough = time.perf_counter() + PATIENCE
    for done in range(rounds):
        for name, case in measured.items():
            if not case.slow or done % SLOW_EVERY == 0:
                run, start = ready(encoder, case), time.perf_counter()
                run()
                taken[name].append((time.perf_counter() - start) / case.serves)
        if time.perf_counter() > enough:
            break
    return taken


def time_rows(encoder: TransformerEncoder, bases: int, rounds: int) -> list[dict[str, Any]]:
    """One row a case. A ratio is the median of the ratios within a round, whose two times are seconds apart."""
    measured, rows = cases(encoder, random_rna(bases)), []
    taken = seconds(encoder, measured, rounds)
    for name, times in taken.items():
        row: dict[str, Any] = {"bases": bases, "case": name, "seconds": median(times), "seconds_min": min(times)}
        for other in ("forward", "eager"):
            same_rounds = taken[other][:: SLOW_EVERY if measured[name].slow else 1]
            row[f"of_{other}"] = median(a / b for a, b in zip(times, same_rounds, strict=True))
            row[f"of_{other}_min"] = min(times) / min(taken[other])
        rows.append({**row, "rounds": len(times), "goals": measured[name].goals})
    return rows


@torch.inference_mode()
def memory_rows(encoder: TransformerEncoder, bases: int) -> list[dict[str, Any]]:
    """Peak memory of each case. After all times are taken, for `peak_mb` makes allocation slow."""
    rows, one_layer = [], encoder.heads * (bases + 2) ** 2 * 4
    for name, case in cases(encoder, random_rna(bases)).items():
        run = ready(encoder, case)
        rows.append({"bases": bases, "case": name, "peak_mb": peak_mb(run), **tensors(run, one_layer)})
    return rows


def peak_mb(run: Callable[[], object]) -> float:
    """Highest resident memory while running, less that before it; NaN where it is not counted so (not Linux)."""
    reset, allocator = Path("/proc/self/clear_refs"), ctypes.CDLL(None)
    if not reset.exists() or not hasattr(allocator, "mallopt"):
        return float("nan")
    allocator.mallopt(-3, 2**16)  # M_MMAP_THRESHOLD: what is freed is given back at once, not kept for reuse
    allocator.malloc_trim(0)
    reset.write_text("5")  # the peak starts again from here
    before = psutil.Process().memory_info().rss
    run()
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return (int(peak) * 1024 - before) / 1e6


def tensors(run: Callable[[], object], one_layer: int) -> dict[str, float]:
    """PyTorch's own record: most memory in tensors, and most tensors at once of exactly one layer's maps' bytes."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as record:
        run()
    events = record.profiler.kineto_results.events()
    changes = np.array([0] + [event.nbytes() for event in events if event.name() == "[memory]"])
    layers = np.sign(changes) * (np.abs(changes) == one_layer)
    return {"tensors_mb": changes.cumsum().max() / 1e6, "layers_alive": int(layers.cumsum().max())}


def measure(folder: Path, plan: Plan) -> pd.DataFrame:
    """First all times, then all memory."""
    encoder = load_warm(folder)
    times = [row for bases in plan.bases for row in time_rows(encoder, bases, plan.rounds)]
    memory = [row for bases in plan.bases for row in memory_rows(encoder, bases)]
    return pd.DataFrame(times).merge(pd.DataFrame(memory), on=["bases", "case"])


def judge(row: "pd.Series[Any]") -> "pd.Series[str]":
    """The row's goals in words, and whether all are met: `unclear` if median and least time disagree."""
    goals = row["goals"].items()
    fits = [[row[name] <= most for name in (column, f"{column}_min") if name in row] for column, most in goals]
    met = "NO" if any(not any(pair) for pair in fits) else "yes" if all(map(all, fits)) else "unclear"
    return pd.Series({"goal": ", ".join(f"{name} <= {most:.3g}" for name, most in goals), "met": met if goals else ""})


def show(results: pd.DataFrame, title: str) -> None:
    """On the screen, wide."""
    columns = (rich.table.Column(name.replace("_", " "), no_wrap=True) for name in results)
    printed = rich.table.Table(*columns, title=title, caption=BUSY)
    for row in results.itertuples(index=False):
        cells = (f"{value:.3g}" if isinstance(value, float) else str(value) for value in row)
        printed.add_row(*cells, end_section=row.case == "obvious script")
    Console(width=max(Console().width, 220)).print(printed)


def main(
    *,
    quick: Annotated[bool, typer.Option("--quick", help="A toy model: shows that it runs, measures nothing.")] = False,
    csv: Annotated[Path | None, typer.Option(help="Where to write; default tracking/results, --quick nowhere.")] = None,
) -> None:
    """Measure, print, write."""
    plan, target = (TOY, csv) if quick else (RNA_FM, csv or RESULTS)
    torch.set_num_threads(1 if quick else torch.get_num_threads())  # 32 columns are slower on many cores than on one
    with tempfile.TemporaryDirectory() as folder:
        write_checkpoint(Path(folder), plan.network)
        results = measure(Path(folder), plan)
    results = results.drop(columns="goals").join(results.apply(judge, axis=1))
    setting = {"threads": torch.get_num_threads(), "cores": os.cpu_count(), "load": round(os.getloadavg()[1], 1)}
    show(results, "{} layers x {} heads x width {} ({}), float32; ".format(*plan.network) + str(setting))
    if target is not None:
        results.assign(**setting, torch=torch.__version__).to_csv(target, index=False, float_format="%.5g")


if __name__ == "__main__":
    typer.run(main)
