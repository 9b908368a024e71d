"""Where a copy of a model's weights can be had."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["hub", "url", "doi", "drive", "folder"]
# Whose file names, parameter names and letters a copy has; each loader recognises it from the files themselves.
Layout = Literal["authors", "transformers", "multimolecule"]

HUB, DOI, DRIVE = "hf:", "doi:", "gdrive:"
_KINDS: dict[str, Kind] = {HUB: "hub", DOI: "doi", DRIVE: "drive", "https://": "url", "http://": "url"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One published copy. What nobody here has read is None: a revision, a hash, a licence is never guessed.

    `address`: `hf:org/name`, a URL, `doi:10.x/record`, `gdrive:ID` of a file or `gdrive:folder/ID`, or a local folder.
    `file`: which file of a record or of a drive's folder, as a shell pattern. `member`: which file or folder of an
    archive, by its name or a shell pattern; all weights and texts in it where none is given. `beside`: further sources
    whose files belong into the same folder, such as a tokenizer that is published on its own. `licence`: of this copy.
    """

    address: str
    layout: Layout = "authors"
    licence: str | None = None
    revision: str | None = None
    sha256: str | None = None
    file: str | None = None
    member: str | None = None
    beside: tuple["Source", ...] = ()

    @property
    def kind(self) -> Kind:
        """By the first letters of its address."""
        return next((kind for start, kind in _KINDS.items() if self.address.startswith(start)), "folder")

    @property
    def hub_id(self) -> str:
        """`org/name` of a hub repository."""
        return self.address.removeprefix(HUB)

    def is_called(self, word: str) -> bool:
        """Whether `--source WORD` means this one: its kind, its layout or its address."""
        return word in (self.kind, self.layout, self.address)


def multimolecule(name: str) -> Source:
    """MultiMolecule's converted copy on the hub. Ids: its model cards; licence: the cards' front matter."""
    return Source(address=f"{HUB}multimolecule/{name}", layout="multimolecule", licence="AGPL-3.0")
