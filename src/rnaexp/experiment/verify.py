"""`rnaexp verify`: a registered model, or a model's folder, part by part against the hashes that were kept of it."""

import json as json_format
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from rnaexp.errors import InputError, UnavailableError
from rnaexp.track.evidence import evidence
from rnaexp.track.names import checked_texts
from rnaexp.track.registry import fetch_folder
from rnaexp.track.sealed import Checked, check_parts, read_sealed

_BAD = ("altered", "missing")
_WORDED = ("protocol", "scoring")  # tags whose words may change between versions of rnaexp


def verify(model: str, *, weights: str, device: str, json: bool) -> None:
    """Print the state of each part: ok, altered, missing, unrecorded (older than the hashes) or unavailable.

    Raises: InputError if any was altered or is missing, UnavailableError if the weights cannot be had.
    """
    folder, tags = (Path(model), dict[str, str]()) if Path(model).is_dir() else fetch_folder(model)
    parts = [*check_parts(folder, tags, name=model)]
    if not any(part.state in _BAD for part in parts):
        parts += _of_the_head(folder, tags, weights=weights, device=device)
    bad = [f"{part.part} ({part.why})" if part.why else part.part for part in parts if part.state in _BAD]
    if json:
        sys.stdout.write(json_format.dumps({"model": model, "ok": not bad, "parts": [*map(asdict, parts)]}) + "\n")
    else:
        width = max(len(part.part) for part in parts)
        sys.stdout.write("".join(f"{one.part:{width}}  {one.state}  {one.why}".rstrip() + "\n" for one in parts))
    if bad:
        message = f"{len(bad)} of {len(parts)} parts are not what was registered: {'; '.join(bad)}"
        raise InputError(message, path=model)
    if gone := next((part.why for part in parts if part.state == "unavailable"), ""):
        message = f"{model}: the weights were not checked: {gone}"
        raise UnavailableError(message)


def _of_the_head(folder: Path, tags: Mapping[str, str], *, weights: str, device: str) -> Iterator[Checked]:
    """The evidence in the version's tags against the configuration, and the weights against their fingerprint."""
    found, copy = read_sealed(folder, tags)
    known = {key: text for key, text in checked_texts(evidence(found)).items() if key in tags and key not in _WORDED}
    if known:
        wrong = [key for key, text in known.items() if tags[key] != text]
        yield Checked(part="tags", state="altered" if wrong else "ok", why=", ".join(wrong))
    try:
        found.load_either(copy, weights=weights, device=device)
        yield Checked(part="weights", state="ok", why=f"fingerprint {found.packaged or found.tuned.weights}")
    except InputError as error:
        yield Checked(part="weights", state="altered", why=str(error))
    except UnavailableError as error:
        yield Checked(part="weights", state="unavailable", why=str(error))
