"""Every named set in one list: of base pairs, of families, of measured variants."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rnaexp.data import sets
from rnaexp.data.assay_sets import ASSAYS, fetch_assay, is_named_assay, load_assay
from rnaexp.data.families import NAMED_FAMILIES, RFAM_500, Selection, load_families
from rnaexp.data.sets import SetSpec, describe, set_names
from rnaexp.data.suites import SUITES, members
from rnaexp.errors import UnavailableError

Kind = Literal["pairs", "families", "fitness"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSet:
    """A set that can be named in a command or an evaluation; `rnas` None: only its files can tell."""

    name: str
    kinds: tuple[Kind, ...]
    title: str
    split: str | None = None
    rnas: int | None = None
    licence: str | None = None
    needs: str | None = None


def _described(name: str) -> SetSpec:
    """A package that cannot be loaded leaves a row that says so."""
    try:
        return describe(name)
    except UnavailableError as error:
        return SetSpec(name=name, title=str(error).removeprefix(f"{name}: "), split="all", loader="")


def named_sets() -> tuple[NamedSet, ...]:
    """All of them: sets of RNAs in the catalogue's order, then what is made of one for families, then assays."""
    of_rnas = tuple(
        NamedSet(
            name=spec.name,
            kinds=("pairs", "families") if spec.name in NAMED_FAMILIES else ("pairs",),
            title=spec.title,
            split=spec.split,
            rnas=spec.rnas,
            licence=spec.licence,
            needs=spec.needs,
        )
        for spec in map(_described, set_names())
    )
    known = {each.name for each in of_rnas}
    seed = next(each for each in of_rnas if each.name == "rfam-seed")
    of_families = tuple(
        NamedSet(
            name=name,
            kinds=("families",),
            title="500 families of rfam-seed, at least five members each" if name == RFAM_500 else name,
            licence=seed.licence,
            needs=seed.needs,
        )
        for name in NAMED_FAMILIES
        if name not in known
    )
    of_variants = (
        NamedSet(name=name, kinds=("fitness",), title=title, licence=SUITES[name].licence if name in SUITES else None)
        for name, title in ASSAYS
    )
    return (*of_rnas, *of_families, *of_variants)


def fetch(name: str) -> tuple[Path, ...]:
    """The files of any named set, downloaded where they are not here, their hashes checked.

    Raises: InputError for an unknown name, UnavailableError.
    """
    if _of_variants(name):
        return fetch_assay(name)
    return sets.fetch(_made_of(name))


def check(name: str) -> tuple[Path, ...]:
    """The files of any named set, hashed again, and all of it read. Raises: InputError, UnavailableError."""
    if _of_variants(name):
        files = fetch_assay(name)
        for member in members(name):
            load_assay(member.assay)
        return files
    found = sets.check(_made_of(name))
    if of_families_alone(name):
        load_families(name, Selection())
    return found


def _of_variants(name: str) -> bool:
    """Whether a name is that of an assay or of a suite of them."""
    return is_named_assay(name) or name in SUITES


def of_families_alone(name: str) -> bool:
    """Whether a named set has no base pairs of its own."""
    return name in NAMED_FAMILIES and name not in set_names()


def _made_of(name: str) -> str:
    """The set that `rfam-500` is chosen from; any other is its own."""
    return "rfam-seed" if name == RFAM_500 else name
