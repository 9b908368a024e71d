"""The folder that comes out: configuration, half-precision weights, letters, the log, and a card that tells all."""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.utils.flop_counter import FlopCounterMode

from rnaexp.data.download import file_sha256
from rnaexp.models.msa_transformer import MsaTransformer
from rnaexp.models.rnamsm import LETTERS
from rnaexp.pretrain.fit import LOG
from rnaexp.pretrain.recipe import Recipe
from rnaexp.pretrain.training import Pretraining, losses, tokens_of
from rnaexp.rna import ALIGNED_LETTERS

WEIGHTS, CARD, FAMILIES = "model.safetensors", "README.md", "families.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the card says of the data, and what the training measured."""

    data: str  # name of the seed file
    data_sha256: str
    families: Sequence[str]  # accessions trained on
    rows: int
    unigram: float  # nats
    excluded: Mapping[str, str]  # clan: reason
    minutes: float | None
    start: str = ""  # what training went on with, and its hash


def write_checkpoint(module: Pretraining, folder: Path, facts: Facts) -> Path:
    """Everything but the training state, which stays for a longer run, and weights that their own loader keeps."""
    if isinstance(module.network, MsaTransformer):
        write_network(module.network, folder)
    (folder / FAMILIES).write_text("".join(f"{name}\n" for name in facts.families))
    (folder / CARD).write_text(card(module, folder, facts))
    return folder


def write_network(network: MsaTransformer, folder: Path) -> None:
    """What a folder is read by: configuration, weights in half precision, letters."""
    network.config.save_pretrained(folder)
    half = {name: tensor.half().contiguous() for name, tensor in network.state_dict().items()}
    del half["lm_head.weight"]  # one table with embed_tokens.weight
    save_file(half, folder / WEIGHTS, metadata={"format": "pt"})
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer(), indent=1) + "\n")


def tokenizer() -> dict[str, int]:
    """Ids of the letters and of the special tokens."""
    letters = dict(zip(ALIGNED_LETTERS, LETTERS.letters, strict=True))
    return {**letters, "<cls>": LETTERS.first, "<pad>": LETTERS.pad, "<mask>": LETTERS.mask}


def card(module: Pretraining, folder: Path, facts: Facts) -> str:
    """The model card, in Markdown."""
    recipe, lines = module.recipe, log_lines(folder)
    held = "float16" if isinstance(module.network, MsaTransformer) else "float32"
    looks = [line for line in lines if "rnaexp/pairs/f1" in line]
    last = next((line for line in reversed(lines) if "tokens" in line), {})
    parameters = sum(p.numel() for p in module.network.parameters())
    flops = flops_per_token(module)
    text = [
        f"# {recipe.title}",
        "",
        "Masked-letter model of "
        + ("alignments" if recipe.architecture == "msa" else "single RNA sequences")
        + ", trained by `rnaexp pretrain`"
        + (f", which went on with {facts.start}" if facts.start else "")
        + ". The probe on the way only looked.",
        "",
        "| | |",
        "|---|---|",
        f"| parameters | {parameters:,} |",
        f"| training data | {facts.data} (sha256 {facts.data_sha256}): {len(facts.families):,} families of the "
        f"training side of `data/rfam_split.py` ({FAMILIES}), {facts.rows:,} rows |",
        f"| objectives | {'; '.join(objectives(recipe))} |",
        f"| labels seen | {labels_seen(recipe)} |",
        f"| steps, letters read | {module.steps_done:,}, {module.tokens_done:,} |",
        f"| training time | {module.seconds / 60:.1f} min on {platform.machine()}, {torch.get_num_threads()} thread(s)"
        + (" (wanted: " + f"{facts.minutes:g} min)" if facts.minutes else "")
        + " |",
        f"| throughput | {module.tokens_done / module.seconds:,.0f} tokens/s |",
        f"| cost | {flops / 1e6:.2f} MFLOP a token forward and backward (matrix products), "
        f"{flops * module.tokens_done / 1e12:,.1f} TFLOP in all |",
    ]
    if "loss" in last:
        text.append(
            f"| loss | {last['loss']:.3f} nats a hidden letter; composition alone (unigram entropy): "
            f"{facts.unigram:.3f} |"
        )
    text += [
        f"| {name.replace('_', ' ')} | {last[name]:.3f} nats |"
        for name in ("contrast_loss", "distillation_loss")
        if name in last
    ]
    if looks:
        at, chosen = looks[-1], recipe.validation
        text.append(
            f"| F1 on {chosen.tested_on}, step {at['step']} | {at['rnaexp/pairs/f1']:.3f} (layer "
            f"{at['rnaexp/pairs/layer']:.0f}, head {at['rnaexp/pairs/head']:.0f}; tuned on {chosen.tuned_on}) |"
        )
    text += [
        f"| weights | {WEIGHTS}, {held}, sha256 {file_sha256(folder / WEIGHTS)} |",
        f"| versions | torch {torch.__version__}, Python {platform.python_version()} |",
        "",
        "## Recipe",
        "",
        f"`steps = {module.steps}` in the recipe, on the same machine and with one thread, gives these weights again.",
        "",
        "```json",
        json.dumps(asdict(recipe), indent=1),
        "```",
        "",
        "## Never trained on",
        "",
        "The validation and test parts of the split, and every clan of a family of the built-in set or tied to an RNA "
        "of a SPOT-RNA set:",
        "",
        *_listed(facts.excluded),
    ]
    return "\n".join(text) + "\n"


def objectives(recipe: Recipe) -> list[str]:
    """What was learned, with the weight of each loss."""
    contrast, distillation, found = recipe.contrast, recipe.distillation, []
    if recipe.objective.weight:
        found.append(f"hidden letters and columns (weight {recipe.objective.weight:g})")
    if contrast.weight:
        views = {"family": "two rows of a family", "crops": "two crops of a row"}[contrast.views]
        found.append(f"contrast of {views} (weight {contrast.weight:g}, InfoNCE, tau {contrast.temperature:g})")
    if distillation.weight:
        again = f", then of the student's own from batches {distillation.again} on" if distillation.again else ""
        found.append(
            f"pairs of {distillation.teacher}'s maps of whole alignments{again}, taught to crops of few rows "
            f"(weight {distillation.weight:g})"
        )
    return found


def labels_seen(recipe: Recipe) -> str:
    """What was known of the rows beyond their letters and columns; of structure only an initial head's numbers."""
    found = []
    if recipe.contrast.weight and recipe.contrast.views == "family":
        found.append("families (supervised: training clans)")
    if recipe.initial_head:
        found.append(f"known pairs of rfam-vl, through the numbers of {recipe.initial_head} (its first head)")
    return "; ".join(found) or "none"


def _listed(excluded: Mapping[str, str]) -> Sequence[str]:
    return [f"- {clan} ({reason})" for clan, reason in sorted(excluded.items())]


def log_lines(folder: Path) -> list[dict[str, float]]:
    """The training log."""
    path = folder / LOG
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def flops_per_token(module: Pretraining, batches: int = 8) -> float:
    """Matrix-product FLOPs of a training step, over its letters: a mean over the recipe's first batches."""
    total, tokens = 0, 0
    for number in range(batches):
        example = module.prepare(number)
        with FlopCounterMode(display=False) as counter:
            loss, _ = losses(module.network, module.recipe, example)
            loss.backward()  # type: ignore[no-untyped-call]
        total += counter.get_total_flops()
        tokens += tokens_of(example)
    module.network.zero_grad()
    return total / tokens


def recipe_card(recipe: Recipe) -> dict[str, object]:
    """The recipe's fields, flat, as parameters of a tracked run."""
    flat: dict[str, object] = {}
    for name, value in asdict(recipe).items():
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": inner for key, inner in value.items()}
        else:
            flat[name] = value
    return flat
