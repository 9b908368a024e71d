"""Tables, texts and pictures as files; each writer ends with the file safely on disk."""

import io
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnaexp.data.csv_text import csv_text

if TYPE_CHECKING:
    import pandas as pd


DOTS_AN_INCH = 150
PICTURE: dict[str, Any] = {"dpi": DOTS_AN_INCH, "bbox_inches": "tight"}  # how Matplotlib saves what it lays out itself
# Plotly 7 draws a button that sends the chart to its makers' server.
PLOTLY_CLOSED = {"plotlyServerURL": "", "modeBarButtonsToRemove": ["sendChartToCloud"]}


def write_table(frame: "pd.DataFrame", path: Path) -> None:
    """CSV or Parquet, by the file's ending."""
    named = frame.reset_index() if any(name is not None for name in frame.index.names) else frame
    if path.suffix == ".csv":
        path.write_text(csv_text(named), encoding="utf-8")
    elif path.suffix == ".parquet":
        named.to_parquet(path, index=False)
    else:
        message = f"table {path.name}: the name must end in .csv or .parquet"
        raise ValueError(message)
    _settle(path)


def write_shown_table(frame: "pd.DataFrame", path: Path) -> None:
    """As `MlflowClient.log_table` writes JSON."""
    if path.suffix != ".json":
        message = f"table {path.name}: MLflow shows tables whose names end in .json"
        raise ValueError(message)
    frame.to_json(path, orient="split", index=False)
    _settle(path)


def write_text(text: str, path: Path) -> None:
    """UTF-8, line ends as they are."""
    write_bytes(text.encode(), path)


def write_bytes(content: bytes, path: Path) -> None:
    """The bytes as they are."""
    path.write_bytes(content)
    _settle(path)


def write_file(source: Path, path: Path) -> None:
    """A copy: a link would change with its source."""
    shutil.copyfile(source, path)
    _settle(path)


def write_figure(figure: Any, path: Path) -> None:
    """Bytes as they are; Plotly as one HTML file with plotly.js inside; Matplotlib by the file's ending."""
    write_bytes(figure_bytes(figure, path.name), path)


def figure_bytes(figure: Any, name: str) -> bytes:
    """What `write_figure` writes into a file of this name."""
    if isinstance(figure, bytes):
        return figure
    if hasattr(figure, "to_html"):
        # MLflow's own log_figure loads plotly.js from the web, which a closed network does not have.
        page: str = figure.to_html(include_plotlyjs=True, full_html=True, config=PLOTLY_CLOSED)
        return page.encode()
    if hasattr(figure, "savefig"):
        made = io.BytesIO()
        figure.savefig(made, format=Path(name).suffix.removeprefix("."), **PICTURE)
        return made.getvalue()
    message = f"figure {name}: {type(figure).__name__} is neither bytes nor a Plotly or Matplotlib figure"
    raise TypeError(message)


def _settle(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
