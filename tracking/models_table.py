"""The tables of docs/sources.md, from the catalogue: `python tracking/models_table.py`."""

import sys

from rnaexp.models.catalog import names, spec
from rnaexp.models.source import Source
from rnaexp.models.spec import ModelSpec

# Names as heqin-zhu/structRFM lists them (tasks/zeroshot/extract_embs/tools.py); the last two are in the paper alone.
PAPER = {
    "DNABERT (k=3)": ("dnabert-3mer",),
    "DNABERT (k=6)": ("dnabert-6mer",),
    "DNABERT-2": ("dnabert-2",),
    "NT": ("nt-500m-human-ref", "nt-v2-50m", "nt-v2-100m", "nt-v2-250m", "nt-v2-500m"),
    "LucaOne": ("lucaone",),
    "UTR-LM": ("utr-lm-mrl", "utr-lm-te-el"),
    "SpliceBERT": ("splicebert", "splicebert-510", "splicebert-human-510"),
    "BiRNA-BERT (BPE)": ("birna-bert",),
    "BiRNA-BERT (NUC)": ("birna-bert-nuc",),
    "RNA-FM": ("rna-fm",),
    "RiNALMo (micro)": ("rinalmo-micro",),
    "RiNALMo (mega)": ("rinalmo-mega",),
    "RiNALMo (giga)": ("rinalmo-giga",),
    "RNAErnie": ("rnaernie",),
    "ERNIE-RNA": ("ernie-rna",),
    "ProtRNA": ("protrna",),
    "AIDO.RNA (650M)": ("aido-rna-650m",),
    "AIDO.RNA (1.6B)": ("aido-rna-1.6b",),
    "RNA-km": ("rna-km",),
    "MP-RNA": ("mp-rna",),
    "evo2": ("evo-2-7b",),
    "RNA-MSM": ("rna-msm",),
    "ESM2": ("esm2-8m", "esm2-35m", "esm2-150m", "esm2-650m", "esm2-3b", "esm2-15b"),
}


def published() -> list[ModelSpec]:
    """Rows with weights of somebody else."""
    rows = [spec(name) for name in names()]
    return [row for row in rows if row.sources or row.unavailable]


def sources() -> str:
    lines = ["| model | source | layout | licence of this copy | proof |", "|---|---|---|---|---|"]
    for row in published():
        if row.unavailable:
            lines.append(
                f"| `{row.name}` | cannot be fetched: {row.unavailable.split(';')[0]} | | | {row.proof_state} |"
            )
            continue
        lines += [line(row, at, source) for at, source in enumerate(row.sources)]
    return "\n".join(lines)


def line(row: ModelSpec, at: int, source: Source) -> str:
    address = " with ".join(f"`{found.address}`" for found in (source, *source.beside))
    parts = [part for part in (source.file, source.member) if part]
    inside = f", `{'` in `'.join(reversed(parts))}`" if parts else ""
    licence = source.licence or row.licence or "unknown"
    proof = (row.proof_state or "unproven") if at == 0 else ""
    return f"| {f'`{row.name}`' if at == 0 else ''} | {address}{inside} | {source.layout} | {licence} | {proof} |"


def paper() -> str:
    lines = ["| in the paper | here | state |", "|---|---|---|"]
    for name, rows in PAPER.items():
        state = "cannot be fetched" if all(spec(row).unavailable for row in rows) else spec(rows[0]).proof_state
        lines.append(f"| {name} | {', '.join(f'`{row}`' for row in rows)} | {state} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(f"{sources()}\n\n{paper()}\n")
