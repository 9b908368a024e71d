"""What is asked of the program: inputs, and the commands in the order in which they run, all in one folder."""

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.proteins.toy import File, chain, random_sequence

INPUTS = Path(__file__).parent / "inputs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command. `{run:NAME}` in it is the run id that the step of that name printed; `files` are what it writes."""

    name: str
    command: str
    code: int = 0
    files: tuple[str, ...] = ()  # beyond --json, CSV files, MLflow and the store

    def words(self, run_ids: dict[str, str]) -> list[str]:
        words = self.command
        for name, run_id in run_ids.items():
            words = words.replace("{run:" + name + "}", run_id)
        return words.split()


SETS = "--validation validation.fa --test test.fa"
STEPS = (
    Step(name="models_list", command="models list --json"),
    Step(name="models_show", command="models show lm-nano --json"),
    Step(name="models_check", command="models check lm-nano --json"),
    Step(name="data_list", command="data list --json"),
    Step(name="data_show", command="data show test.fa --json"),
    Step(name="doctor", command="doctor --models --json"),
    Step(name="run_one", command=f"run --model lm-nano {SETS} --csv run_one.csv --json", files=("run_one*.csv",)),
    Step(
        name="run_several",
        command=f"run --model stems --model random {SETS} --protocol strict --csv several.csv --json",
        files=("several*.csv",),
    ),
    Step(
        name="run_rnabert",
        command=f"run --model untrained:rnabert {SETS} --score-scale z-score --families none "
        "--register --name by-flag --json",
    ),
    Step(
        name="run_wrapped",
        command=f"run --model fitted:lm-nano --model jacobian:lm-nano --model planted {SETS} --families none --json",
    ),
    Step(
        name="run_alignments",
        command="run --model msm-nano --model covariation --validation aligned_vl --test aligned_ts "
        "--alignment shuffled --families none --json",
    ),
    Step(
        name="question_pairs",  # one of its models cannot be run, the others are
        command="run pairs.toml --csv pairs.csv --json",
        code=65,
        files=("pairs*.csv",),
    ),
    Step(name="question_shard", command="run pairs.toml --shard 2/4 --json"),
    Step(name="question_families", command="run families.toml --csv families.csv --json", files=("families*.csv",)),
    Step(name="question_both", command="run both.toml --csv both.csv --json", files=("both*.csv",)),
    Step(name="question_fitness", command="run fitness.toml --csv variants.csv --json", files=("variants*.csv",)),
    Step(name="structure", command="structure --model lm-nano --test other.fa --tuned {run:run_one} --json"),
    Step(
        name="classify",
        command="classify --model lm-nano --set builtin --members 4 --beside untrained:lm-nano "
        "--csv classify.csv --json",
        files=("classify*.csv",),
    ),
    Step(
        name="classify_remote", command="classify --model shuffled:lm-nano --set families --below-identity 0.9 --json"
    ),
    Step(
        name="classify_authors",
        command="classify --model 1-mer --set families --protocol authors --repetitions 2 --json",
    ),
    Step(
        name="fitness",
        command="fitness --model lm-nano --model mutations --set assay.csv --sample 20 --csv fitness.csv --json",
        files=("fitness*.csv",),
    ),
    Step(
        name="fitness_alignment",
        command="fitness --model conservation --set assay.csv --alignment wild.a3m --direction lower --json",
    ),
    Step(
        name="score_maps",
        command=f"score --name theirs --maps maps {SETS} --heads-per-layer 2 --json",
    ),
    Step(name="score_pairs", command="score --name folder --pairs pairs --test test.fa --json"),
    Step(name="score_embeddings", command="score --name vectors --embeddings vectors.npz --set families --json"),
    Step(
        name="predict",
        command="predict mine.fa --model lm-nano --tuned {run:run_one} --format json --format bpseq --format ct "
        "--out predicted",
        files=("predicted/*", "predicted/*/*"),
    ),
    Step(
        name="embed",
        command="embed mine.fa --model untrained:rnabert --out embeddings.parquet",
        files=("embeddings.parquet", "skipped.csv"),
    ),
    Step(
        name="embed_long",
        command="embed long.fa --model untrained:rnabert --model lm-nano --pooling max --reduction random-projection "
        "--long window --out long.parquet",
        files=("long-*.parquet",),
    ),
    Step(
        name="predict_long",
        command="predict long.fa --model untrained:rnabert --tuned {run:run_rnabert} --long window "
        "--out predicted_long",
        files=("predicted_long/*",),
    ),
    Step(
        name="contacts",
        command="run --model planted --config planted.json --protocol contacts --test proteins --csv contacts.csv "
        "--json",
        files=("contacts*.csv",),
    ),
    Step(
        name="contacts_elsewhere",
        command="structure --model planted --config planted.json --test other_proteins --tuned {run:contacts} --json",
    ),
    Step(name="question_contacts", command="run contacts.toml --json"),
    Step(name="search", command=f"search --model lm-nano {SETS} --trials 4 --json"),
    Step(
        name="compare",
        command="compare --csv board.csv --tradeoff tradeoff.csv --log",
        files=("board*.csv", "tradeoff.csv"),
    ),
    Step(name="msa", command="msa mine.fa --database database.fa --out alignments --json", files=("alignments/*",)),
    Step(name="register", command="register {run:run_one}"),
    Step(
        name="predict_registered",
        command="predict mine.fa --model models:/lm-nano/1 --out by_registry",
        files=("by_registry/*",),
    ),
)

REFUSALS = (
    "run --test test.fa",
    "run --modle stems",
    "run --model stems --seed 1 --seed 2",
    "run --model stems --model stems",
    "run --model plantde",
    "run --model stems --test nofile.fa",
    "run --model stems --test broken.fa",
    "run --model stems --protocol loose",
    "run --model stems --min-separation few",
    "run --model lm-nano --precision int8",
    "run --model lm-nano --device tpu",
    "run --model lm-nano --long cut",
    "run --model lm-nano --weights nofile.safetensors",
    "run --model rna-fm --related drop --alignment turned",
    "run --model stems --validation test.fa --test test.fa",
    "run both.toml --model stems",
    "run no_sets.toml",
    "run no_toml.toml",
    "run misspelt.toml",
    "run families_wrong.toml",
    "run fitness_wrong.toml",
    "run nofile.toml",
    "run pairs.toml --shard 5/4",
    "structure --model random --test builtin-ts",
    "predict mine.fa --model random",
    "predict nofile.fa --model lm-nano",
    "predict mine.fa --model lm-nano --format pdf",
    "predict broken.fa --model lm-nano --strict",
    "embed nofile.fa --model lm-nano",
    "classify --model lm-nano --set nothing",
    "classify --model lm-nano --pooling median",
    "fitness --model lm-nano --set nofile.csv",
    "fitness --model lm-nano --set assay.csv --convention masked",
    "fitness --model lm-nano --set assay.csv --direction up",
    "score --name x --test test.fa",
    "score --name x --maps maps",
    "run --model rnabert --protocol contacts --test proteins",
    "register 0123456789abcdef0123456789abcdef",
    "compare --experiment nothing",
    "models show plantde",
    "data show nothing",
    "nothing",
)


def prepare(folder: Path) -> None:
    """Everything the commands read."""
    shutil.copytree(INPUTS, folder, dirs_exist_ok=True)
    rnas = {**_read(folder / "validation.fa"), **_read(folder / "test.fa")}
    turned = [f">o{at}\n{rna[::-1]}\n{_turned(brackets)}\n" for at, (rna, brackets) in enumerate(rnas.values())]
    (folder / "other.fa").write_text("".join(turned))
    (folder / "long.fa").write_text(">long\n" + "".join(random.Random(9).choices("ACGU", k=470)) + "\n")
    _maps(folder / "maps", rnas)
    _pairs(folder / "pairs", _read(folder / "test.fa"))
    _aligned(folder / "aligned_vl", _read(folder / "validation.fa"))
    _aligned(folder / "aligned_ts", _read(folder / "test.fa"))
    _families(folder)
    _proteins(folder / "proteins", range(8))
    _proteins(folder / "other_proteins", range(8, 11))
    _database(folder / "database.fa", (folder / "mine.fa").read_text().splitlines()[3])


def _read(path):
    lines = path.read_text().splitlines()
    return {name[1:]: (letters, brackets) for name, letters, brackets in zip(*[iter(lines)] * 3, strict=True)}


def _turned(brackets):
    return brackets[::-1].translate(str.maketrans("()[]", ")(]["))


def _pairs_of(brackets):
    open_at, found = {"(": [], "[": []}, []
    for at, mark in enumerate(brackets):
        if mark in open_at:
            open_at[mark].append(at)
        elif mark in ")]":
            found.append((open_at["(" if mark == ")" else "["].pop(), at))
    return found


def _maps(folder, rnas):
    """Two layers of two heads; the last head sees the pairs, through noise."""
    folder.mkdir()
    chance = np.random.default_rng(7)
    for name, (letters, brackets) in rnas.items():
        maps = chance.random((4, len(letters), len(letters)))
        for i, j in _pairs_of(brackets):
            maps[3, i, j] += 1.0
        np.save(folder / f"{name}.npy", (maps / maps.sum(-1, keepdims=True)).astype(np.float32))


def _pairs(folder, rnas):
    folder.mkdir()
    for name, (letters, brackets) in rnas.items():
        (folder / f"{name}.dbn").write_text(f">{name}\n{letters}\n{brackets.replace('[', '.').replace(']', '.')}\n")


def _aligned(folder, rnas):
    """Beside each structure seven rows, whose pairs change together."""
    folder.mkdir()
    chance = random.Random(6)
    for name, (letters, brackets) in rnas.items():
        rows = []
        for _ in range(7):
            row = [chance.choice("ACGU") if chance.random() < 0.2 else base for base in letters]
            for i, j in _pairs_of(brackets):
                row[i], row[j] = chance.choice(("AU", "UA", "GC", "CG", "GU"))
            rows.append("".join(row))
        (folder / f"{name}.dbn").write_text(f">{name}\n{letters}\n{brackets}\n")
        (folder / f"{name}.a3m").write_text("".join(f">{at}\n{row}\n" for at, row in enumerate([letters, *rows])))


def _families(folder):
    chance = random.Random(11)
    names = []
    (folder / "families").mkdir()
    for family in range(4):
        first = chance.choices("ACGU", k=50 + family)
        lines = []
        for member in range(5):
            letters = "".join(chance.choice("ACGU") if chance.random() < 0.3 else base for base in first)
            lines.append(f">r{member}\n{letters}\n")
            names.append(f"fam{family}:r{member}")
        (folder / "families" / f"fam{family}.fasta").write_text("".join(lines))
    vectors = np.random.default_rng(2).normal(size=(len(names), 12)) + np.repeat(np.eye(4), 5, 0) @ np.ones((4, 12))
    np.savez(folder / "vectors.npz", keys=np.array(names), vectors=vectors)


def _proteins(folder, numbers):
    folder.mkdir()
    for at in numbers:
        atoms, names = chain("A", random_sequence(60 + 3 * at, 50 + at), at, lost={5}, crowding=15)
        (folder / f"p{at}.pdb").write_text(File({"A": names}, [atoms]).pdb())


def _database(path, rna):
    """Copies of an RNA with one letter in ten drawn anew."""
    chance = random.Random(4)
    copies = ["".join(chance.choice("ACGU") if chance.random() < 0.1 else base for base in rna) for _ in range(12)]
    path.write_text("".join(f">d{at}\n{letters}\n" for at, letters in enumerate(copies)))
