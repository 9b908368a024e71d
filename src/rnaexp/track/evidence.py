"""What a version is decided by: the tags of its page, and what they say of it against others."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd

from rnaexp.errors import UnavailableError
from rnaexp.stats.verdict import Verdict, verdict
from rnaexp.structure.configuration import Configuration
from rnaexp.structure.evaluate import paired_f1
from rnaexp.structure.protocol import protocol_fields
from rnaexp.structure.standing import Standing
from rnaexp.track.export import fetch_artifact
from rnaexp.track.packaged import VALIDATION_F1
from rnaexp.track.sealed import CONFIGURATION_TAG

CLUSTERS = "validation.clusters"
F1, SET, RNAS, SCORING = "validation.f1", "validation.sha256", "validation.rnas_sha256", "scoring"
CONTROL = "control"  # tags of what the head was compared with: name, F1, paired difference and its interval
_JUDGED_BY = frozenset({"model", "protocol", "validation", "validation.rnas", CLUSTERS, F1, SET, RNAS})
_JUDGED_BY |= {CONFIGURATION_TAG, "diagnosis"}


def evidence(found: Configuration, against: Standing | None = None) -> dict[str, object]:
    """The tags of a version: what it is, and what a promotion is decided by."""
    tuned = found.tuned
    return {
        CONFIGURATION_TAG: found.sha256(),
        "model": tuned.model,
        "layer": tuned.layer,
        "head": tuned.head,
        "searched": None if found.searched is None else f"heads {found.label}",
        "threshold": tuned.threshold,
        "protocol": protocol_fields(tuned.scoring, tuned.read_out)["name"],
        "validation": tuned.tuned_on,
        "validation.rnas": len(tuned.sequences),
        CLUSTERS: len(set(tuned.clusters)),
        F1: tuned.validation_f1,
        SET: tuned.tuned_on_sha256,
        RNAS: hashlib.sha256("\n".join(sorted(tuned.sequences)).encode()).hexdigest(),
        SCORING: json.dumps(asdict(tuned.scoring), sort_keys=True),
        "dot_bracket.f1": tuned.dot_bracket_f1,
        "fingerprint": tuned.weights,
        "weights": "none" if found.packaged is None else "safetensors",
        "licence": found.licence or "unknown",
        **(
            {}
            if against is None
            else {f"{CONTROL}.{key}": value for key, value in against.to_json().items() if value is not None}
        ),
    }


def figures(version: Any, over: str) -> dict[str, str]:
    """What a version was judged by; `over`: the paired difference to the version it would replace."""
    tags = version.tags
    kept = [key for key in tags if key in _JUDGED_BY or key.startswith(f"{CONTROL}.")]
    found = {key: str(tags[key]) for key in sorted(kept)}
    if f"{CONTROL}.difference" in tags:
        found["verdict"] = against_control(tags).sentence
    return found | ({"over": over} if over else {})


def against_control(tags: Mapping[str, str]) -> Verdict:
    """Of a version that was compared with a control, by its tags."""
    ends = [float(tags[key]) if (key := f"{CONTROL}.{end}") in tags else None for end in ("low", "high")]
    return Verdict(
        against=tags[f"{CONTROL}.control"],
        difference=float(tags[f"{CONTROL}.difference"]),
        low=ends[0],
        high=ends[1],
        clusters=int(tags[CLUSTERS]),
    )


def over_holder(connection: Any, holder: Any, mine: Any) -> str:
    """The paired difference on the validation RNAs to the version that has the alias; "" where either run kept none."""
    if holder is None or number_of(holder) == number_of(mine):
        return ""
    try:
        ours, theirs = (pd.read_csv(fetch_artifact(str(one.run_id), VALIDATION_F1)) for one in (mine, holder))
    except UnavailableError:
        return ""
    found = verdict(*paired_f1(ours, theirs), against=f"version {holder.version}")
    return "" if found is None else found.sentence


def judged(version: Any) -> str:
    """On what, in words."""
    tags = version.tags
    return f"{tags['validation']} ({tags['validation.rnas']} RNAs, sha256 {tags[SET][:8]}, {tags['protocol']})"


def f1_of(version: Any) -> float:
    """On the validation set."""
    return float(version.tags[F1])


def number_of(version: Any) -> int:
    """A SQLite store gives a number, a server a text."""
    return int(version.version)
