"""A task from the words of the command line; nothing here takes time to import: a wrong word is said at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rnaexp.data.alter import HOWS, How
from rnaexp.errors import InputError
from rnaexp.models.choices import Long, long_policy
from rnaexp.reading.store import read_json
from rnaexp.structure.heads import TunedHead
from rnaexp.structure.protocol import ReadOut, Scoring, scoring, squash_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to do. `validation` None: nothing is tuned, only the oracle is reported (or `tuned` is applied)."""

    model: str
    test: str
    validation: str | None = None
    scoring: Scoring
    score_scale: Literal["raw", "z-score", "top"] = "raw"
    squash: Literal["none", "sigmoid"] = "none"
    alignment: How = "intact"
    related: Literal["drop", "keep"] = "drop"
    long: Long = "skip"
    families: str = ""  # a set with family labels to classify beside; empty: none
    tuned: TunedHead | None = None
    loading: Mapping[str, Any] = field(default_factory=dict)  # arguments of `models.load`


def task(
    *,
    model: str,
    test: str,
    validation: str | None = None,
    protocol: str = "paper",
    overrides: Mapping[str, Any] | None = None,
    related: str = "drop",
    families: str = "",
    score_scale: str = "raw",
    alignment: str = "intact",
    long: str = "skip",
    tuned: TunedHead | None = None,
    **how: Any,
) -> Task:
    """A task from words; an empty word leaves the protocol's own value. `how`: see `loading`.

    Raises: InputError for a value that is not allowed.
    """
    if not model:
        message = "say which model: --model NAME (`rnaexp models` lists them)"
        raise InputError(message)
    for name, value, known in (("related", related, ("drop", "keep")), ("alignment", alignment, HOWS)):
        if value not in known:
            message = f"--{name} {value!r}: must be {' or '.join(known)}"
            raise InputError(message)
    try:
        squash = tuned.read_out.squash if tuned else squash_of(protocol)
        ReadOut(score_scale=score_scale, squash=squash)  # type: ignore[arg-type]
        chosen = tuned.scoring if tuned else scoring(protocol, **{k: v or None for k, v in (overrides or {}).items()})
    except ValueError as error:
        raise InputError(str(error)) from error
    return Task(
        model=model,
        validation=validation or None,
        test=test,
        scoring=chosen,
        score_scale=score_scale,  # type: ignore[arg-type]
        squash=squash,
        alignment=alignment,  # type: ignore[arg-type]
        related="keep" if related == "keep" else "drop",
        long=long_policy(long),
        families=families_beside(model, families),
        tuned=tuned,
        loading=loading(model, tuned=tuned, **how),
    )


def loading(
    model: str,
    weights: str = "",
    config: str = "",
    device: str = "auto",
    seed: int = 0,
    precision: str = "fp32",
    token_pairs: str = "mean",
    tuned: TunedHead | None = None,
) -> dict[str, Any]:
    """What `models.load` needs; a tuned head is applied to scores made as those that it was tuned on."""
    return {
        "name": model,
        "weights": Path(weights) if weights else None,
        "config": read_json(Path(config)) if config else None,
        "device": device,
        "seed": seed,
        "precision": precision,
        "token_pairs": token_pairs if tuned is None else tuned.read_out.token_pairs,
    }


def families_beside(model: str, word: str) -> str:
    """The set to classify beside; the toy's embeddings mean nothing, it is classified only where a set is named."""
    if word == "auto":
        return "" if model == "planted" else "builtin"
    return "" if word == "none" else word
