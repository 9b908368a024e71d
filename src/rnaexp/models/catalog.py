"""Every model as one entry; facts come from files that were read here, and what was not read is None."""

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rnaexp.errors import InputError, UnavailableError
from rnaexp.models import nano_catalog, published_diverse, published_dna, published_specific
from rnaexp.models.extra import with_extra_rows
from rnaexp.models.fitted import FITTED, fitted_spec
from rnaexp.models.layouts import MSA, multimolecule_layout
from rnaexp.models.letter_map_rows import letter_map, letter_map_spec
from rnaexp.models.source import HUB, Source
from rnaexp.models.spec import ModelSpec
from rnaexp.plugins import BASELINES, MODELS, loaded, plugged, refuse_taken

UNTRAINED, SHUFFLED = "untrained:", "shuffled:"  # a model with random weights; one that reads shuffled RNAs


def _baseline(name: str, title: str, **facts: Any) -> ModelSpec:
    """One map of pair scores, taken as they are."""
    return ModelSpec(
        name=name,
        title=title,
        group="baseline",
        loader="rnaexp.models.baselines:load",
        output="pair-scores",
        layers=1,
        heads=1,
        **facts,
    )


_KERNEL = {
    "trained_on": "the pairs of rfam-vl (nine numbers)",
    "trained_families": f"{nano_catalog.KERNEL}/families.txt",
    "structure_seen": "experimental",
}
_ENTRIES = (
    ModelSpec(
        name="planted",
        title="Toy with one planted head",
        group="reference",
        loader="rnaexp.models.planted:load",
        licence="Apache-2.0",
        proof_state="by construction",
        proof="its answer is known by construction",
    ),
    *nano_catalog.ROWS,
    *published_diverse.ROWS,
    *published_specific.ROWS,
    *published_dna.ROWS,
    _baseline("viennarna", "ViennaRNA base-pair probabilities", citation="doi:10.1002/bip.360290621"),
    _baseline(
        "alifold", "RNAalifold base-pair probabilities", reads="alignment", citation="doi:10.1186/1471-2105-9-474"
    ),
    _baseline(
        "viennarna-mean",
        "Mean of ViennaRNA's pair probabilities over the rows of an alignment",
        reads="alignment",
        citation="doi:10.1002/bip.360290621",
    ),
    _baseline("kernel-alignment", "Fitted kernel of bonds and stacks, on an alignment", reads="alignment", **_KERNEL),
    _baseline("kernel", "Fitted kernel of bonds and stacks, on one sequence", **_KERNEL),
    _baseline(
        "covariation",
        "Mutual information with APC",
        reads="alignment",
        min_rows=2,
        structure_seen="none",
        citation="doi:10.1093/bioinformatics/btm604",
    ),
    _baseline(
        "gtest",
        "G-test with APC",
        reads="alignment",
        min_rows=2,
        structure_seen="none",
        citation="doi:10.1038/nmeth.4066",
    ),
    _baseline("stems-alignment", "Complementary stacks of an alignment", reads="alignment", structure_seen="none"),
    _baseline("stems", "Complementary stacks of one sequence", structure_seen="none"),
    _baseline("canonical", "Letters of the pair alone", structure_seen="none"),
    _baseline("distance", "Separation alone", structure_seen="none"),
    _baseline("random", "Random scores", structure_seen="none"),
)
_BY_NAME = {entry.name: entry for entry in _ENTRIES}


def names() -> tuple[str, ...]:
    """Names of the catalogue, in its order, then those that other packages add."""
    return tuple(_known())


def _known() -> Mapping[str, ModelSpec]:
    return with_extra_rows({**_BY_NAME, **_of_other_packages()})


def _of_other_packages() -> dict[str, ModelSpec]:
    """A package that cannot be loaded leaves a row that says so: the others are not to suffer from it."""
    found = {}
    for group in (MODELS, BASELINES):
        refuse_taken(group, _BY_NAME)
        for name in plugged(group):
            try:
                found[name] = loaded(group, name, ModelSpec)
            except UnavailableError as error:
                why = str(error).removeprefix(f"{name}: ")
                found[name] = ModelSpec(name=name, title=name, group="reference", loader="", unavailable=why)
    return found


def is_control(name: str) -> bool:
    """Whether it is a baseline or has learned nothing of what it reads: what models are to be above.

    Raises: InputError for an unknown name.
    """
    return name.startswith((UNTRAINED, SHUFFLED)) or spec(name).group == "baseline"


def spec(name: str) -> ModelSpec:
    """What is known of a model: its name, a folder, or `hf:org/name`; before it can stand `untrained:`, `fitted:`,
    `jacobian:`, `dependency:` or `dependency-hidden:`.

    Raises: InputError for an unknown name.
    """
    if name.startswith(UNTRAINED):
        return _untrained(spec(name.removeprefix(UNTRAINED)))
    if name.startswith(FITTED):
        return fitted_spec(spec(name.removeprefix(FITTED)))
    if prefix := letter_map(name):
        return letter_map_spec(prefix, spec(name.removeprefix(prefix)))
    rows = _known()
    if name in rows:
        return rows[name]
    if name.startswith(HUB):
        return _on_hub(name)
    if name and Path(name).is_dir():
        return _folder(Path(name).resolve(), name)
    begun = [known for known in rows if name and known.startswith(name.lower())]
    close = begun[:6] or difflib.get_close_matches(name.lower(), rows, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else "`rnaexp models list` shows all names."
    message = f"no model {name!r}; {hint} A folder with a checkpoint or hf:org/name will do too"
    raise InputError(message)


def lasting_name(name: str) -> str:
    """The name, a folder's by its whole path, which holds from any working directory."""
    is_folder = name not in names() and Path(name).is_dir()
    return str(Path(name).resolve()) if is_folder else name


def _untrained(trained: ModelSpec) -> ModelSpec:
    if trained.output != "attention" or trained.name == "planted":
        message = f"{trained.name} learns nothing, so it has no untrained control"
        raise InputError(message)
    return replace(
        trained,
        name=UNTRAINED + trained.name,
        title=f"{trained.title}, untrained (random weights)",
        # Only a checkpoint that brings its own configuration or tokenizer must be had for random weights, too.
        sources=trained.sources if trained.loader.endswith(("huggingface:load", "mosaic_bert:load")) else (),
        sha256=None,
        revision=None,
        trained_on="nothing",
        trained_families=None,
        # A bias built into the architecture stays when the weights are random.
        structure_seen="prior" if trained.structure_seen == "prior" else "none",
        unavailable=None,
    )


def _on_hub(name: str) -> ModelSpec:
    match = re.fullmatch(r"hf:([\w.-]+/[\w.-]+)(?:@([0-9a-f]{40}))?", name)
    if match is None:
        message = f"{name!r}: write hf:org/name or hf:org/name@revision, the revision as 40 hex digits"
        raise InputError(message)
    return _checkpoint(name, title=match[1], source=Source(address=HUB + match[1], revision=match[2]))


def _folder(path: Path, name: str) -> ModelSpec:
    """A checkpoint folder: one that `rnaexp pretrain` wrote, or any that transformers reads."""
    found = _checkpoint(name, title=path.name, source=Source(address=str(path)))
    config = path / "config.json"
    if config.is_file() and (kind := json.loads(config.read_text()).get("rnaexp_reads")) in ("alignment", "sequence"):
        return replace(found, loader="rnaexp.models.nano:load", reads=kind)
    return replace(found, reads="alignment") if multimolecule_layout(path) == MSA else found


def _checkpoint(name: str, *, title: str, source: Source) -> ModelSpec:
    """An entry for a checkpoint that only the user knows; its group is not ours to claim."""
    loader = "rnaexp.models.huggingface:load"
    return ModelSpec(
        name=name, title=title, group="reference", loader=loader, sources=(source,), revision=source.revision
    )
