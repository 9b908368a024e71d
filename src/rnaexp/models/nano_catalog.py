"""The models that ship with the package, trained here by `rnaexp pretrain`; a card lies next to the weights."""

from pathlib import Path

from rnaexp.models.spec import ModelSpec

_TRAINED_ON = "{} of Rfam 14.2's seeds: the training side of data/rfam_split.py without the clans of the test sets"

SHIPPED = Path(__file__).with_name("shipped")  # one folder a model, as `rnaexp pretrain` writes it
KERNEL = "models/shipped/kernel"  # inside the package: its fitted numbers, and the families they were fitted on

ROWS = (
    ModelSpec(
        name="nano",
        title="nano (ours)",
        group="reference",
        loader="rnaexp.models.nano:load",
        layers=3,  # config.json next to its weights
        heads=2,
        width=64,
        reads="alignment",
        alphabet="ACGUN-",
        sha256="7d6dd81003bf34eff0bbf54703d8f7c4e1ee67e45b0ac7dacd2d9bb60b721a7e",
        licence="Apache-2.0",
        trained_on=_TRAINED_ON.format("alignments and single rows")
        + "; supervised: training clans (families as labels)",
        trained_families="models/shipped/nano/families.txt",
        structure_seen="none",
    ),
    ModelSpec(
        name="msm-nano",
        title="MSM-nano (ours)",
        group="reference",
        loader="rnaexp.models.nano:load",
        layers=2,  # config.json next to its weights
        heads=2,
        width=64,
        reads="alignment",
        alphabet="ACGUN-",
        sha256="44e5e3f7df417562326901c989093ba0e13f97e7a2e2b6cf09980c105e5d5cc4",
        licence="Apache-2.0",
        trained_on=_TRAINED_ON.format("alignments"),
        trained_families="models/shipped/msm-nano/families.txt",
        structure_seen="none",
    ),
    ModelSpec(
        name="lm-nano",
        title="LM-nano (ours)",
        group="reference",
        loader="rnaexp.models.nano:load",
        layers=2,  # config.json next to its weights
        heads=2,
        width=64,
        alphabet="ACGUN",
        sha256="311abd3fef0635b6c6f03478413787ce043d2528a2ecf9d53f8ef001b20fa07b",
        licence="Apache-2.0",
        trained_on=_TRAINED_ON.format("alignments, then single rows,"),
        trained_families="models/shipped/lm-nano/families.txt",
        structure_seen="none",
    ),
)
