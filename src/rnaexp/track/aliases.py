"""Which version of a registered model is the `champion`, and which the `paper`: promoted on evidence, never demoted.

MLflow sets an alias without looking at what it was. So a version that is to be promoted first says in a tag which one
it replaces, then takes the alias, then looks who else claims to have replaced the same one: of these the best stands.
Whoever writes last also looks last, so several processes end with the same answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from rnaexp.models import is_control
from rnaexp.stats.verdict import too_few
from rnaexp.structure.configuration import Configuration
from rnaexp.track.evidence import (
    CLUSTERS,
    CONTROL,
    F1,
    RNAS,
    SCORING,
    SET,
    against_control,
    f1_of,
    figures,
    judged,
    number_of,
    over_holder,
)
from rnaexp.track.history import Decision, note, now, shortened
from rnaexp.track.rollback import ROLLED_BACK, claim, note_by_hand

CHAMPION, PAPER = "champion", "paper"
_NOBODY = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """At one alias for one version; `before`: what it named, `over`: the paired difference to that version."""

    connection: Any
    mine: Any
    alias: str
    before: str
    over: str

    def note(self, at: int, decision: Literal["promoted", "refused", "kept"], after: str, why: str) -> None:
        """Keep what was decided."""
        made = Decision(
            at=at,
            alias=self.alias,
            decision=decision,
            version=str(self.mine.version),
            before=self.before,
            after=after,
            why=shortened(why),
            figures=figures(self.mine, self.over),
        )
        note(self.connection, self.mine.name, made)


def promote(connection: Any, made: Any, found: Configuration, names: Sequence[str] = ()) -> list[str]:
    """Give the version each alias that is due to it; one line for each says what was done and why.

    `names`: of the aliases that are looked at; else champion and, for the paper's protocol, paper.
    """
    names = names or ((CHAMPION, PAPER) if found.follows_the_paper else (CHAMPION,))
    barred = _barred(found)
    return [_promote(connection, made, alias, barred if alias == CHAMPION else "") for alias in names]


def _barred(found: Configuration) -> str:
    """Why this is nobody's champion, whatever its F1; "" for a model that learned something."""
    return "it is a control, which others are to be above" if is_control(found.model) else ""


def _promote(connection: Any, mine: Any, alias: str, barred: str) -> str:
    at, holder = now(), _holder(connection, mine.name, alias)
    before = "" if holder is None else str(holder.version)
    note_by_hand(connection, mine.name, alias, before, at - 1)
    if before == str(mine.version):
        return f"{alias} is version {mine.version} already"
    over = over_holder(connection, holder, mine)
    look = _Look(connection=connection, mine=mine, alias=alias, before=before, over=over)
    if why := _taken_back(mine, alias) or _too_few(mine) or barred or (alias == CHAMPION and _why_no_champion(mine)):
        look.note(at, "refused", before, why)
        return f"{alias} is not given to version {mine.version}: {why}; models:/{mine.name}/{mine.version} loads it"
    if holder is not None and (why := _why_not_over(holder, mine)):
        look.note(at, "kept", before, why)
        return f"{alias} stays version {holder.version}: {why}"
    predecessor = before or _NOBODY
    connection.set_model_version_tag(mine.name, mine.version, claim(alias), predecessor)
    connection.set_model_version_tag(mine.name, mine.version, f"rnaexp.{alias}", _because(mine, holder))
    connection.set_registered_model_alias(mine.name, alias, mine.version)
    # The look that counts: who claimed before it is seen, who claims after it looks later.
    at, best = now(), _best_claim(connection, mine.name, alias, predecessor)
    if number_of(best) != number_of(mine):
        connection.set_registered_model_alias(mine.name, alias, best.version)
        why = f"version {best.version} was registered at the same time with F1 {f1_of(best):.4f}"
        look.note(at, "kept", str(best.version), why)
        return f"{alias} is version {best.version}, which was registered at the same time with F1 {f1_of(best):.4f}"
    look.note(at, "promoted", str(mine.version), _because(mine, holder))
    return f"{alias} is version {mine.version}: {_because(mine, holder)}"


def _taken_back(mine: Any, alias: str) -> str:
    """Why a version that somebody rolled back does not take the alias again by itself."""
    was = str(mine.tags.get(claim(alias), "")).startswith(ROLLED_BACK)
    return f"it had {alias} and was rolled back; set the alias by hand if you know better" if was else ""


def _holder(connection: Any, name: str, alias: str) -> Any:
    version = connection.get_registered_model(name).aliases.get(alias)
    return None if version is None else connection.get_model_version(name, version)


def _too_few(mine: Any) -> str | None:
    """Why no alias can be decided, if the validation set has too few clusters for any interval."""
    why = too_few(int(mine.tags[CLUSTERS]))
    return f"{why} on {judged(mine)}" if why else None


def _why_no_champion(mine: Any) -> str | None:
    """Why a head is no champion, whoever else is there; None if it is worth more than the best control on its set."""
    tags = mine.tags
    if f"{CONTROL}.low" not in tags:
        return "its run tuned no control"
    found = against_control(tags)
    if found.state == "above":
        return None
    theirs = float(tags[f"{CONTROL}.control_f1"])
    what = f"which has {theirs:.3f} and neither a network nor energies"
    return f"validation F1 {f1_of(mine):.3f} is {found.sentence}, {what}"


def _why_not_over(holder: Any, mine: Any) -> str | None:
    """Why a version does not replace another; None if it does."""
    if F1 not in holder.tags:
        return "it carries no validation F1 to compare with; set the alias by hand if you know better"
    for tag, what in (
        (SET, "another validation set"),
        (RNAS, "other RNAs of the set"),
        (SCORING, "another scoring"),
    ):
        if holder.tags.get(tag) != mine.tags[tag]:
            seen = f"{judged(holder)}, version {mine.version} on {judged(mine)}"
            return f"{what} ({seen}), so their F1 cannot be compared; set the alias by hand if you know better"
    if f1_of(mine) <= f1_of(holder):
        return f"validation F1 {f1_of(mine):.4f} is not above its {f1_of(holder):.4f} on {judged(holder)}"
    return None


def _because(mine: Any, holder: Any) -> str:
    over = "no version held it" if holder is None else f"above version {holder.version} with {f1_of(holder):.4f}"
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return f"validation F1 {f1_of(mine):.4f} on {judged(mine)}, {over}; {when}"


def _best_claim(connection: Any, name: str, alias: str, predecessor: str) -> Any:
    """Of the versions that say they replaced the same one the best; of those not comparable to it the first stands."""
    every = connection.search_model_versions(f"name = '{name}'")
    rivals = sorted((one for one in every if one.tags.get(claim(alias)) == predecessor), key=number_of)
    return _best(rivals)


def _best(rivals: Sequence[Any]) -> Any:
    first = rivals[0]
    alike = [one for one in rivals if all(one.tags[tag] == first.tags[tag] for tag in (SET, RNAS, SCORING))]
    return max(alike, key=lambda one: (f1_of(one), -number_of(one)))
