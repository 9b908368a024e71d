"""What 100 steps of fine-tuning are worth over zero-shot: nano on validation-side families, known pairs taught.

`RNAEXP_RFAM_SEED=FILE python experiments/pretrain/fine_tune.py FOLDER` trains and measures: FOLDER/pairs.csv (nano, its
fitted probe and the fine-tuned network on base pairs) and FOLDER/families.csv (nano and the fine-tuned one on families
that neither has seen). Pairs are those of the seeds' consensus structures; families are labels as in nano's contrast.
Left out of the training: the sets on which heads are tuned (rfam-vl), relatives of test RNAs, excluded clans.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from rnaexp import models
from rnaexp.data.relatives import relatives
from rnaexp.data.rfam import read_seed, seed_path
from rnaexp.data.rfam_split import accession, clan, side
from rnaexp.data.sets import load_set
from rnaexp.data.stockholm import Family
from rnaexp.data.text import read_source
from rnaexp.models.training import listed_families
from rnaexp.pretrain.checkpoint import FAMILIES, write_network
from rnaexp.pretrain.continued import network_of
from rnaexp.pretrain.crops import CropSampler
from rnaexp.pretrain.distil import Distiller
from rnaexp.pretrain.families import Aligned, aligned, excluded_clans
from rnaexp.pretrain.recipe import Recipe, read_recipe
from rnaexp.pretrain.training import Pretraining, losses, rate_share
from rnaexp.rna import Pair

HERE = Path(__file__).parent
TUNED_ON, TESTED_ON = ("rfam-vl", "builtin-vl"), ("rfam-ts", "builtin-ts")
STEPS, RATE, WARMUP = 100, 1e-3, 10  # a quarter of nano's rate; one setting, not tuned


class KnownPairs(Distiller):
    """Nano's distillation with known pairs in the place of a teacher's."""

    def __init__(self, recipe: Recipe, families: Sequence[Aligned], pairs: Sequence[Sequence[Pair]]) -> None:
        self.chosen, self.crops, self.families = recipe.distillation, recipe.distillation_crops, families
        self.pairs, self.sampler = list(pairs), CropSampler(families, self.crops)

    def _turn(self, wanted: int) -> None:
        """There is one teacher."""


def chosen(families: Sequence[Family]) -> list[Family]:
    """Families of the validation side with a consensus structure that nothing is tuned or tested on."""
    never = set(excluded_clans(HERE / "excluded_rfam.tsv"))
    never |= {str(rna.cluster) for name in (*TUNED_ON, *TESTED_ON) for rna in load_set(name).rnas}
    found = [each for each in families if side(each) == "validation" and each.consensus and clan(each) not in never]
    tested = [rna for name in TESTED_ON for rna in load_set(name).rnas]
    rows = [(at, family.member(row)) for at, family in enumerate(found) for row in range(len(family.rows))]
    near = {clan(found[rows[mine][0]]) for mine, _ in relatives([rna for _, rna in rows], tested)}
    return [each for each in found if clan(each) not in near]


def recipe() -> Recipe:
    """Nano's, with few steps and a small rate, and no teacher that follows."""
    held = read_recipe(HERE / "nano.toml")
    return replace(
        held,
        title="nano, fine-tuned",
        steps=STEPS,
        optimiser=replace(held.optimiser, rate=RATE, warmup=WARMUP),
        distillation=replace(held.distillation, again=()),
    )


def fine_tuned(families: Sequence[Family], wanted: Recipe) -> Pretraining:
    """Nano after the steps of the recipe, with nano's three objectives."""
    rows = [aligned(family) for family in families]
    network = network_of(models.load("nano", device="cpu"), wanted).train()
    module = Pretraining(network, replace(wanted, distillation=replace(wanted.distillation, weight=0.0)), rows, None)
    module.distiller = KnownPairs(wanted, rows, [family.consensus or () for family in families])
    optimizer = module.configure_optimizers()
    for number in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = wanted.optimiser.rate * rate_share(number, STEPS, wanted.optimiser)
        loss, parts = losses(network, wanted, module.prepare(number))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), wanted.optimiser.clip)
        optimizer.step()
        if number % 10 == 9:
            print(number + 1, {name: round(value, 3) for name, (value, _) in parts.items()}, flush=True)
    return module


def unseen(names: set[str]) -> str:
    """The seeds without families that either network was trained on."""
    never = names | listed_families(models.spec("nano"))
    text, block, kept = "", "", True
    for line in read_source(seed_path()).lines:
        block += f"{line}\n"
        if line.startswith("#=GF AC"):
            kept = line.split()[-1] not in never
        if line == "//":
            text, block, kept = text + block * kept, "", True
    return text


def questions(folder: Path) -> dict[str, str]:
    """Of pairs and of families, as TOML."""
    ours = json.dumps(str((folder / "model").resolve()))
    both = zip(TUNED_ON, TESTED_ON, strict=True)
    sets = "".join(f'[[sets]]\nvalidation = "{one}"\ntest = "{two}"\n' for one, two in both)
    against = [(ours, '"nano"'), ('"fitted:nano"', '"nano"'), (ours, '"fitted:nano"')]
    contrasts = "".join(f"[[contrasts]]\nmodel = {one}\nagainst = {two}\n" for one, two in against)
    protocol = '[[protocols]]\nname = "paper"\nmin_separation = 4\n'
    seeds = json.dumps(str((folder / "unseen.sto").resolve()))
    unlike = f'[[families]]\nname = {seeds}\nunseen_by = "none"\nbelow_identity = 0.6\n'
    return {
        "pairs": f'models = ["nano", "fitted:nano", {ours}]\n{sets}{protocol}{contrasts}',
        "families": f'models = ["nano", {ours}]\n{unlike}',
    }


def main(folder: Path) -> None:
    """Train what is not trained yet, and measure."""
    every = read_seed(seed_path())
    families = chosen(every)
    (folder / "model").mkdir(parents=True, exist_ok=True)
    if not (folder / "model" / FAMILIES).is_file():
        module = fine_tuned(families, recipe())
        write_network(module.network, folder / "model")
        (folder / "model" / FAMILIES).write_text("".join(f"{accession(family)}\n" for family in families))
    (folder / "unseen.sto").write_text(unseen({accession(family) for family in families}))
    for name, text in questions(folder).items():
        (folder / f"{name}.toml").write_text(text)
        words = ["run", str(folder / f"{name}.toml"), "--csv", str(folder / f"{name}.csv")]
        subprocess.run([sys.executable, "-m", "rnaexp", *words], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
