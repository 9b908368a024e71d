"""Suites of assays: named ones from pinned public files, and a user's folder of tables with a sheet of categories."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rnaexp.data.catalog import RemoteFile
from rnaexp.errors import InputError

_NABENCH = "https://raw.githubusercontent.com/mrzzmrzz/NABench/0a75bc2e79a364f44e28a11e80ae7d861984ad37/data/"
# The repository's tables of ribozymes, tRNAs and aptamers, each with the sha256 of the file at that commit.
_NABENCH_RNA = {
    "Andreasson_2020_ribozyme": "e32f10e186d54ec0055fc0c9498f5b99d2f52469e28d5cb0706243a8de1e8f23",
    "Beck_2022_ribozyme": "3ecdadd36efb6e412ab77fc8c5345e7e412a90b0725bb1984b26a9041a33db19",
    "Guy_2014_tRNA": "94c26877ffe6188c7f8bb9295d144711857925e6736dc8730461944fdb99435a",
    "Janzen_2022_fam1a1_ribozyme": "65fa529376e82817a0318af5fecc19426c06e53a2b9399295c844ee815756174",
    "Janzen_2022_fam1b1_ribozyme": "fcf578fba82e47f81839d04f630be62a92ac6bc2f70d3749044be1c1f6abbba2",
    "Janzen_2022_fam22_ribozyme": "d0c86a86a5d5fcf5881974e3782e81b92ebb0abc7561906cf3e1e64a940b4889",
    "Janzen_2022_fam31_ribozyme": "d1878372c66ba33c34d4bb41e000cd8d2a306b307b958d858374b813c8d2f42c",
    "Kobori_2015_ribozyme_j12": "babca5f83e3952ed63c590f4d10d390da909465ce5789234bec37ac7e6a9683c",
    "Kobori_2015_ribozyme_tw": "2b5d2a76c69e49d3258342f47430d1624b867970c75314ce54af173f82fbc622",
    "Kobori_2018_ribozyme": "4e583436a728dede9b5db53e1fc05edcc98cf42209751e912286e37c1648abbc",
    "Peri_2022_ribozyme": "5d415beed5d0684a1bcfa648e53ec4d6e661ff0ff999274454c81dc4fba24681",
    "Pitt_2010_ribozyme": "797438688ce17055440e43627e399b85bcd589c982b6b6a914fb6396628566d7",
    "Rachapun_2022_L1_R1_R2_ribozyme": "73c8358b2b0d4c71c352832499e7b26f3c2655f1bbc6bbc2fa67d2b5d92a8c59",
    "Rachapun_2022_L2_R1_R2_ribozyme": "0637365c6baddc8bb6ce2ec657f2aa33c8e757d524b979785394ef1d3c099e2c",
    "Rachapun_2022_L3_R1_R2_ribozyme": "44854e7ba06ba5ae47a00eb461aec200457076ecd45f04a3bc891c1d8d794727",
    "Rachapun_2022_L4B_R1_R2_ribozyme": "dc833bb09708d6f3fd824c200c0e43b764562d296f0d5960bbca8deecc57111d",
    "Rachapun_2022_L4_R1_R2_ribozyme": "6603b9ec2491bdd912fba67b89d379b1d8220b84a895471bd63e1a07dd601f2e",
    "Rachapun_2022_L5_R1_R2_ribozyme": "fde60bb0751844b39a4122919b065f54d9920f7cc9c460bcd934d285966e622f",
    "Rachapun_2022_L6_R1_R2_ribozyme": "0d7dbf7e902ee3fb6721d3d1c38a85a0c1209153e04fceea1599b290a4f089cf",
    "Rachapun_2022_L7_R1_R2_ribozyme": "e60511a963dca50e12d31615480754bc180a6d80dee415c3b0db3356443b8a7f",
    "Rachapun_2022_L8_R1_R2_ribozyme": "261758252a0d691d4030f58f9931a2c3565a15a75b8f8950fc78808ec0313574",
    "Roberts_2023_cepeb3_ribozyme": "47a216ec5cb6be287308972202881d5985877052bb24f8b7f755da1b222854b1",
    "Roberts_2023_hp_ribozyme": "7cf342334fd6cca2d1a7bfea6bfbfa669909cdaf75e2749534204771797c0789",
    "Roberts_2023_tw_ribozyme": "8800d9295c4db203a6eb97d0959c3c181413e081d7f1c8720538777c0e4dfe42",
    "Tome_2014_GFP_aptamer": "c991518f452077d8745193098693bed6f22516d48b6351ae236bf8a173f57a29",
    "Townshend_2015_4nt_aptamer": "62689d9580273084ec33433e7bbdbd7b568090e1ab81a348861aae802fb9fb5a",
    "Townshend_2015_5nt_aptamer": "db1de47187aa325a74bf247420b1eaf1b121d15eefb7e487b0d089e1e02e21a8",
    "Townshend_2015_6nt_aptamer": "d818ff77e821827ba1260ee84933ad1fe589c470d0adde4ff69cb4d6a32b43f5",
    "Townshend_2015_7nt_aptamer": "cf5c44497d112ecda5d5c408daabee5f1092ea1c1f70ddc3147bf5b9c34f88f0",
}
_CATEGORIES = {
    "ribozyme": "Ribozyme",
    "tRNA": "tRNA",
    "aptamer": "Aptamer",
}  # RNA_TYPE of the repository's metadata.csv
_SHEETS = ("metadata.csv", "reference_sheet_final.csv", "reference_sheet.csv")  # as NABench and RNAGym call theirs
_TABLES = ("*.csv", "*.tsv", "*.csv.gz", "*.tsv.gz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One assay of a suite: `assay` is a name or path that `load_assay` reads."""

    assay: str
    suite: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteTable:
    """A named suite's assay and its file."""

    category: str
    file: RemoteFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A named suite; `tables` by the names that `load_assay` takes."""

    title: str
    licence: str
    tables: Mapping[str, SuiteTable]


def _nabench(name: str) -> SuiteTable:
    kind = next(kind for kind in _CATEGORIES if f"_{kind}" in name)
    file = RemoteFile(url=f"{_NABENCH}{name}.csv", sha256=_NABENCH_RNA[name])
    return SuiteTable(category=_CATEGORIES[kind], file=file)


SUITES = {
    "nabench-rna": Suite(
        title="29 assays of ribozymes, tRNAs and aptamers, as NABench redistributes them",
        licence="none stated by the repository that redistributes them; each table is its authors'",
        tables={f"nabench-rna:{name}": _nabench(name) for name in _NABENCH_RNA},
    )
}
# Every assay of every suite by its own name, `nabench-rna:Guy_2014_tRNA`.
SUITE_TABLES = {name: table for suite in SUITES.values() for name, table in suite.tables.items()}


def members(name_or_path: str, *, sheet: str = "", categories: Sequence[str] = ()) -> tuple[Member, ...]:
    """The assays that are meant: those of a named suite or of a folder, or the one assay itself.

    A folder's categories are those of `sheet`, or of the sheet that lies in it: a table with DMS_ID, the name of each
    assay's file, and RNA_TYPE. `categories`: only these, whatever the case of their letters.

    Raises: InputError for a folder without tables or without a sheet, a category that no assay has, and a sheet or
    categories for what is no folder or suite.
    """
    if name_or_path in SUITES:
        if sheet:
            message = f"{name_or_path} has its own categories; --sheet is for a folder of tables"
            raise InputError(message)
        named = SUITES[name_or_path].tables.items()
        found = [Member(assay=name, suite=name_or_path, category=table.category) for name, table in named]
    elif Path(name_or_path).is_dir():
        found = _of_folder(Path(name_or_path), sheet)
    elif sheet or categories:
        message = f"{name_or_path} is one assay; --sheet and --category are for a suite or a folder of tables"
        raise InputError(message)
    else:
        return (Member(assay=name_or_path),)
    return _only(found, categories, name_or_path)


def _only(found: Sequence[Member], categories: Sequence[str], suite: str) -> tuple[Member, ...]:
    known = {member.category.lower(): member.category for member in found}
    if strange := [category for category in categories if category.lower() not in known]:
        message = f"{suite} has no category {strange[0]!r}; it has {', '.join(dict.fromkeys(known.values()))}"
        raise InputError(message)
    wanted = {category.lower() for category in categories} or set(known)
    return tuple(member for member in found if member.category.lower() in wanted)


def _of_folder(folder: Path, sheet: str) -> list[Member]:
    where = Path(sheet) if sheet else next((folder / name for name in _SHEETS if (folder / name).is_file()), None)
    if where is None:
        message = f"a folder of assays needs a sheet with DMS_ID and RNA_TYPE: {', '.join(_SHEETS)} in it, or --sheet"
        raise InputError(message, path=folder)
    files = {path.name.partition(".")[0]: path for pattern in _TABLES for path in sorted(folder.glob(pattern))}
    category_of = _sheet(where)
    found = [
        Member(assay=str(files[name]), suite=folder.resolve().name, category=category)
        for name, category in category_of.items()
        if name in files
    ]
    if not found:
        message = f"none of the {len(category_of)} assays of {where.name} has a table NAME.csv here"
        raise InputError(message, path=folder)
    return found


def _sheet(path: Path) -> dict[str, str]:
    """Category of each assay. Raises: InputError naming the file and what is wrong with it."""
    import pandas as pd  # half a second, and one assay needs none

    try:
        rows = pd.read_csv(path, dtype=str, usecols=["DMS_ID", "RNA_TYPE"], sep=None, engine="python")
    except (OSError, ValueError) as error:
        message = f"a sheet is a table with the columns DMS_ID and RNA_TYPE: {error}"
        raise InputError(message, path=path) from error
    rows = rows.apply(lambda column: column.str.strip())
    if (empty := rows.isna().any(axis=1)).any():
        message = f"row {int(empty.idxmax()) + 1} has no DMS_ID or no RNA_TYPE"
        raise InputError(message, path=path)
    if (again := rows["DMS_ID"].duplicated()).any():
        message = f"{rows['DMS_ID'][again.idxmax()]} stands in it twice"
        raise InputError(message, path=path)
    return dict(zip(rows["DMS_ID"], rows["RNA_TYPE"], strict=True))
