"""Notebooks of the site: run again where they stand in docs/notebooks, and as pages.

python docs/notebooks.py docs/notebooks/study.ipynb      # run it, and keep its outputs
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "notebooks"


def read(path: Path) -> Any:
    """The notebook as it is kept."""
    import nbformat

    return nbformat.read(path, as_version=4)


def executed(path: Path, folder: Path) -> Any:
    """The notebook with the outputs of a fresh run in `folder`, which gets the files of `examples/`.

    Raises: CellExecutionError if a cell fails.
    """
    from nbclient import NotebookClient

    for one in (ROOT / "examples").iterdir():
        if one.is_file():
            shutil.copy(one, folder)
    notebook = read(path)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    environment |= {"HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute(env=environment)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # the times of each cell
        if cell.cell_type == "code":  # progress and libraries' warnings, which name places of this machine
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def texts(notebook: Any) -> list[str]:
    """What each cell of code prints or shows as text, without pictures."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            plain = (output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs)
            found.append("".join(text for text in plain if "<Figure" not in text))
    return found


def as_page(path: Path) -> tuple[str, dict[str, bytes]]:
    """The notebook as Markdown, and its pictures by name."""
    from nbconvert import MarkdownExporter

    resources = {"unique_key": path.stem, "output_files_dir": ""}
    text, made = MarkdownExporter().from_notebook_node(read(path), resources=resources)
    return text, made["outputs"]


def main() -> None:
    """Run these notebooks again and keep what they show."""
    import nbformat

    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(executed(Path(name), Path(folder)), name)


if __name__ == "__main__":
    main()
