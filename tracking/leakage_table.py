"""What of the sets that a number is given on was in nano's training rows: `leakage.csv`.

`RNAEXP_RFAM_SEED=FILE python tracking/leakage_table.py`: families and clans by name, 24-mers, and homologs by
nhmmer (E-value 0.01 over all training rows, one strand, one round). Of the families that embeddings are classified on,
nhmmer searches one RNA each. With `FOLDER/model/families.txt tracking/results/leakage_fine_tune.csv` the rows are
those that `experiments/pretrain/fine_tune.py FOLDER` taught, the families those that neither training saw.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import pyhmmer

from rnaexp import models
from rnaexp.classify.protocol import EmbeddingProtocol
from rnaexp.data.families import Selection, load_families
from rnaexp.data.rfam import read_seed, seed_path
from rnaexp.data.rfam_split import accession, clan
from rnaexp.data.sets import load_set
from rnaexp.models.training import listed_families
from rnaexp.progress import announce
from rnaexp.rna import Rna

RESULT = Path(__file__).parent / "results" / "leakage.csv"
NANO = listed_families(models.spec("nano"))
SETS = ("rfam-vl", "rfam-ts", "rfam-ts-48", "builtin-vl", "builtin-ts", "spot-rna-vl1", "spot-rna-ts1", "spot-rna-ts2")
WORD, E_VALUE = 24, 0.01


def words(sequence: str) -> set[str]:
    return {sequence[at : at + WORD] for at in range(len(sequence) - WORD + 1)}


def digital(rnas: Sequence[Rna]) -> pyhmmer.easel.DigitalSequenceBlock:
    alphabet = pyhmmer.easel.Alphabet.rna()
    texts = [pyhmmer.easel.TextSequence(name=str(at), sequence=rna.sequence) for at, rna in enumerate(rnas)]
    return pyhmmer.easel.DigitalSequenceBlock(alphabet, [text.digitize(alphabet) for text in texts])


def homologs(rnas: Sequence[Rna], rows: Sequence[Rna], block: pyhmmer.easel.DigitalSequenceBlock) -> Iterator[str]:
    """Each RNA that has a hit: its name, the best row's, and the E-value."""
    with announce("nhmmer", len(rnas)) as bar:
        found = pyhmmer.nhmmer(digital(rnas), block, cpus=1, E=E_VALUE, incE=E_VALUE, strand="watson")
        for rna, hits in zip(rnas, found, strict=True):
            bar(1)
            if best := [hit for hit in hits if hit.evalue <= E_VALUE]:
                yield f"{rna.id} in {rows[int(best[0].name)].id} ({best[0].evalue:.0e})"


def of(found: Sequence[str | None], trained: set[str], known: set[str]) -> int | None:
    """How many are trained on; None where the set does not name them as Rfam does."""
    return sum(each in trained for each in found) if known.intersection(found) else None


def main(trained_on: frozenset[str] = NANO, result: Path = RESULT) -> None:
    every = read_seed(seed_path())
    families = [family for family in every if accession(family) in trained_on]
    rows = [
        Rna(id=f"{accession(family)}:{name}", sequence=row.replace("-", ""), family=accession(family))
        for family in families
        for name, row in zip(family.names, family.rows, strict=True)
    ]
    names, clans = {accession(family) for family in families}, {clan(family) for family in families}
    all_names, all_clans = {accession(family) for family in every}, {clan(family) for family in every}
    known = set().union(*(words(row.sequence) for row in rows))
    block, found = digital(rows), []
    protocol = EmbeddingProtocol()
    selection = Selection(
        without=NANO | names,
        without_name="nano",
        identity=protocol.identity,
        members=protocol.members,
        max_bases=protocol.max_bases,
        seed=protocol.seed,
    )
    unseen = load_families("rfam-seed", selection).rnas
    first = list({rna.family: rna for rna in reversed(unseen)}.values())
    for name, rnas, searched in [
        *((name, some, some) for name in SETS if (some := load_set(name).rnas)),
        ("rfam-seed unseen by nano", unseen, first),
    ]:
        hits = list(homologs(searched, rows, block))
        shared = [rna.id for rna in rnas if words(rna.sequence) & known]
        found.append(
            {
                "set": name,
                "rnas": len(rnas),
                "of_trained_families": of([rna.family for rna in rnas], names, all_names),
                "of_trained_clans": of([rna.cluster for rna in rnas], clans, all_clans),
                "sharing_a_24mer": len(shared),
                "searched": len(searched),
                "with_a_homolog": len(hits),
                "24mers_of": " ".join(shared[:20]),
                "homologs": "; ".join(hits[:20]),
            }
        )
        pd.DataFrame(found).to_csv(result, index=False, lineterminator="\n")


if __name__ == "__main__":
    if given := sys.argv[1:]:
        main(frozenset(Path(given[0]).read_text().split()), Path(given[1]))
    else:
        main()
