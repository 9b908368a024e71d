"""The table of docs/faults.md, from `tracking/results/faults.csv` (`python -m tests.faults`, as root).

`python tracking/faults_table.py` writes it. Cells of one fault that end in the same way stand in one row.
"""

import re
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "faults.md"
START, END = "<!-- table: python tracking/faults_table.py -->", "<!-- end of table -->"


def table() -> str:
    cells = pd.read_csv(ROOT / "tracking" / "results" / "faults.csv", keep_default_na=False)
    cells["message"] = [_line(*pair) for pair in zip(cells["place"], cells["message"], strict=True)]
    lines = [
        "| fault | where | when | exit code | on screen | its run in MLflow |",
        "|---|---|---|---|---|---|",
    ]
    same = ["fault", "place", "exit_code", "message", "runs"]
    for (fault, place, code, message, runs), some in cells.groupby(same, sort=False):
        said = f"`{message}`" if message else ""
        lines.append(f"| {fault} | {place} | {', '.join(some['moment'])} | {code} | {said} | {runs} |")
    return "\n".join(lines)


def _line(place: str, message: str) -> str:
    """What is wrong with a server comes first, what to do about a disk last; backticks would end the code."""
    line = message.split(" / ")[0 if place == "server" else -1]
    return re.sub(r"[0-9a-f]{64}", "KEY", line).replace("`", "'")


def with_table(text: str) -> str:
    before, _, rest = text.partition(START)
    return f"{before}{START}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text()))
