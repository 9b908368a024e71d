"""The settings of an evaluation, checked when they are given: field, value, and what is allowed."""

from typing import Any, Literal

from pydantic import Field, ValidationError

from rnaexp.choices import Long, Precision
from rnaexp.errors import InputError
from rnaexp.fitness.conventions import CONVENTIONS
from rnaexp.settings import SettingsBase, wrong_setting
from rnaexp.tasks.pairs.settings import Protocol


class Settings(SettingsBase):
    """What is measured on which sets, the same for every model of an evaluation.

    >>> import rnaexp
    >>> rnaexp.Settings(test="spot-rna-ts1").validation
    'builtin-vl'
    """

    validation: str = Field(default="builtin-vl", description="Set to tune on: a name, a file or a folder.")
    test: str = Field(default="builtin-ts", description="Set to test on: a name, a file or a folder.")
    families: str = Field(default="builtin", description="Set with families to classify: a name, a file or a folder.")
    assay: str = Field(default="", description="Measured variants: a named assay or a table.")
    convention: str = Field(default="", description=f"Of fitness: {', '.join(CONVENTIONS)}; empty: as the model reads.")
    protocol: Protocol = Field(default="paper", description="Of base pairs.")
    related: Literal["drop", "keep"] = Field(
        default="drop", description="Validation RNAs with a relative in the test set."
    )
    long: Long = Field(default="skip", description="RNAs longer than the model reads.")
    device: str = Field(default="auto", description="auto, cpu or cuda.")
    precision: Precision = Field(default="fp32", description="Of weights and activations.")
    seed: int = Field(default=0, ge=0, description="Of random weights and of random scores.")


def settings(**given: Any) -> Settings:
    """Checked settings. Raises: InputError naming field, value and what is allowed."""
    try:
        return Settings(**given)
    except ValidationError as error:
        raise InputError(wrong_setting(error, Settings)) from error
