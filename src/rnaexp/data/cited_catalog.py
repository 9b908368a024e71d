"""What is known of the sets that papers cite by name (`cited_sets.py` reads them), from their authors' pages."""

from collections.abc import Sequence

from rnaexp.data.catalog import RemoteFile, SetSpec
from rnaexp.data.dataset import Evidence, Split

_UNPINNED = "not pinned: nobody here has read the file's hash; that of the first download is kept, and must not change"
_UNSEEN = "layout as the authors' card and script say it; nobody here has seen the file"
# The card of 2026 says AGPL-3.0 (469835a), that of the preview forbids any use without permission (81cb25f).
_CHANRG_LICENCE = (
    "AGPL-3.0-or-later by its card of 2026; its preview's card: no use of any kind without prior written permission "
    "of the MultiMolecule team"
)
_PSEUDOBASE = RemoteFile(
    url="https://raw.githubusercontent.com/MarksLab-DasLab/RNAGym/0661b26d6ee86ccf0f44462834fcb7e4046bfa17/"
    "structure/pseudoknot_analysis/pseudobase_data.csv",
    sha256="01cdcdcb1842161617f1c99646ff5925ff40f44fb299eaecff50908de298335d",
)
_RNAGYM = RemoteFile(url="https://marks.hms.harvard.edu/rnagym/structure_prediction/rnagym_2d.tar.xz", sha256=None)
_RNAGYM_LICENCE = "MIT (RNAGym's repository); PseudoBase's and the PDB's own terms are not stated there"
_MC_ANNOTATE = "PDB: MC-Annotate, cis Watson-Crick pairs within a chain, as RNAGym's page says"
_MOVING = "the authors' page gives other counts at other times, so none is expected here"


def _of_hub(name: str, file: str) -> RemoteFile:
    """A data set of MultiMolecule's on the hub, at whatever revision is there when it is first downloaded."""
    return RemoteFile(url=f"https://huggingface.co/datasets/multimolecule/{name}/resolve/main/{file}", sha256=None)


def _chanrg(name: str, title: str, split: Split, *notes: str) -> SetSpec:
    return SetSpec(
        name=f"chanrg-{name}",
        title=f"CHANRG {title}",
        split=split,
        loader="rnaexp.data.cited_sets:load_chanrg",
        licence=_CHANRG_LICENCE,
        files=(_of_hub("chanrg", f"{'validation' if name == 'validation' else 'test'}.parquet"),),
        evidence="comparative",
        annotator="structures of Rfam 15.0's families (arXiv:2603.22330)",
        notes=(*notes, "RNAs of one clan, else of one family, are one cluster", _UNSEEN, _UNPINNED),
    )


def _multimolecule(name: str, title: str, evidence: Evidence | None, *notes: str) -> SetSpec:
    return SetSpec(
        name=name,
        title=title,
        split="test",
        loader="rnaexp.data.cited_sets:load_table",
        licence="AGPL-3.0 (MultiMolecule's copy; the authors' own licence is not stated there)",
        files=(_of_hub(name, "test.parquet"),),
        evidence=evidence,
        notes=(*notes, _UNSEEN, _UNPINNED),
    )


def _rnagym(name: str, title: str, *notes: str, evidence: Evidence | None = None) -> SetSpec:
    return SetSpec(
        name=name,
        title=title,
        split="test",
        loader="rnaexp.data.cited_sets:load_rnagym",
        licence=_RNAGYM_LICENCE,
        files=(_RNAGYM,),
        evidence=evidence,
        annotator=_MC_ANNOTATE,
        notes=(*notes, _MOVING, _UNSEEN, _UNPINNED),
    )


CITED: Sequence[SetSpec] = (
    _chanrg("validation", "validation split", "validation"),
    _chanrg(
        "test", "test split", "test", "shares families with chanrg-validation by design: --related keep tunes on it"
    ),
    _chanrg("genf", "GenF, families held out", "test"),
    _chanrg("genc", "GenC, clans held out", "test"),
    _chanrg("gena", "GenA, an architecture held out", "test"),
    _multimolecule(
        "bprna-new",
        "bpRNA-new, Rfam families not in bpRNA-1m",
        "comparative",
        "structures of Rfam 14.2's families (Sato et al. 2021, Nature Communications 12:941)",
    ),
    _multimolecule("casp-rna", "CASP-RNA, targets of CASP", None, "the card does not say how the pairs are known"),
    SetSpec(
        name="rnagym-pseudobase",
        title="RNAGym PseudoBase, pseudoknots",
        split="test",
        rnas=357,
        loader="rnaexp.data.cited_sets:load_table",
        licence=_RNAGYM_LICENCE,
        files=(_PSEUDOBASE,),
        evidence="published",
        annotator="PseudoBase's entries, each with its own method; the file does not say which",
        notes=(
            "every reference has crossing pairs",
            "PKB373 is left out: its structure has 101 symbols, its sequence 103 bases; RNAGym scores 358 with it",
            "Y reads as N here, as C in RNAGym's script",
        ),
    ),
    _rnagym("rnagym-pdb", "RNAGym PDB, single chains", evidence="3d"),
    _rnagym(
        "rnagym-2d",
        "RNAGym PseudoBase and PDB together",
        "evidence tells the two apart: published is PseudoBase, 3d the PDB",
    ),
)
