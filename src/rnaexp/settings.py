"""Settings: a field's type, default and line of help are those of an option, of a question's key and of a keyword."""

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError


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
