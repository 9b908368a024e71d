"""`rnaexp models` and `rnaexp data`: what is known, as a table or as one JSON object."""

import json as json_format
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from rnaexp import models as catalogue
from rnaexp.data import registry
from rnaexp.data import sets as named
from rnaexp.data.assay_sets import is_named_assay, load_assay
from rnaexp.data.assays import Assay
from rnaexp.data.dataset import DataSet
from rnaexp.data.families import FamilySet, Selection, load_families
from rnaexp.data.suites import SUITES, members
from rnaexp.models.source import DOI, DRIVE, HUB, Source
from rnaexp.report.table import show, table_of_words

_UNKNOWN = "unknown"


def models(name: str, *, json: bool) -> None:
    """All models, or one."""
    specs = [catalogue.spec(name)] if name else [catalogue.spec(each) for each in catalogue.names()]
    rows = [{**asdict(spec), "source": spec.source} for spec in specs]
    if json:
        _print_json({"models": rows})
    elif name:
        _print_facts({**rows[0], "sources": [_in_words(source) for source in specs[0].sources] or None})
    else:
        notes: dict[str, int] = {}
        rows = [row | {"weights": _weights(row, notes)} for row in rows]
        # By importance: a narrow terminal leaves out those on the right.
        shown = (
            "name",
            "reads",
            "weights",
            "proof_state",
            "group",
            "max_bases",
            "layers",
            "heads",
            "width",
            "resolution",
        )
        _print_table([_row(row, shown) for row in rows])
        sys.stdout.write("".join(f"[{number}] {note}\n" for note, number in notes.items()))
        sys.stdout.write("Also: untrained:<model>, a checkpoint folder, hf:org/name. One model: rnaexp models NAME\n")


def _row(row: Mapping[str, Any], shown: Sequence[str]) -> dict[str, Any]:
    """The columns; what a row cannot have is not unknown: heads without attention, proof of what is ours."""
    own = dict(row)
    if not row["has_attention"]:
        own["heads"] = "none"
    if row["group"] == "baseline" and row["proof_state"] is None:
        own["proof_state"] = "none needed"
    if row["loader"] == "rnaexp.models.nano:load":
        own["proof_state"] = "ours"
    return {key: own[key] for key in shown}


def _weights(row: Mapping[str, Any], notes: dict[str, int]) -> str:
    """Where they are; why they cannot be had is a note below the table, printed once."""
    if row["group"] == "baseline" or row["proof_state"] == "by construction":
        return "none needed"
    if row["unavailable"] is not None:
        return f"unavailable [{notes.setdefault(row['unavailable'], len(notes) + 1)}]"
    if row["loader"] == "rnaexp.models.nano:load":
        return "in the package"
    return ", ".join(_short(source["address"]) for source in row["sources"]) or _UNKNOWN


def _in_words(source: Source) -> str:
    details = (source.layout, source.file, source.member, source.licence, source.revision)
    beside = (f"with {each.address}" for each in source.beside)
    return f"{source.address} ({', '.join([*(each for each in details if each), *beside])})"


def _short(address: str) -> str:
    """A record or repository by its name, a URL by its server, a drive as such."""
    if address.startswith(DRIVE):
        return "Google Drive"
    return address if address.startswith((HUB, DOI)) else address.partition("://")[2].partition("/")[0]


def needs_of_models(*, json: bool) -> None:
    """Disk, memory and time of each model on this machine."""
    from rnaexp.report.needs import needs

    rows = needs()
    if json:
        _print_json({"models": rows})
    else:
        _print_table(rows)
        sys.stdout.write(
            "From the sizes in the catalogue (float32, projections and inner layers) and this machine's own rate of "
            "multiplying matrices, measured just now.\n"
        )


def sets(*, json: bool) -> None:
    """All named sets, of every task."""
    facts = {name: asdict(named.describe(name)) for name in named.set_names()}
    rows = [
        {**asdict(each), **facts.get(each.name, {}), "tasks": ", ".join(each.kinds)} for each in registry.named_sets()
    ]
    for row in rows:
        row.pop("kinds")
        row.pop("loader", None)
    if json:
        _print_json({"sets": rows})
        return
    shown = ("name", "tasks", "title", "needs", "rnas", "evidence", "split", "licence")
    for row in rows:
        network = "a network" + (", not pinned" if any(not file["sha256"] for file in row.get("files", ())) else "")
        row["needs"] = row["needs"] or (network if row.get("files") or "fitness" in row["tasks"] else "nothing")
    _print_table([{key: row.get(key) for key in shown} for row in rows])
    sys.stdout.write("Any file or folder of RNAs is a set too. One set: rnaexp data show NAME\n")


def one_set(name: str, *, json: bool) -> None:
    """One set, loaded: of base pairs, of families or of measured variants."""
    facts = _facts_of(name)
    if json:
        _print_json(facts)
    else:
        _print_facts(facts)


def fetched(name: str, *, json: bool) -> None:
    """Download and check."""
    paths = [str(path) for path in registry.fetch(name)]
    if json:
        _print_json({"name": name, "files": paths})
    else:
        sys.stdout.write("".join(f"{path}\n" for path in paths) or f"{name}: nothing to download\n")


def checked_set(name: str, *, json: bool) -> None:
    """Hash again and read."""
    paths = [str(path) for path in registry.check(name)]
    if json:
        _print_json({"name": name, "files": paths, "ok": True})
    else:
        sys.stdout.write(f"{name}: {len(paths)} files have their hashes, every record reads\n")


def _facts_of(name: str) -> dict[str, Any]:
    if name in SUITES:
        return _facts_of_suite(name)
    if is_named_assay(name):
        return _facts_of_assay(load_assay(name))
    if registry.of_families_alone(name):
        return _facts_of_families(load_families(name, Selection()))
    return _facts(named.load_set(name))


def _facts_of_families(data: FamilySet) -> dict[str, Any]:
    """As `rnaexp classify` chooses them with no option given."""
    return {
        "name": data.name,
        "sha256": data.sha256,
        "rnas": len(data.rnas),
        "families": len(set(data.families)),
        "clans": len(set(data.clans)),
        "bases": _bases([len(rna) for rna in data.rnas]),
        "left_out": [f"{count} {what}" for what, count in data.left_out.items() if count],
    }


def _facts_of_suite(name: str) -> dict[str, Any]:
    assays = {member: load_assay(member.assay) for member in members(name)}
    return {
        "name": name,
        "title": SUITES[name].title,
        "licence": SUITES[name].licence,
        "assays": [
            {
                "name": member.assay,
                "category": member.category,
                "variants": len(assay.mutants),
                "wild_type": assay.wild_type,
                "notes": list(assay.caveats),
            }
            for member, assay in assays.items()
        ],
    }


def _facts_of_assay(data: Assay) -> dict[str, Any]:
    scores = [variant.score for variant in data.mutants]
    return {
        "name": data.name,
        "sha256": data.sha256,
        "variants": len(data.mutants),
        "wild_type": data.wild_type,
        "family": data.family,
        "bases": _bases([len(variant.sequence) for variant in data.mutants]),
        "scores": {"least": min(scores), "median": float(np.median(scores)), "most": max(scores)},
        "fitter": data.direction,
        "licence": data.licence,
        "source": data.source,
        "notes": list(data.caveats),
    }


def _bases(lengths: Sequence[int]) -> dict[str, float]:
    return {"least": min(lengths), "median": float(np.median(lengths)), "most": max(lengths)}


def _facts(data: DataSet) -> dict[str, Any]:
    lengths = [len(rna) for rna in data.rnas]
    alignments = [rna.alignment for rna in data.rnas if rna.alignment is not None]
    return {
        "name": data.name,
        "sha256": data.sha256,
        "split": data.split,
        "rnas": len(data),
        "with_pairs": len(data.with_pairs),
        "pairs": sum(len(rna.pairs or ()) for rna in data.rnas),
        "bases": _bases(lengths),
        "families": len({rna.family for rna in data.rnas if rna.family}),
        "clusters": len({rna.cluster or rna.id for rna in data.rnas}),
        "alignments": len(alignments),
        "median_depth": float(np.median([a.depth for a in alignments])) if alignments else None,
        "median_neff": round(float(np.median([a.neff() for a in alignments])), 2) if alignments else None,
        "letters_changed": sum(rna.letters_changed for rna in data.rnas),
        "evidence": data.evidence,
        "annotator": data.annotator,
        "licence": data.licence,
        "urls": list(data.urls),
        "notes": list(data.notes),
    }


def _print_json(value: Mapping[str, Any]) -> None:
    sys.stdout.write(json_format.dumps(value, default=str) + "\n")


def _print_facts(facts: Mapping[str, Any]) -> None:
    width = max(len(key) for key in facts)
    for key, value in facts.items():
        shown = "\n".join(f"{'':{width}}  {each}" for each in value).strip() if isinstance(value, list) else value
        sys.stdout.write(f"{key:{width}}  {_text(shown)}\n")


def _print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    show(table_of_words(list(rows[0]), [[_text(value) for value in row.values()] for row in rows]))


def _text(value: Any) -> str:
    return _UNKNOWN if value is None or value == "" else str(value)
