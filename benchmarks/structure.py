"""What reading every head costs, against a bare forward pass and the obvious script: one run, one machine, one table.

The model is RNA-FM's size with random weights (its published sizes, no published number needed). Repetitions are
interleaved (A B C A B C ...), so that a busy machine hurts all alike.
"""

import ctypes
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler that counts maps is chatty

import numpy as np
import pandas as pd
import torch
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table as Printed

from rnaexp import models
from rnaexp.models.encoder import TransformerEncoder
from rnaexp.models.tokens import Spread
from rnaexp.rna import Rna
from rnaexp.structure.heads import HeadScores, RnaScores
from rnaexp.structure.protocol import ATTENTION, Scoring
from rnaexp.structure.reading import Reading, Table
from rnaexp.structure.tune import search

RESULTS = Path(__file__).parents[1] / "tracking" / "results" / "benchmark_structure.csv"
VOCABULARY = "<cls> <pad> <eos> <unk> A C G U R Y K M S W B D H V N - <null_1> <null_2> <null_3> <null_4> <mask>".split()

PAIRS_PER_BASE = 0.45  # the mean of VL1 (0.46) and TS1 (0.43)
RNAS_SEARCHED = 30  # as many as VL1
THRESHOLDS = 200
READING = Reading(read_out=ATTENTION, scoring=Scoring())  # as `rnaexp run` reads a tuning set

Entry = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A model and how long to look at it. `slow_rounds` is for what takes seconds a time."""

    layers: int
    heads: int
    width: int
    intermediate: int
    bases: tuple[int, ...]
    rounds: int
    slow_rounds: int


RNA_FM = Size(
    layers=12, heads=20, width=640, intermediate=5120, bases=(80, 200, 400), rounds=9, slow_rounds=3
)  # doi:10.48550/arXiv.2204.00300
QUICK = Size(layers=4, heads=4, width=32, intermediate=48, bases=(20, 40), rounds=2, slow_rounds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing to measure. `attention` names transformers' attention function; `goals`: column -> at most."""

    run: Callable[[], object]
    attention: str = "rnaexp"
    slow: bool = False
    shared_by: int = 1  # RNAs that one run serves
    goals: Mapping[str, float] = field(default_factory=dict)


@torch.inference_mode()
def cases(encoder: TransformerEncoder, rna: Rna) -> dict[str, Case]:
    """Everything measured on one RNA, in the order of a round."""
    ids = torch.tensor([encoder.tokens.encode(rna).ids])
    maps = maps_in_memory(encoder, rna, ids)
    tables = tables_for_search(rna, score(rna, maps))
    return {
        "forward": Case(run=lambda: forward(encoder, ids), attention="sdpa"),
        "eager": Case(run=lambda: eager(encoder, ids), attention="eager"),
        "tuning pass": Case(
            run=lambda: tuning_pass(encoder, rna), goals={"times_eager": 1.15, "layers_alive": 1}
        ),
        "scoring": Case(run=lambda: score(rna, maps), goals={"times_forward": 0.1}),
        "search": Case(run=lambda: search(head_scores(encoder, rna, tables)), slow=True, shared_by=RNAS_SEARCHED),
        **{f"head in layer {k}": one_head(encoder, rna, k) for k in layers_read_alone(encoder.layers)},
        "obvious script": Case(run=lambda: obvious_script(encoder, rna, ids), attention="eager", slow=True),
    }


@torch.inference_mode()
def forward(encoder: TransformerEncoder, ids: torch.Tensor) -> object:
    """What the model costs by itself: transformers' own SDPA, no attention output, no masked-LM head."""
    return encoder.network.base_model(ids).last_hidden_state


@torch.inference_mode()
def eager(encoder: TransformerEncoder, ids: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """transformers' own way to attention maps: all layers at once."""
    maps = encoder.network.base_model(ids, output_attentions=True).attentions
    assert len(maps) == encoder.layers
    return tuple(maps)


def tuning_pass(encoder: TransformerEncoder, rna: Rna) -> Entry:
    """What `rnaexp run` does for one RNA of a tuning set, from letters to the entry that is stored."""
    table = Table(rna, READING)
    with torch.inference_mode():
        encoder.read_attention([rna], lambda _, layer, maps: table.add(layer, maps))
    return table.entry()


def score(rna: Rna, maps: tuple[torch.Tensor, ...]) -> Entry:
    """The tuning pass without the model."""
    table = Table(rna, READING)
    for layer, layer_maps in enumerate(maps):
        table.add(layer, layer_maps)
    return table.entry()


def one_head(encoder: TransformerEncoder, rna: Rna, layer: int) -> Case:
    """Inference with a tuned head: nothing after its layer needs to run."""
    run = lambda: encoder.read_head(rna, layer, encoder.heads // 2)  # noqa: E731
    return Case(run=run, goals={"times_forward": (layer + 1) / encoder.layers + 0.1})


def layers_read_alone(layers: int) -> tuple[int, ...]:
    """First, middle, last."""
    return 0, layers // 2 - 1, layers - 1


def obvious_script(encoder: TransformerEncoder, rna: Rna, ids: torch.Tensor) -> float:
    """What one writes first: all maps, NumPy head by head, every threshold of a grid."""
    n = len(rna)
    upper, known = np.triu_indices(n, 1), np.zeros((n, n), bool)
    known[tuple(np.transpose(rna.pairs or ()))] = True
    best = 0.0
    for layer in eager(encoder, ids):
        for head in layer[0, :, 1:-1, 1:-1].numpy():
            scores = head + head.T
            scores = scores - scores.sum(0, keepdims=True) * scores.sum(1, keepdims=True) / scores.sum()
            best = max(best, best_of_grid(scores[upper], known[upper]))
    return best


def best_of_grid(scores: np.ndarray, known: np.ndarray) -> float:
    """The best F1 over equally spaced thresholds."""
    calls = (scores >= threshold for threshold in np.linspace(scores.min(), scores.max(), THRESHOLDS))
    return max(2 * (called & known).sum() / (called.sum() + known.sum()) for called in calls)


def maps_in_memory(encoder: TransformerEncoder, rna: Rna, ids: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """All layers' maps in base coordinates, cut as the encoder cuts them."""
    spread = Spread.of(encoder.tokens.encode(rna))
    with attention(encoder, "eager"):
        return tuple(spread.maps(layer[0]) for layer in eager(encoder, ids))


def tables_for_search(rna: Rna, entry: Entry) -> list[dict[str, Any]]:
    """As many RNAs as a tuning set has; each has the one table with its heads turned, so that no two heads agree."""
    return [
        {name: np.roll(entry[name], turn, axis=0) for name in ("scores", "indices")} for turn in range(RNAS_SEARCHED)
    ]


def head_scores(encoder: TransformerEncoder, rna: Rna, tables: list[dict[str, Any]]) -> HeadScores:
    """The table as the search is given it; made anew each time, for it remembers what it has worked out."""
    n = len(rna)
    known = {"bases": n, "candidates": n * (n - 1) // 2, "complete": False}
    reference = np.array([i * n + j for i, j in rna.pairs or ()])
    rnas = (
        RnaScores(id=f"{at}", sequence_sha256=f"{at}", cluster=f"{at}", reference=reference, **known, **table)
        for at, table in enumerate(tables)
    )
    return HeadScores(
        model="random",
        weights=encoder.fingerprint,
        data="random",
        data_sha256="",
        read_out=READING.read_out,
        scoring=READING.scoring,
        heads_per_layer=encoder.heads,
        heads=tuple(range(encoder.layers * encoder.heads)),
        rnas=tuple(rnas),
    )


@contextmanager
def attention(encoder: TransformerEncoder, name: str) -> Iterator[None]:
    """The model with another of transformers' attention functions; the weights are the same tensors."""
    body = encoder.network.base_model
    body.set_attn_implementation(name)
    try:
        yield
    finally:
        body.set_attn_implementation("rnaexp")


def random_rna(bases: int) -> Rna:
    """Random letters and pairs; neither changes what anything costs."""
    draw = np.random.default_rng(bases)
    every = np.transpose(np.triu_indices(bases, 1))
    chosen = np.sort(draw.choice(len(every), round(PAIRS_PER_BASE * bases), replace=False))
    pairs = tuple((int(i), int(j)) for i, j in every[chosen])
    return Rna(id=f"random-{bases}", sequence="".join(draw.choice(list("ACGU"), bases)), pairs=pairs)


def write_checkpoint(folder: Path, size: Size) -> None:
    """A random ESM checkpoint with RNA-FM's vocabulary and layout."""
    from transformers import EsmConfig, EsmForMaskedLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    torch.manual_seed(0)
    config = EsmConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=size.width,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=size.intermediate,
        max_position_embeddings=1026,
        pad_token_id=VOCABULARY.index("<pad>"),
        mask_token_id=VOCABULARY.index("<mask>"),
        emb_layer_norm_before=True,
        token_dropout=True,
        initializer_range=0.05,  # attention that is not flat
    )
    EsmForMaskedLM(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "EsmTokenizer"}')


def load_warm(folder: Path) -> TransformerEncoder:
    """The encoder after everything ran once on a short RNA: kernels are compiled, libraries imported."""
    encoder = models.load(str(folder), device="cpu")
    assert isinstance(encoder, TransformerEncoder)
    for case in cases(encoder, random_rna(24)).values():
        with attention(encoder, case.attention):
            case.run()
    return encoder


def seconds(encoder: TransformerEncoder, measured: Mapping[str, Case], size: Size) -> dict[str, list[float]]:
    """Wall time per RNA of each case, round by round."""
    taken: dict[str, list[float]] = {name: [] for name in measured}
    for done in range(size.rounds):
        for name, case in measured.items():
            if case.slow and done >= size.slow_rounds:
                continue
            with attention(encoder, case.attention):
                start = time.perf_counter()
                case.run()
                taken[name].append((time.perf_counter() - start) / case.shared_by)
    return taken


def memory(folder: Path, name: str, size: Size) -> list[dict[str, Any]]:
    """Peak memory of one case at each length, shortest first. Meant for a process of its own."""
    encoder = load_warm(folder)
    rows = []
    for bases in size.bases:
        case = cases(encoder, random_rna(bases))[name]
        with attention(encoder, case.attention):
            peak = peak_mb(case.run)
            alive = blocks_alive(case.run, size.heads * (bases + 2) ** 2 * 4)
        rows.append({"bases": bases, "case": name, "peak_mb": peak, "layers_alive": alive})
    return rows


def peak_mb(run: Callable[[], object]) -> float:
    """Highest resident memory while running, above that before it; NaN where the kernel is not Linux.

    Not `ru_maxrss`: that never falls, so the peak of loading the model would hide what comes after it.
    """
    reset = Path("/proc/self/clear_refs")
    if not reset.exists():
        return float("nan")
    ctypes.CDLL(None).malloc_trim(0)
    reset.write_text("5")  # peak := present
    before = _status_mb("VmRSS")
    run()
    return _status_mb("VmHWM") - before


def _status_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def blocks_alive(run: Callable[[], object], size: int) -> int:
    """How many tensors of exactly this many bytes exist at once, from PyTorch's own record of its allocations."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as record:
        run()
    events = (event for event in record.profiler.kineto_results.events() if event.name() == "[memory]")
    changes = [int(np.sign(event.nbytes())) for event in sorted(events, key=_start) if abs(event.nbytes()) == size]
    return int(np.cumsum(changes).max(initial=0))


def _start(event: Any) -> int:
    return int(event.start_ns())


def main() -> None: ...


if __name__ == "__main__":
    typer.run(main)
