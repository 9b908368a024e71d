"""How a model is loaded and run, as a user says it; nothing here takes time to import."""

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from rnaexp.choices import Precision, TokenPairs
from rnaexp.settings import SettingsBase


class Loading(SettingsBase):
    """The same for every verb that reads a model."""

    weights: str = Field(default="", description="Weights file or folder, instead of the published ones.")
    config: str = Field(default="", description="JSON file with the sizes that the weights do not carry.")
    device: str = Field(default="auto", description="auto, cpu or cuda.")
    precision: Precision = Field(
        default="fp32", description="Precision of weights and activations; softmax is in fp32."
    )
    seed: int = Field(
        default=0, ge=0, description="Seed of random weights and of everything else that is drawn at random."
    )

    @field_validator("device")
    @classmethod
    def _known(cls, device: str) -> str:
        if device not in ("auto", "cpu") and not device.startswith("cuda"):
            message = "must be auto, cpu or cuda"
            raise ValueError(message)
        return device

    def of(self, model: str, token_pairs: TokenPairs = "mean") -> dict[str, Any]:
        """Arguments of `models.load`. Raises: InputError for a configuration that is no JSON object."""
        from rnaexp.reading.store import read_json

        return {
            "name": model,
            "weights": Path(self.weights) if self.weights else None,
            "config": read_json(Path(self.config)) if self.config else None,
            "device": self.device,
            "seed": self.seed,
            "precision": self.precision,
            "token_pairs": token_pairs,
        }
