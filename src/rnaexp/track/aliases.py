"""Which version of a registered model is the `champion`, and which the `paper`: promoted on evidence, never demoted.

MLflow sets an alias without looking at what it was. So a version that is to be promoted first says in a tag which one
it replaces, then takes the alias, then looks who else claims to have replaced the same one: of these the best stands.
Whoever writes last also looks last, so several processes end with the same answer.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rnaexp.stats.intervals import FEWEST
from rnaexp.structure.configuration import Configuration
from rnaexp.structure.protocol import protocol_fields
from rnaexp.structure.standing import Standing
from rnaexp.track.sealed import CONFIGURATION_TAG

CHAMPION, PAPER = "champion", "paper"
_CLUSTERS = "validation.clusters"
_F1, _SET, _RNAS, _SCORING = "validation.f1", "validation.sha256", "validation.rnas_sha256", "scoring"
_CONTROL = "control"  # tags of what the head was compared with: name, F1, paired difference and its interval
_NOBODY = "none"


def evidence(found: Configuration, against: Standing | None = None) -> dict[str, object]:
    """The tags of a version: what it is, and what a promotion is decided by."""
    tuned = found.tuned
    return {
        CONFIGURATION_TAG: found.sha256(),
        "layer": tuned.layer,
        "head": tuned.head,
        "threshold": tuned.threshold,
        "protocol": protocol_fields(tuned.scoring, tuned.read_out)["name"],
        "validation": tuned.tuned_on,
        "validation.rnas": len(tuned.sequences),
        _CLUSTERS: len(set(tuned.clusters)),
        _F1: tuned.validation_f1,
        _SET: tuned.tuned_on_sha256,
        _RNAS: hashlib.sha256("\n".join(sorted(tuned.sequences)).encode()).hexdigest(),
        _SCORING: json.dumps(asdict(tuned.scoring), sort_keys=True),
        "dot_bracket.f1": tuned.dot_bracket_f1,
        "fingerprint": tuned.weights,
        "weights": "none" if found.packaged is None else "safetensors",
        "licence": found.licence or "unknown",
        **(
            {}
            if against is None
            else {f"{_CONTROL}.{key}": value for key, value in against.to_json().items() if value is not None}
        ),
    }


def promote(connection: Any, made: Any, found: Configuration) -> list[str]:
    """Give the version each alias that is due to it; one line for each says what was done and why."""
    aliases = (CHAMPION, PAPER) if found.follows_the_paper else (CHAMPION,)
    return [_promote(connection, made, alias) for alias in aliases]


def _promote(connection: Any, mine: Any, alias: str) -> str:
    holder = _holder(connection, mine.name, alias)
    if holder is not None and _number(holder) == _number(mine):
        return f"{alias} is version {mine.version} already"
    if why := _too_few(mine) or (alias == CHAMPION and _why_no_champion(mine)):
        return f"{alias} is not given to version {mine.version}: {why}; models:/{mine.name}/{mine.version} loads it"
    if holder is not None and (why := _why_not_over(holder, mine)):
        return f"{alias} stays version {holder.version}: {why}"
    predecessor = _NOBODY if holder is None else str(holder.version)
    connection.set_model_version_tag(mine.name, mine.version, _claim(alias), predecessor)
    connection.set_model_version_tag(mine.name, mine.version, f"rnaexp.{alias}", _because(mine, holder))
    connection.set_registered_model_alias(mine.name, alias, mine.version)
    best = _best_claim(connection, mine.name, alias, predecessor)
    if _number(best) != _number(mine):
        connection.set_registered_model_alias(mine.name, alias, best.version)
        return f"{alias} is version {best.version}, which was registered at the same time with F1 {_f1(best):.4f}"
    return f"{alias} is version {mine.version}: {_because(mine, holder)}"


def _holder(connection: Any, name: str, alias: str) -> Any:
    version = connection.get_registered_model(name).aliases.get(alias)
    return None if version is None else connection.get_model_version(name, version)


def _too_few(mine: Any) -> str | None:
    """Why no alias can be decided, if the validation set has too few clusters for any interval."""
    clusters = int(mine.tags[_CLUSTERS])
    if clusters < FEWEST:
        return f"{_judged(mine)} has {clusters} clusters, and fewer than {FEWEST} decide nothing"
    return None


def _why_no_champion(mine: Any) -> str | None:
    """Why a head is no champion, whoever else is there; None if it is worth more than the best control on its set."""
    tags = mine.tags
    if f"{_CONTROL}.low" not in tags:
        return "its run tuned no control"
    low, high = float(tags[f"{_CONTROL}.low"]), float(tags[f"{_CONTROL}.high"])
    if low > 0:
        return None
    control, theirs = tags[f"{_CONTROL}.control"], float(tags[f"{_CONTROL}.control_f1"])
    return (
        f"validation F1 {_f1(mine):.3f} is not clearly above the {theirs:.3f} of {control}, which has neither a "
        f"network nor energies (difference [{low:.3f}, {high:.3f}])"
    )


def _why_not_over(holder: Any, mine: Any) -> str | None:
    """Why a version does not replace another; None if it does."""
    if _F1 not in holder.tags:
        return "it carries no validation F1 to compare with; set the alias by hand if you know better"
    for tag, what in (
        (_SET, "another validation set"),
        (_RNAS, "other RNAs of the set"),
        (_SCORING, "another scoring"),
    ):
        if holder.tags.get(tag) != mine.tags[tag]:
            seen = f"{_judged(holder)}, version {mine.version} on {_judged(mine)}"
            return f"{what} ({seen}), so their F1 cannot be compared; set the alias by hand if you know better"
    if _f1(mine) <= _f1(holder):
        return f"validation F1 {_f1(mine):.4f} is not above its {_f1(holder):.4f} on {_judged(holder)}"
    return None


def _because(mine: Any, holder: Any) -> str:
    over = "the first" if holder is None else f"above version {holder.version} with {_f1(holder):.4f}"
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return f"validation F1 {_f1(mine):.4f} on {_judged(mine)}, {over}; {when}"


def _judged(version: Any) -> str:
    tags = version.tags
    return f"{tags['validation']} ({tags['validation.rnas']} RNAs, sha256 {tags[_SET][:8]}, {tags['protocol']})"


def _best_claim(connection: Any, name: str, alias: str, predecessor: str) -> Any:
    """Of the versions that say they replaced the same one the best; of those not comparable to it the first stands."""
    every = connection.search_model_versions(f"name = '{name}'")
    rivals = sorted((one for one in every if one.tags.get(_claim(alias)) == predecessor), key=_number)
    return _best(rivals)


def _best(rivals: Sequence[Any]) -> Any:
    first = rivals[0]
    alike = [one for one in rivals if all(one.tags[tag] == first.tags[tag] for tag in (_SET, _RNAS, _SCORING))]
    return max(alike, key=lambda one: (_f1(one), -_number(one)))


def _claim(alias: str) -> str:
    return f"rnaexp.{alias}.replaced"


def _f1(version: Any) -> float:
    return float(version.tags[_F1])


def _number(version: Any) -> int:
    # A SQLite store gives a number, a server a text.
    return int(version.version)
