"""Folders of stored vectors that a question names: each file stands in for a model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rnaexp.data.stored_vectors import ENDINGS, read_vectors
from rnaexp.data.wang import own_folder
from rnaexp.tasks.families.settings import ClassifyTask


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A folder of a question with a file of vectors, or a folder with one, for each model.

    A relative folder is looked for next to the question file and in the record's folder.
    """

    families: str
    folder: str

    def files(self, question: Path) -> Iterator[tuple[str, Path]]:
        """Each model's name and file, by name; nothing where the folder is not there."""
        own = own_folder()
        places = [question.parent / self.folder, *([] if own is None else [own / self.folder])]
        root = next((place for place in places if place.is_dir()), None)
        for path in sorted(root.iterdir()) if root is not None else ():
            inner = sorted(each for each in path.iterdir() if each.suffix in ENDINGS) if path.is_dir() else [path]
            yield from ((path.stem if path.is_file() else path.name, each) for each in inner if each.suffix in ENDINGS)

    def tasks(self, question: Path, tasks: Sequence[ClassifyTask]) -> Iterator[ClassifyTask]:
        """A task for each file under each protocol of the question for this set."""
        by_protocol = {task.protocol: task for task in tasks if task.families == self.families}
        for name, path in self.files(question):
            stored = read_vectors(path)
            for each in by_protocol.values():
                as_it_is = replace(each.protocol, reduction="none")
                yield replace(each, model=f"stored:{name}", protocol=as_it_is, stored=stored)
