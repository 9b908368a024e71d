"""What a user says of the runs themselves; nothing here takes time to import."""

from pydantic import Field, field_validator

from rnaexp.settings import SettingsBase


class RunWords(SettingsBase):
    """The same for every verb that tracks what it measures."""

    experiment: str = Field(default="", description="MLflow experiment; default: rnaexp, or MLFLOW_EXPERIMENT_NAME.")
    run_name: str = Field(default="", description="Name of the run in MLflow; default: model, set and protocol.")
    tag: list[str] = Field(default=[], description="KEY=VALUE, a tag of the runs in MLflow; repeat for several.")

    @field_validator("tag")
    @classmethod
    def _pairs(cls, words: list[str]) -> list[str]:
        keys = [word.partition("=")[0] for word in words]
        wrong = [key for key in keys if not key or key.startswith(("mlflow.", "rnaexp.")) or keys.count(key) > 1]
        if wrong or not all("=" in word for word in words):
            message = "write KEY=VALUE, each key once and none that begins with mlflow. or rnaexp."
            raise ValueError(message)
        return words

    @property
    def tags(self) -> dict[str, str]:
        """By their keys."""
        return {key: value for key, _, value in (word.partition("=") for word in self.tag)}
