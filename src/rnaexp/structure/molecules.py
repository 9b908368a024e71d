"""What is judged: base pairs of RNAs, or contacts of proteins."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Molecule:
    """`item`: what one is called. `pairs`: what pairs of it are. `task`: the first word of its metrics' names.

    `brackets`: whether its pairs are drawn as dot-brackets, so that a head of it predicts structures and is registered;
    of contacts a residue has many. `proven`: whether published figures of it have been reproduced.
    """

    item: str
    pairs: str
    task: str
    brackets: bool
    proven: bool

    @property
    def items(self) -> str:
        """Several of it."""
        return f"{self.item}s"


RNA = Molecule(item="RNA", pairs="base pairs", task="structure", brackets=True, proven=True)
PROTEIN = Molecule(item="chain", pairs="contacts", task="contacts", brackets=False, proven=False)
