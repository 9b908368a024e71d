"""Settings: a field's type, default and line of help are those of an option, of a question's key and of a keyword.

Records that come back from disk or a registry are checked by the same library: `read_as`.
"""

import json
import math
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, TypeVar, cast, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from rnaexp.errors import InputError

# Of a record (`__pydantic_config__` of its dataclass): nothing is coerced, nothing is unknown, numbers are finite.
RECORD = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$")]  # text without control characters
Word = Annotated[str, Field(min_length=1, pattern=r"^[^\x00-\x1f\x7f]+$")]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]  # sha256
MaybeDigest = Annotated[str, Field(pattern="^([0-9a-f]{64})?$")]
Share = Annotated[float, Field(ge=0, le=1)]
Place = Annotated[int, Field(ge=0)]  # a layer, a head

_Record = TypeVar("_Record")


class SettingsBase(BaseModel):
    """Nothing is coerced, and a field that does not exist is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def wrong_setting(error: ValidationError, settings: type[BaseModel]) -> str:
    """The first wrong field, its value, and what is allowed there."""
    first = error.errors(include_url=False)[0]
    field = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        return f"{field}: no such setting; there are {', '.join(settings.model_fields) or 'none'}"
    allowed = allowed_words(settings, field)
    problem = str(first["ctx"]["error"]) if first["type"] == "value_error" else str(first["msg"])
    wanted = f"must be {' or '.join(allowed)}" if allowed else problem[:1].lower() + problem[1:]
    return f"{field} {first['input']!r}: {wanted}"


def allowed_words(settings: type[BaseModel], field: str) -> tuple[str, ...]:
    """Those that a field of words can have; none of a field of any other type."""
    about = settings.model_fields.get(field)
    found: list[Any] = [] if about is None else list(get_args(about.annotation))
    if found and about is not None and any(get_args(one) for one in found):  # a choice that can be left open
        found = [word for one in found for word in get_args(one)]
    return tuple(word for word in found if isinstance(word, str))


def _finite(values: Any) -> Any:
    """Raises: ValueError for a number in a free-form value that is not finite."""
    if isinstance(values, float) and not math.isfinite(values):
        message = "numbers must be finite"
        raise ValueError(message)
    for one in values.values() if isinstance(values, Mapping) else values if isinstance(values, list | tuple) else ():
        _finite(one)
    return values


Free = Annotated[Mapping[str, Any], AfterValidator(_finite)]  # keys and values that only their reader knows


def read_as(kind: type[_Record], values: Mapping[str, Any], what: str) -> _Record:
    """A dataclass from plain values, its types, ranges and words checked, nested ones as well.

    Raises: InputError naming the first wrong field, its value and what is allowed; `what` says what it is not.
    """
    try:
        # As JSON: its lists are tuples, and nothing is coerced.
        return cast(_Record, _reader(cast(Any, kind)).validate_json(json.dumps(values)))
    except ValidationError as error:
        message = f"{what}: {wrong_field(error)}"
        raise InputError(message) from error


def wrong_field(error: ValidationError) -> str:
    """The first wrong field, its value and what is allowed there."""
    first = error.errors(include_url=False)[0]
    field = ".".join(map(str, first["loc"])) or "the whole"
    if first["type"] in ("missing", "missing_argument"):
        return f"{field} is missing"
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{field}: no such field"
    reason = str(first["ctx"]["error"]) if first["type"] == "value_error" else str(first["msg"])
    given = "" if isinstance(first["input"], dict) else f" {first['input']!r:.80}"
    return f"{field}{given}: {reason[:1].lower()}{reason[1:]}"


@cache
def _reader(kind: Any) -> Any:
    return TypeAdapter(kind)
