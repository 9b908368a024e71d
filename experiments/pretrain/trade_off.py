"""The trade-off between pairs and families: one recipe, and every training that differs from it in one or two fields.

`python experiments/pretrain/trade_off.py train FOLDER [NAME ...]` trains what is not finished yet, as `rnaexp pretrain`
does; `score FOLDER` measures it on both tasks, `probe FOLDER` the corners' heads weighted by a fitted probe;
`python tracking/trade_off_table.py FOLDER` makes tables and figure.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BASE = HERE / "trade_off.toml"
STRUCTURES = ("letters", "columns", "distillation")
WEIGHTS = (0.0, 0.1, 0.3, 1.0)
CORNERS = (("letters", 0.0), ("letters", 1.0), ("distillation", 0.0), ("distillation", 1.0))
# Tokens of a batch of hidden letters, for (is there contrast, is there distillation), so that every step reads 3,650 to
# 3,750 letters: what contrast (1,940) and distillation (870) read is taken from the hidden letters.
LETTER_TOKENS = {(False, False): 4096, (True, False): 2048, (False, True): 3072, (True, True): 1024}
WIDTHS = {"0.02": (24, 48), "0.06": (40, 128), "0.6": (120, 640)}  # width, and of the feed-forward layers
CENTRE = "columns-0.3"  # what data, size and balance are varied from
BALANCES = {"rows": 1.0, "family": 0.0, "clan": 0.0}  # by what families are drawn, and the power of contrast's clans
# Contrast of two crops of one row, 50 to 100 % of it, a tenth of the letters drawn anew: no labels. Never tuned.
CROPPED = {"views": "crops", "least": 0.5, "mutated": 0.1}
WITHOUT_LABELS = (("letters", 0.3), ("letters", 1.0), ("distillation", 0.3))
NOT_OF_THE_RECIPE = ("one_in", "continues")  # a share of the clans; a training whose saved state this one begins with
Fields = Mapping[str, Any]


def objectives(structure: str, weight: float, *, fewer: bool = False) -> dict[str, Fields]:
    """Fields of one place of the grid; `fewer`: only the letters that those with contrast read, without it."""
    distilled, whole = structure == "distillation", 0.0 if structure == "letters" else 0.5
    return {
        "objective": {"weight": 0.2 if distilled else 1.0, "whole_columns": [[0, whole]]},
        "distillation": {"weight": 1.0 if distilled else 0.0},
        "contrast": {"weight": weight},
        "crops": {"tokens": LETTER_TOKENS[weight > 0 or fewer, distilled]},
    }


def trainings() -> dict[str, Fields]:
    """Name of each training to the fields in which it differs from the base, in the order in which they are trained."""
    found: dict[str, Fields] = {}
    for weight in (0.0, 1.0, 0.3, 0.1):
        for structure in STRUCTURES:
            found[f"{structure}-{weight:g}"] = objectives(structure, weight)
    for seed in (1, 2):
        for structure, weight in CORNERS:
            found[f"{structure}-{weight:g}-seed-{seed}"] = {**objectives(structure, weight), "seed": seed}
    # As many hidden letters as letters-0 read; the rate has cooled down once on the way.
    found["letters-1-longer"] = {**objectives("letters", 1.0), "steps": 1200, "continues": "letters-1"}
    for structure in STRUCTURES:
        found[f"{structure}-0-fewer"] = objectives(structure, 0.0, fewer=True)
    for structure, weight in WITHOUT_LABELS:
        held = objectives(structure, weight)
        found[f"{structure}-{weight:g}-crops"] = {**held, "contrast": {**held["contrast"], **CROPPED}}
    kind, weight = CENTRE.split("-")
    centre = objectives(kind, float(weight))
    found |= {f"data-1-in-{share}": {**centre, "one_in": share} for share in (16, 4)}
    for size, (width, inner) in WIDTHS.items():
        found[f"size-{size}"] = {**centre, "network": {"hidden_size": width, "intermediate_size": inner}}
    for drawn_by, power in BALANCES.items():
        drawn = {"crops": {**centre["crops"], "drawn_by": drawn_by}}
        drawn["contrast"] = {**centre["contrast"], "clan_power": power}
        found[f"balance-{drawn_by}"] = {**centre, **drawn}
    return found


def derived(name: str) -> dict[str, Any]:
    """A training's recipe as TOML gives it; of NOT_OF_THE_RECIPE only the files know."""
    held = tomllib.loads(BASE.read_text())
    for key, value in {**trainings()[name], "title": name}.items():
        if key not in NOT_OF_THE_RECIPE:
            held[key] = {**held[key], **value} if isinstance(value, Mapping) else value
    return held


def toml_text(held: Mapping[str, Any]) -> str:
    """A mapping of values and of tables of values as TOML."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in held.items() if not isinstance(value, Mapping)]
    for name, table in held.items():
        if isinstance(table, Mapping):
            lines += ["", f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def left_out(clans: Iterable[str], one_in: int) -> list[str]:
    """Clans of the training side that a smaller corpus lacks: a smaller one is part of each larger one."""
    return [clan for clan in sorted(set(clans)) if int(hashlib.sha256(clan.encode()).hexdigest(), 16) % one_in]


def write_recipe(name: str, folder: Path) -> Path:
    """The recipe, and next to it the clans that are never trained on."""
    from rnaexp.data.rfam import read_seed, seed_path
    from rnaexp.data.rfam_split import clan, side
    from rnaexp.pretrain.families import excluded_clans

    folder.mkdir(parents=True, exist_ok=True)
    recipe = derived(name)
    excluded = (HERE / recipe["excluded"]).read_text()
    if one_in := trainings()[name].get("one_in"):
        clans = {clan(family) for family in read_seed(seed_path()) if side(family) == "train"}
        lacking = set(left_out(clans, one_in)) - excluded_clans(HERE / recipe["excluded"]).keys()
        excluded += "".join(f"{each}\t-\ttrain\tnot in 1 of {one_in}\n" for each in sorted(lacking))
    (folder / recipe["excluded"]).write_text(excluded)
    path = folder / "recipe.toml"
    path.write_text(toml_text(recipe))
    return path


def train(folder: Path, names: Iterable[str]) -> None:
    """Every training that has no card yet, one after the other; one that was stopped is resumed."""
    from rnaexp.experiment.pretrain_verb import pretrain
    from rnaexp.pretrain.checkpoint import CARD
    from rnaexp.pretrain.fit import LOG, STATE, Limits

    for name in names:
        if not (folder / name / CARD).is_file():
            before = trainings()[name].get("continues")
            if before and not (folder / name / STATE).is_file():
                (folder / name).mkdir(parents=True, exist_ok=True)
                shutil.copy(folder / before / STATE, folder / name)
                shutil.copy(folder / before / LOG, folder / name)
            pretrain(write_recipe(name, folder / name), folder / name, data=None, limits=Limits())


# Of each question the trainings that are set against each other: what contrast costs pairs, of one budget and of the
# same letters, and what a structure objective changes; then what data, size, balance and labels change.
CONTRASTS = {
    "scores": [
        *((f"{structure}-1", f"{structure}-0") for structure in STRUCTURES),
        *((f"distillation-{weight:g}", f"columns-{weight:g}") for weight in WEIGHTS),
        *((f"columns-{weight:g}", f"letters-{weight:g}") for weight in WEIGHTS),
        *((f"{structure}-{weight:g}", f"{structure}-0-fewer") for structure in STRUCTURES for weight in WEIGHTS[1:]),
        ("letters-1-longer", "letters-0"),
        ("letters-1-longer", "letters-1"),
    ],
    "data": [(f"data-1-in-{share}", CENTRE) for share in (16, 4)],
    "size": [(f"size-{size}", CENTRE) for size in WIDTHS],
    "balance": [(f"balance-{drawn_by}", CENTRE) for drawn_by in BALANCES],
    "crops": [(f"{structure}-{weight:g}-crops", f"{structure}-{weight:g}") for structure, weight in WITHOUT_LABELS],
}


def question(folder: Path, names: Iterable[str], contrasts: Iterable[tuple[str, str]] = ()) -> str:
    """Measures trainings on the sets of `nano_targets.toml`; one alone on those of `unseen_families.toml` too."""
    at = {name: str((folder / name).resolve()) for name in names}
    lines = [
        f"models = {json.dumps(list(at.values()))}",
        '[[sets]]\nvalidation = "rfam-vl"\ntest = "rfam-ts"',
        '[[protocols]]\nname = "paper"\nmin_separation = 4',
    ]
    if len(at) == 1:
        lines.insert(0, 'alignments = ["intact", "depth-1"]')
        lines.append('[[families]]\nname = "rfam-seed"\nunseen_by = "lm-nano"\nbelow_identity = 0.6')
    lines += [
        f"[[contrasts]]\nmodel = {json.dumps(at[one])}\nagainst = {json.dumps(at[two])}" for one, two in contrasts
    ]
    return "\n".join(lines) + "\n"


def score(folder: Path, names: Iterable[str]) -> None:
    """Tables of each finished training that has none yet, in its folder; then the contrasts of those, by question."""
    from rnaexp.pretrain.checkpoint import CARD

    finished = [name for name in names if (folder / name / CARD).is_file()]
    for name in finished:
        if not (folder / name / "scores_families.csv").is_file():
            answer(question(folder, [name]), folder / name / "scores.csv")
    for asked, pairs in CONTRASTS.items():
        if there := [pair for pair in pairs if set(pair) <= set(finished)]:
            both = [name for name in finished if any(name in pair for pair in there)]
            answer(question(folder, both, there), folder / f"{asked}.csv")


def probe(folder: Path, names: Iterable[str]) -> None:
    """All heads of each corner weighted by a probe that is fitted on the validation set; the network stays as it is."""
    from rnaexp.models.fitted import FITTED
    from rnaexp.pretrain.checkpoint import CARD

    corners = {f"{structure}-{weight:g}" for structure, weight in CORNERS}
    there = {name for name in corners.intersection(names) if (folder / name / CARD).is_file()}
    pairs = [(f"{kind}-1", f"{kind}-0") for kind in ("letters", "distillation")]
    text = question(folder, sorted(there), [pair for pair in pairs if there.issuperset(pair)])
    answer(text.replace(f'"{folder.resolve()}/', f'"{FITTED}{folder.resolve()}/'), folder / "fitted.csv")


def answer(text: str, table: Path) -> None:
    """Run a question; what was measured before is read from the store."""
    asked = table.with_suffix(".toml")
    asked.write_text(text)
    subprocess.run([sys.executable, "-m", "rnaexp", "run", str(asked), "--csv", str(table)], check=True)


if __name__ == "__main__":
    verb, folder, *chosen = sys.argv[1:]
    {"train": train, "score": score, "probe": probe}[verb](Path(folder), chosen or list(trainings()))
