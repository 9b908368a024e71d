"""How often chance makes relatives, and how often relatives are found: `python tracking/relatives_table.py`.

Writes `tracking/results/relatives.csv`, the picture `docs/relatives.png` and the tables in `docs/relatives.md`; with
`--table` the last two from the CSV that is there. Nearly all of the time goes into ArchiveII (749,291 bases): some
six minutes of one core; each line on stderr is a cell done.
"""

import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from rnaexp.data.clusters import sequence_identity
from rnaexp.data.relatives import Search, relatives
from rnaexp.data.sets import load_set, set_names
from rnaexp.errors import UnavailableError
from rnaexp.rna import Rna

ROOT = Path(__file__).parents[1]
RESULTS, PAGE, PICTURE = (
    ROOT / name for name in ("tracking/results/relatives.csv", "docs/relatives.md", "docs/relatives.png")
)
LENGTHS = (8, 12, 16, 20, 24, 32, 48, 64, 100, 150, 200, 300, 400)
QUERIES = 1000  # of each length and kind; a true rate of 1 % is then measured to 0.3 points (standard error)
HALVES = ("builtin-vl", "builtin-ts")  # two parts of the built-in set
COPIES = 60
IDENTITIES = (1.0, 0.9, 0.8, 0.7)
BINS = (0, 40, 50, 60, 70, 80, 90, 100)
PARTS = {"a whole RNA": 1, "half of one": 2, "a third of one": 3}


def main() -> None:
    if "--table" not in sys.argv:
        sets = dict(available())
        rows = [*by_chance(sets), *of_mutated_pieces(sets), *of_parts(sets), *of_families(sets["builtin"])]
        RESULTS.write_text(pd.DataFrame(rows).round(4).to_csv(index=False))
    table = pd.read_csv(RESULTS)
    curve(table).savefig(PICTURE, dpi=100)
    text = PAGE.read_text()
    for name, lines in (
        ("chance", chance_table(table)),
        ("found", found_table(table)),
        ("families", family_table(table)),
    ):
        before, _, rest = text.partition(f"<!-- {name} -->\n")
        text = f"{before}<!-- {name} -->\n{lines}\n<!-- end -->{rest.partition('<!-- end -->')[2]}"
    PAGE.write_text(text)


def available() -> Iterator[tuple[str, tuple[Rna, ...]]]:
    """The sets that can be read here: built in, or mirrored."""
    for name in set_names():
        try:
            rnas = () if name in HALVES else load_set(name).rnas
            if rnas:
                yield name, rnas
        except UnavailableError as error:
            sys.stderr.write(f"{name} is left out: {error}\n")


def share(queries: Sequence[Rna], rnas: Sequence[Rna]) -> float:
    """How many of the queries, each alone, have a relative among the RNAs."""
    search = Search(rnas)
    return sum(bool(search.relatives([query])) for query in queries) / len(queries)


def by_chance(sets: dict[str, tuple[Rna, ...]]) -> Iterator[dict[str, Any]]:
    chance = random.Random(0)
    for name, rnas in sets.items():
        for length in LENGTHS:
            long = [rna.sequence for rna in rnas if len(rna) >= length]
            for kind, some in (
                ("random", [drawn(chance, length) for _ in range(QUERIES)]),
                ("shuffled", [shuffled(chance, piece(chance, long, length)) for _ in range(QUERIES if long else 0)]),
            ):
                if some:
                    found = share([rna(text) for text in some], rnas)
                    sys.stderr.write(f"{name}, {length} bases, {kind}: {found:.2%}\n")
                    yield {"what": kind, "set": name, "bases": length, "queries": len(some), "share": found}


def of_mutated_pieces(sets: dict[str, tuple[Rna, ...]]) -> Iterator[dict[str, Any]]:
    """Pieces of built-in RNAs with some bases changed, searched in that set."""
    chance, rnas = random.Random(1), sets["builtin"]
    for length in LENGTHS:
        long = [rna.sequence for rna in rnas if len(rna) >= length]
        for identity in IDENTITIES if long else ():
            copies = [rna(mutated(chance, piece(chance, long, length), identity)) for _ in range(COPIES)]
            yield row("mutated piece", length, identity, COPIES, share(copies, rnas))


def of_parts(sets: dict[str, tuple[Rna, ...]]) -> Iterator[dict[str, Any]]:
    """Whole RNAs, halves and thirds of the built-in set and of SPOT-RNA's TS1, mutated."""
    chance = random.Random(2)
    for name in ("builtin", "spot-rna-ts1"):
        for part, of in PARTS.items():
            for identity in IDENTITIES:
                texts = [each.sequence for each in sets.get(name, ())]
                parts = [piece(chance, [text], len(text) // of) for text in texts]
                copies = [rna(mutated(chance, text, identity)) for text in parts]
                if copies:
                    yield row(part, None, identity, len(copies), share(copies, sets[name])) | {"set": name}


def of_families(rnas: Sequence[Rna]) -> Iterator[dict[str, Any]]:
    """Pairs of members of one family, by identity."""
    found: dict[int, list[bool]] = {}
    for at, one in enumerate(rnas):
        for other in rnas[at + 1 :]:
            if one.family == other.family:
                identity = 100 * sequence_identity(one.sequence, other.sequence)
                place = max(low for low in BINS if identity >= low)
                found.setdefault(place, []).append(bool(relatives([one], [other])))
    for low, some in sorted(found.items()):
        yield row("members of a family", None, low / 100, len(some), sum(some) / len(some)) | {"set": "builtin"}


def row(what: str, bases: int | None, identity: float, queries: int, found: float) -> dict[str, Any]:
    return {"what": what, "set": "builtin", "bases": bases, "identity": identity, "queries": queries, "share": found}


def rna(text: str) -> Rna:
    return Rna(id="query", sequence=text)


def drawn(chance: random.Random, length: int) -> str:
    return "".join(chance.choices("ACGU", k=length))


def piece(chance: random.Random, texts: Sequence[str], length: int) -> str:
    text = chance.choice(texts)
    start = chance.randint(0, len(text) - length)
    return text[start : start + length]


def shuffled(chance: random.Random, text: str) -> str:
    return "".join(chance.sample(text, len(text)))


def mutated(chance: random.Random, text: str, identity: float) -> str:
    changed = set(chance.sample(range(len(text)), round((1 - identity) * len(text))))
    return "".join(
        chance.choice([letter for letter in "ACGU" if letter != base]) if at in changed else base
        for at, base in enumerate(text)
    )


def chance_table(table: pd.DataFrame) -> str:
    part = table[table["what"].isin(("random", "shuffled"))]
    lines = ["| set | queries | " + " | ".join(map(str, LENGTHS)) + " |", "|---|---" + "|---" * len(LENGTHS) + "|"]
    for (name, kind), some in part.groupby(["set", "what"], sort=False):
        shares = some.set_index("bases")["share"]
        cells = [f"{100 * shares[length]:.1f}" if length in shares else "" for length in LENGTHS]
        least, most = some["queries"].min(), some["queries"].max()
        queries = f"{most}" if least == most else f"{least} to {most}"
        lines.append(f"| `{name}` | {queries} {kind} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def found_table(table: pd.DataFrame) -> str:
    lines = ["| set | part | " + " | ".join(f"{one:.0%}" for one in IDENTITIES) + " |", "|---|---|---|---|---|---|"]
    for (name, what), some in table[table["what"].isin(PARTS)].groupby(["set", "what"], sort=False):
        shares = some.set_index("identity")["share"]
        lines.append(f"| `{name}` | {what} | " + " | ".join(f"{shares[one]:.0%}" for one in IDENTITIES) + " |")
    return "\n".join(lines)


def family_table(table: pd.DataFrame) -> str:
    lines = ["| identity over the shorter one | pairs | found |", "|---|---|---|"]
    for _, one in table[table["what"] == "members of a family"].iterrows():
        low = round(100 * one["identity"])
        high = next((high for high in BINS if high > low), None)
        lines.append(f"| {f'{low} to {high} %' if high else '100 %'} | {one['queries']} | {one['share']:.0%} |")
    return "\n".join(lines)


def curve(table: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    pieces = table[table["what"] == "mutated piece"]
    for identity, some in pieces.groupby("identity", sort=False):
        axes.plot(some["bases"], 100 * some["share"], "o-", label=f"pieces of built-in RNAs, {identity:.0%} kept")
    for kind in ("random", "shuffled"):
        worst = table[table["what"] == kind].groupby("bases")["share"].max()
        axes.plot(worst.index, 100 * worst, "x--", label=f"{kind} sequences, the worst set")
    axes.axhline(1, lw=0.6, color="grey")
    axes.set(xscale="log", yscale="symlog", xlabel="bases", ylabel="taken for relatives [%]", ylim=(0, 110))
    axes.set_xticks(LENGTHS, map(str, LENGTHS), minor=False)
    axes.set_xticks([], minor=True)
    axes.legend(fontsize=8, loc="center right")
    return figure


if __name__ == "__main__":
    main()
