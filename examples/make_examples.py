"""Writes this folder's RNAs from the built-in test set: `python examples/make_examples.py`.

`my_rnas.fasta`: sequences alone. `my_structures.dbn`: the same with their families' structures, a small test set.
`trna.a3m`: one of them with homologs, as a model of alignments reads it.
"""

from pathlib import Path

from rnaexp.data.dot_bracket import to_dot_bracket
from rnaexp.data.sets import load_set

HERE = Path(__file__).parent
CHOSEN = {
    "tRNA_archaeal": "tRNA:CP000660.1/704452-704523",
    "tRNA_mitochondrial": "tRNA:X99772.1/5062-5131",
    "U1_snRNA": "U1:L25915.1/1-159",
    "SRP_RNA_human": "Euk_SRP:HOM.S._A",
}
ROWS = 40  # of the alignment: more tell msm-nano little (docs/nano_depth.png)


def main() -> None:
    """Three small files."""
    known = {rna.id: rna for rna in load_set("builtin-ts").rnas}
    rnas = {name: known[where] for name, where in CHOSEN.items()}
    heads = {name: f">{name} {CHOSEN[name].partition(':')[2]}\n{rna.sequence}\n" for name, rna in rnas.items()}
    (HERE / "my_rnas.fasta").write_text("".join(heads.values()))
    brackets = {name: to_dot_bracket(len(rna), rna.pairs or ()) for name, rna in rnas.items()}
    (HERE / "my_structures.dbn").write_text("".join(f"{heads[name]}{brackets[name]}\n" for name in rnas))
    alignment = rnas["tRNA_archaeal"].alignment
    rows = [alignment.rows[0], *alignment.rows[1 :: len(alignment.rows) // ROWS + 1]]
    names = ["tRNA_archaeal", *(f"homolog_{at}" for at in range(1, len(rows)))]
    (HERE / "trna.a3m").write_text("".join(f">{name}\n{row}\n" for name, row in zip(names, rows, strict=True)))


if __name__ == "__main__":
    main()
