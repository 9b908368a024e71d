"""Aliases given back, set by hand, and shown: what the history is used for."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

from rnaexp.errors import InputError
from rnaexp.track.evidence import F1, figures
from rnaexp.track.history import Decision, as_markdown, decisions, holder_before, note, now, replayed

ROLLED_BACK = "rolled back"
_HEADING, _SHOWN = "## What was decided of the aliases", 20  # decisions on a page; `rnaexp history` has all


def claim(alias: str) -> str:
    """The tag in which a version says which one it replaced."""
    return f"rnaexp.{alias}.replaced"


def roll_back(connection: Any, name: str, alias: str) -> Decision:
    """Give the alias back to the version that had it before; what it is taken from stays registered.

    Raises: InputError where the history names no version before this one, or that one is gone.
    """
    at, registered = now(), connection.get_registered_model(name)
    current = str(registered.aliases.get(alias, ""))
    note_by_hand(connection, name, alias, current, at - 1)
    earlier = holder_before(decisions(connection.get_registered_model(name)), alias)
    if not current or not earlier:
        held = f"version {current}, and no version before it is known" if current else "no version"
        message = f"{name}: {alias} names {held}; rnaexp history {name} lists what was decided"
        raise InputError(message)
    try:
        theirs = connection.get_model_version(name, earlier)
    except _mlflow_error() as error:
        message = f"{name}: version {earlier}, which had {alias} before version {current}, is gone"
        raise InputError(message) from error
    connection.set_model_version_tag(name, current, claim(alias), f"{ROLLED_BACK} to {earlier}")
    connection.set_registered_model_alias(name, alias, earlier)
    done = Decision(
        at=now(),
        alias=alias,
        decision="rolled back",
        version=current,
        before=current,
        after=earlier,
        why=f"back to version {earlier} (validation F1 {theirs.tags.get(F1, 'n/a')})",
        figures=figures(connection.get_model_version(name, current), ""),
    )
    note(connection, name, done)
    show_history(connection, name)
    return done


def show_history(connection: Any, name: str) -> None:
    """Put what was decided below what is known of the model on its page in the registry, and on its versions' pages."""
    registered = connection.get_registered_model(name)
    found = decisions(registered)
    connection.update_registered_model(name, _with_table(registered.description, found))
    for number in dict.fromkeys(one.version for one in found[-2:]):
        with suppress(_mlflow_error()):  # deleted meanwhile
            text = connection.get_model_version(name, number).description
            own = [one for one in found if number in (one.version, one.before, one.after)]
            connection.update_model_version(name, number, _with_table(text, own))


def _with_table(text: str | None, found: Sequence[Decision]) -> str:
    return f"{(text or '').partition(_HEADING)[0].rstrip()}\n\n{_HEADING}\n\n{as_markdown(found[-_SHOWN:])}"


def _mlflow_error() -> type[Exception]:
    from mlflow.exceptions import MlflowException

    return cast(type[Exception], MlflowException)


def note_by_hand(connection: Any, name: str, alias: str, current: str, at: int) -> None:
    """Where the alias is not where our decisions left it, somebody set it: without that the history would be wrong."""
    known = replayed(decisions(connection.get_registered_model(name))).get(alias, "")
    if known != current:
        made = Decision(
            at=at,
            alias=alias,
            decision="set by hand",
            version=current or known,
            before=known,
            after=current,
            why="found so: somebody set it, or decisions were not kept yet",
            figures={},
        )
        note(connection, name, made)
