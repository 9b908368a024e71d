"""What became of the aliases of a registered model, decision by decision, kept as its tags: who reads them alone can
say which version each alias names, and why.
"""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from rnaexp.data.markdown_text import markdown_table
from rnaexp.errors import InputError
from rnaexp.settings import RECORD, Line, Word, read_as

_TAG = "rnaexp.history."
_COLUMNS = ("when", "alias", "version", "decision", "names then", "model and F1", "against the best control", "why")
_MOST = 400  # characters of a reason: a tag holds 5,000 in all


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One look at one alias. `at`: nanoseconds since 1970; of two decisions the later look counts.

    `version`: the one that was judged; `before`, `after`: what the alias named, "" for none. `figures`: what it was
    judged by, its version's tags: validation set and hashes, F1, clusters, protocol, the control and the paired
    difference to it, the difference to the version it would replace.
    """

    __pydantic_config__ = RECORD

    at: int
    alias: Word
    decision: Literal["promoted", "refused", "kept", "rolled back", "set by hand"]
    version: str
    before: str
    after: str
    why: Line
    figures: Mapping[str, str]


def now() -> int:
    """When a look begins."""
    return time.time_ns()


def note(connection: Any, name: str, decision: Decision) -> None:
    """Keep it with the registered model."""
    key = f"{_TAG}{decision.at:020d}.{decision.alias}.{decision.version}"
    connection.set_registered_model_tag(name, key, json.dumps(asdict(decision)))


def decisions(registered: Any) -> list[Decision]:
    """Of a registered model, oldest first. Raises: InputError for a tag that is none of ours."""
    tags = {key: value for key, value in registered.tags.items() if key.startswith(_TAG)}
    try:
        return [read_as(Decision, json.loads(tags[key]), key) for key in sorted(tags)]
    except ValueError as error:
        raise InputError(str(error), path=registered.name) from error


def replayed(found: Iterable[Decision]) -> dict[str, str]:
    """What each alias names after all of these; an alias that names nothing is not there."""
    aliases = {one.alias: one.after for one in found}
    return {alias: version for alias, version in aliases.items() if version}


def holder_before(found: Iterable[Decision], alias: str) -> str:
    """What the alias named before what it names now, "" where that is not known.

    What was rolled back is as if it had never been there.
    """
    held: list[str] = []
    for one in found:
        if one.alias != alias or one.before == one.after:
            continue
        if one.decision == "rolled back":
            while held and held[-1] != one.after:
                held.pop()
        if not held or held[-1] != one.after:
            held.append(one.after)
    return held[-2] if len(held) > 1 else ""


def as_markdown(found: Iterable[Decision]) -> str:
    """A table, the newest decision last."""
    return markdown_table(_COLUMNS, [row(one) for one in found])


def row(one: Decision) -> tuple[str, ...]:
    """A decision in words."""
    when = datetime.fromtimestamp(one.at / 1e9, UTC).isoformat(timespec="seconds").removesuffix("+00:00")
    model, f1, on = (one.figures.get(key, "n/a") for key in ("model", "validation.f1", "validation"))
    judged = f"{model}: {f1} on {on}"
    control = one.figures.get("verdict", "none was tuned")
    return when, one.alias, one.version, one.decision, one.after or "nothing", judged, control, one.why


def headings() -> tuple[str, ...]:
    """Of `row`."""
    return _COLUMNS


def shortened(why: str) -> str:
    """A reason as a tag holds it."""
    return why if len(why) <= _MOST else f"{why[: _MOST - 1]}…"
