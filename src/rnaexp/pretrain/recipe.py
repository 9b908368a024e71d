"""A pre-training recipe: every choice as a named field, read from a TOML file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from rnaexp.errors import InputError

Architecture = Literal["msa", "sequence"]
Views = Literal["family", "crops"]
Compared = Literal["none", "fft-magnitude"]
DrawnBy = Literal["neff", "rows", "family", "clan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crops:
    """What a batch holds: pieces of alignments, all of one depth and one length bucket.

    `tokens`: of a batch, special ones not counted. `depths` and `depth_shares`: how many rows, and how often.
    `lengths`: the buckets' bounds in bases; a longer RNA is cropped to the last. `drawn_by`: a family is drawn with its
    Neff to the power of `family_power`, or with its number of rows, or as often as any family, or as any clan.
    `places`: of so many random places to crop, the one is taken where the query has the longest complementary stack, so
    that more hidden letters have their partner in the crop. `single_from`: from this batch on only single rows (what
    pairs is found in alignments first, where it shows within minutes).
    """

    tokens: int = 4096
    depths: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    depth_shares: tuple[float, ...] = (0.3, 0.1, 0.15, 0.15, 0.15, 0.15)
    lengths: tuple[int, ...] = (64, 96, 128)
    family_power: float = 0.5
    drawn_by: DrawnBy = "neff"
    places: int = 1
    single_from: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What is hidden and to be predicted.

    `whole_columns`: share of the crops in which columns are hidden in all rows, so that no other row gives the letter
    away and only the paired column can; in the other crops single letters are hidden. Stages of (first batch, share):
    among letters alone which pair is found within minutes, among whole columns alone the neighbours are learned, and
    both together keep both (experiments/pretrain/README.md). `hidden`: smallest and largest share of columns (or
    letters). `spans`: how many neighbouring columns at once.
    Of what is chosen `replaced` becomes random letters and `kept` stays. `rare_weight`: how much more than others a
    letter counts that is not its column's most frequent one. `weight`: of this loss; 0: no letter is hidden.
    """

    whole_columns: tuple[tuple[int, float], ...] = ((0, 0.6),)
    hidden: tuple[float, float] = (0.15, 0.3)
    spans: tuple[int, int] = (1, 4)
    replaced: float = 0.1
    kept: float = 0.1
    rare_weight: float = 1.0
    weight: float = 1.0

    def whole_share(self, number: int) -> float:
        """Share of crops with whole hidden columns in batch `number`."""
        return [share for first, share in self.whole_columns if first <= number][-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Two views of a family distinguished from views of others by their mean-pooled last states (InfoNCE).

    `weight`: of this loss; 0: none. `views`: "family", two rows of one training family, so that families are labels
    (supervised), or "crops", two crops of one row (no labels). `pairs`: of views in a batch, each of another clan; a
    clan is drawn with its number of rows to `clan_power`. Of each row a crop of a random share from `least` to 1 and
    of at most `max_bases` is seen, and `mutated` of its letters are drawn anew. `groups`: a batch is read in so many
    parts of like length. `reductions`: how pooled states are reduced before they are compared, as
    `EmbeddingProtocol.reduction`; the loss is the mean over these.
    """

    weight: float = 0.0
    views: Views = "family"
    reductions: tuple[Compared, ...] = ("none",)
    pairs: int = 48
    temperature: float = 0.1
    clan_power: float = 0.25
    least: float = 1.0
    max_bases: int = 256
    mutated: float = 0.0
    groups: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Distillation:
    """Pairs that a teacher's head finds in a whole alignment, taught to a head on crops of few rows or one.

    `weight`: of this loss; 0: none. `teacher`: a model that ships, or a folder next to the recipe; `head`: its layer
    and head, `threshold`: from which symmetrised, corrected score on two columns pair. It reads the `rows` most unlike
    rows of a family, and at most so many `columns`. `least`: pairs a base that must be found for a family to be taught.
    `student`: layer and head that are taught. `again`: batches from which on the student as it is then is the teacher,
    its pairs those above `again_threshold`.
    """

    weight: float = 0.0
    teacher: str = "msm-nano"
    head: tuple[int, int] = (1, 1)
    threshold: float = 0.5
    rows: int = 16
    columns: int = 400
    least: float = 0.1
    student: tuple[int, int] = (1, 1)
    again: tuple[int, ...] = ()
    again_threshold: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimiser:
    """AdamW with a warm-up, a constant rate and a linear cool-down over the last share of the steps."""

    rate: float = 2e-3
    warmup: int = 200
    cooldown: float = 0.25
    decay: float = 0.01
    clip: float = 1.0
    accumulate: int = 1
    betas: tuple[float, float] = (0.9, 0.98)


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What a probe looks at on the way, and at which steps; no gradient comes from it.

    `steps`: at these and after the last step; none: every so many (`every`); 0: at steps 0, 1, 2, 4, 8 and so on.
    `tuned_on`, `tested_on`: sets of base pairs, "" for no probe; `families`: a set of families, "" for none, without
    those that a model was trained on (`unseen_by`).
    """

    steps: tuple[int, ...] = ()
    every: int = 0
    tuned_on: str = "builtin-vl"
    tested_on: str = "builtin-ts"
    families: str = ""
    unseen_by: str = ""

    def due(self, step: int) -> bool:
        """Whether this step is one of them."""
        if self.steps:
            return step in self.steps
        return step % self.every == 0 if self.every else step & (step - 1) == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All of it; `steps` None: as many as the minutes allow. `excluded`: a file next to the recipe.

    `initial_head`: "kernel" or "kernel-alignment", whose stacks the first head reads before any training; "": none.
    """

    title: str
    architecture: Architecture
    network: Mapping[str, Any]  # fields of MsaTransformerConfig
    seed: int = 0
    steps: int | None = None
    excluded: str | None = None
    initial_head: str = ""
    crops: Crops = field(default_factory=Crops)
    objective: Objective = field(default_factory=Objective)
    contrast: Contrast = field(default_factory=Contrast)
    distillation: Distillation = field(default_factory=Distillation)
    distillation_crops: Crops = field(default_factory=Crops)
    optimiser: Optimiser = field(default_factory=Optimiser)
    validation: Validation = field(default_factory=Validation)


_PARTS: Mapping[str, Any] = {
    "crops": Crops,
    "objective": Objective,
    "contrast": Contrast,
    "distillation": Distillation,
    "distillation_crops": Crops,
    "optimiser": Optimiser,
    "validation": Validation,
}


def read_recipe(path: Path) -> Recipe:
    """The recipe in a TOML file.

    Raises: InputError naming the file and the field that is missing, unknown or impossible.
    """
    try:
        held = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        message = f"cannot be read: {error}"
        raise InputError(message, path=path) from error
    try:
        return recipe_of(held)
    except (TypeError, ValueError) as error:
        raise InputError(str(error), path=path) from error


def recipe_of(held: Mapping[str, Any]) -> Recipe:
    """The recipe in a mapping as TOML gives it; raises ValueError."""
    parts = {name: _part(kind, held[name], name) for name, kind in _PARTS.items() if name in held}
    recipe: Recipe = _part(Recipe, {**held, **parts}, "recipe")
    _check(recipe)
    return recipe


def _part(kind: Any, held: Mapping[str, Any], name: str) -> Any:
    known = {item.name for item in fields(kind)}
    if unknown := sorted(set(held) - known):
        message = f"{name}: unknown field {unknown[0]!r}; it has {', '.join(sorted(known))}"
        raise ValueError(message)
    return kind(**{key: _frozen(value) for key, value in held.items()})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _check(recipe: Recipe) -> None:
    crops, objective = recipe.crops, recipe.objective
    faults = {
        f"architecture {recipe.architecture!r}: must be msa or sequence": recipe.architecture
        not in ("msa", "sequence"),
        f"initial_head {recipe.initial_head!r}: must be kernel, kernel-alignment or nothing": recipe.initial_head
        not in ("", "kernel", "kernel-alignment"),
        "crops: depths and depth_shares differ in number": len(crops.depths) != len(crops.depth_shares),
        "crops: lengths must rise": list(crops.lengths) != sorted(set(crops.lengths)),
        "crops: a sequence model reads one row: depths must be [1], or single_from say when that begins": (
            recipe.architecture == "sequence" and crops.depths != (1,) and crops.single_from is None
        ),
        "objective: whole_columns must be stages [first batch, share], from batch 0 on and rising": (
            [first for first, _ in objective.whole_columns]
            != sorted({0, *(first for first, _ in objective.whole_columns)})
        ),
        "objective: replaced and kept together are more than 1": objective.replaced + objective.kept > 1,
        "objective: hidden must be two shares, the smaller first": not 0
        < objective.hidden[0]
        <= objective.hidden[1]
        < 1,
    }
    for message, wrong in faults.items():
        if wrong:
            raise ValueError(message)
