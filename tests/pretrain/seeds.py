"""A small seed file with planted stems, and recipes that train in seconds."""

import json
import random

from rnaexp.data.rfam_split import side
from rnaexp.data.stockholm import Family

PARTNER = {"A": "U", "C": "G", "G": "C", "U": "A"}
TINY = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "row_positions": "none",
    "column_positions": "relative",
    "local_width": 3,
    "column_attention": False,
}


def family_of(name, rows, clan=None):
    tags = {"AC": name} | ({"CL": clan} if clan else {})
    names = tuple(f"{name}-{at}" for at in range(len(rows)))
    return Family(names=names, rows=tuple(rows), consensus=None, tags=tags, source_sha256="")


def on_side(wanted, start=0):
    """Accessions of one side of the split."""
    at = start
    while True:
        if side(family_of(f"RF{at:05d}", ["A"])) == wanted:
            yield f"RF{at:05d}"
        at += 1


def hairpin(rng, stem=6, loop=5):
    """Rows that share a stem but no letter: A...U pairs change together."""
    half = [rng.choice("ACGU") for _ in range(stem)]
    middle = [rng.choice("AC") for _ in range(loop)]
    return "".join(half + middle + [PARTNER[letter] for letter in reversed(half)])


def seed_file(path, families=20, rows=8, seed=0):
    """Stockholm blocks, the first ten on the training side, then two of validation."""
    rng = random.Random(seed)
    names = on_side("train")
    chosen = [next(names) for _ in range(families)]
    held = on_side("validation")
    chosen += [next(held) for _ in range(2)]
    text = ""
    for name in chosen:
        text += f"# STOCKHOLM 1.0\n#=GF AC {name}\n#=GF SS Published; none\n"
        text += "".join(f"{name}.{at} {hairpin(rng)}\n" for at in range(rows))
        text += f"#=GC SS_cons {'<' * 6}{'.' * 5}{'>' * 6}\n//\n"
    path.write_text(text)
    return path


def recipe_file(path, *, steps=None, accumulate=1, every=1000, network=TINY, validation=None, **crops):
    held = {"tokens": 256, "depths": [1, 4], "depth_shares": [0.5, 0.5], "lengths": [24]} | crops
    lines = ['title = "tiny"', 'architecture = "msa"', "seed = 3"]
    lines += [f"steps = {steps}"] if steps else []
    for name, fields in {
        "network": dict(network),
        "crops": held,
        "optimiser": {"rate": 0.01, "warmup": 5, "accumulate": accumulate},
        "validation": {"every": every, "tested_on": ""} | (validation or {}),
    }.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in fields.items())]
    path.write_text("\n".join(lines) + "\n")
    return path
