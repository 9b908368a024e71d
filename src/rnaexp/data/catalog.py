"""The named sets: where each comes from, under which licence, and what is to be known about it."""

from collections.abc import Sequence
from dataclasses import dataclass

from rnaexp.data.dataset import Evidence, Split


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A public file; `sha256` None: nobody here has read it, and that of the first download is kept."""

    url: str
    sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSpec:
    """What is known of a named set without loading it.

    `loader` is "module:function"; it takes this object and gives a `DataSet`. `rnas` is None where only the user's
    copy can tell.
    """

    name: str
    title: str
    split: Split
    loader: str
    rnas: int | None = None
    licence: str | None = None
    files: tuple[RemoteFile, ...] = ()
    evidence: Evidence | None = None
    annotator: str | None = None
    notes: tuple[str, ...] = ()
    needs: str | None = None


_SPOT_ZIP = RemoteFile(
    url="https://raw.githubusercontent.com/jaswindersingh2/RNAcmap2/cc11c34ca66356f82ddbec681d625b9feaaadf25/"
    "datasets/cdhit_processing/SPOT-RNA-dataset/PDB_dataset.zip",
    sha256="af147a514a31cafc4f1ed7217fcb942045c4111784fe397d839493af13182360",
)
_ARCHIVEII = RemoteFile(
    url="https://raw.githubusercontent.com/sinc-lab/rna-llm-folding/278f5e3a9fe2551fca8819e6eb78b2785144f689/"
    "data/ArchiveII.csv",
    sha256="2a14b79df8d593010abf7aa2c7e4327f72cb30dd8ef0e259287a3622841eb72a",
)


def _spot_rna(name: str, title: str, split: Split, rnas: int, *notes: str) -> SetSpec:
    return SetSpec(
        name=name,
        title=title,
        split=split,
        rnas=rnas,
        loader="rnaexp.data.public_sets:load_spot_rna",
        licence="MIT (RNAcmap2, which redistributes SPOT-RNA's data)",
        files=(_SPOT_ZIP,),
        evidence="3d",
        annotator="DSSR, as the SPOT-RNA paper says; the files do not",
        notes=(
            "pairs include non-canonical ones, pseudoknots and bases with several partners",
            "P (pseudouridine) reads as U, other modified letters as N, both counted",
            "clusters: 80 % identity over spot-rna-vl1, -ts1 and -ts2 together",
            "not SPOT-RNA-2D's sets of the same short names, nor the lab's",
            *notes,
        ),
    )


def _lab(name: str, title: str, split: Split) -> SetSpec:
    return SetSpec(
        name=name,
        title=title,
        split=split,
        loader="rnaexp.data.lab:load_lab",
        evidence="3d",
        annotator="DSSR",
        needs="RNAEXP_LAB_DATA, a folder with the authors' shared drive",
        notes=("layout unproven: nobody here has seen these files; read as FASTA + npz labels + a2m_msa2 alignments",),
    )


def _builtin(name: str, title: str, split: Split, rnas: int) -> SetSpec:
    return SetSpec(
        name=name,
        title=title,
        split=split,
        rnas=rnas,
        loader="rnaexp.data.builtin:load_builtin",
        licence="CC0 (Rfam content); two families of other sources, see builtin/PROVENANCE.md",
        annotator="consensus structure of the family, projected on each RNA",
        notes=(
            "few families, illustrative; resample families, not RNAs",
            "a projected pair is kept whatever its two letters are",
            "snR75's consensus has no pairs: a family for classification, never scored on structure",
        ),
    )


def _rfam(name: str, title: str, split: Split, *notes: str, evidence: Evidence | None = None) -> SetSpec:
    return SetSpec(
        name=name,
        title=title,
        split=split,
        loader="rnaexp.data.rfam:load_rfam",
        licence="CC0 (Rfam)",
        evidence=evidence,
        annotator="consensus structure of the seed, projected on the row",
        needs="RNAEXP_RFAM_SEED, a Stockholm file of seeds (may be gzipped), or a network",
        notes=(
            *notes,
            "without RNAEXP_RFAM_SEED it is downloaded from Rfam's site by a URL nobody here could open; the hash of "
            "the first download is kept, and any later file must equal it",
            "the first row of each seed, its consensus projected on it, with its alignment",
            "evidence per family from #=GF SS; most seeds say Predicted",
            "the alignments were built with a structure",
        ),
    )


def _wang(name: str, title: str, split: Split, loader: str, *notes: str) -> SetSpec:
    structures = loader == "load_structures"
    return SetSpec(
        name=name,
        title=title,
        split=split,
        loader=f"rnaexp.data.wang:{loader}",
        evidence="3d" if structures else None,
        annotator="DSSR, as the paper says; the files do not" if name in ("wang-vl40", "wang-ts70") else None,
        needs="RNAEXP_WANG_DATA, a folder with the record's pickles, or a network (doi:10.5281/zenodo.14430869)",
        notes=(
            *notes,
            "layout inferred from released code (heqin-zhu/structRFM, tasks/zeroshot): nobody here has seen the record",
            "opened by a reader that builds arrays, lists, strings and numbers only; T reads as U, other letters as N",
        ),
    )


CATALOG: Sequence[SetSpec] = (
    _builtin("builtin", "Nine RNA families, no download", "all", 69),
    _builtin("builtin-vl", "Built-in families for tuning", "validation", 32),
    _builtin("builtin-ts", "Built-in families for testing", "test", 37),
    _spot_rna("spot-rna-vl1", "SPOT-RNA VL1", "validation", 30, "2gtt-1-W has no pairs: 29 RNAs can be scored"),
    _spot_rna("spot-rna-ts1", "SPOT-RNA TS1", "test", 67, "4 RNAs of spot-rna-vl1 have relatives here (80 % identity)"),
    _spot_rna("spot-rna-ts2", "SPOT-RNA TS2 (NMR)", "test", 39),
    SetSpec(
        name="archiveii",
        title="ArchiveII, nine families",
        split="test",
        rnas=3864,
        loader="rnaexp.data.public_sets:load_archiveii",
        licence="none stated by its repository (sinc-lab/rna-llm-folding)",
        files=(_ARCHIVEII,),
        evidence="published",
        notes=(
            "family is the first part of the id, and each family is one cluster",
            "all pairs are canonical, as published; 5 RNAs have none; 511 are exact copies of others",
            "most of it stands in Rfam seeds, so models pre-trained on Rfam have seen it",
        ),
    ),
    _rfam("rfam-seed", "Rfam seed alignments, one RNA a family", "all"),
    _rfam(
        "rfam-vl",
        "Rfam families for tuning, published structures",
        "validation",
        "the validation twentieth of the clans (data/rfam_split.py), at least 2 rows, at most 500 columns",
        evidence="published",
    ),
    _rfam(
        "rfam-ts",
        "Rfam families held out, published structures",
        "test",
        "the held-out tenth of the clans (data/rfam_split.py), at least 2 rows, at most 500 columns",
        evidence="published",
    ),
    _rfam(
        "rfam-ts-48",
        "Rfam families held out, short, any evidence",
        "test",
        "the held-out tenth of the clans, at least 8 rows, at most 160 columns, the first 48 rows of each seed",
    ),
    _lab("lab-vl1", "The RNA-MSM lab's VL1", "validation"),
    _lab("lab-ts", "The RNA-MSM lab's TS", "test"),
    _wang("wang-vl40", "The review's VL_40", "validation", "load_structures"),
    _wang("wang-ts70", "The review's TS_70", "test", "load_structures"),
    _wang("wang-casp14", "The review's CASP14", "test", "load_structures"),
    _wang("wang-casp15", "The review's CASP15", "test", "load_structures"),
    _wang(
        "wang-rfam",
        "The review's Rfam sample, at most 10 RNAs of 4,170 families",
        "test",
        "load_rfam_sample",
        "no pairs: a set for classification",
    ),
    _wang(
        "wang-archiveii",
        "The review's ArchiveII",
        "test",
        "load_archiveii_sample",
        "no pairs: a set for classification",
    ),
)
