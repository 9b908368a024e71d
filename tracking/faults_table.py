"""The table of docs/faults.md, from `tracking/results/faults.csv` (`python -m tests.faults`, as root).

`python tracking/faults_table.py` writes it. Cells of one fault that end in the same way stand in one row.
"""

from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "faults.md"
START, END = "<!-- table: python tracking/faults_table.py -->", "<!-- end of table -->"


def table() -> str:
    cells = pd.read_csv(ROOT / "tracking" / "results" / "faults.csv", keep_default_na=False)
    # The last line says what to do; backticks would end the code that it is shown as.
    cells["message"] = cells["message"].str.split(" / ").str[-1].str.replace("`", "'")
    lines = [
        "| fault | where | when | exit code | last line on screen | its run in MLflow |",
        "|---|---|---|---|---|---|",
    ]
    same = ["fault", "place", "exit_code", "message", "runs"]
    for (fault, place, code, message, runs), some in cells.groupby(same, sort=False):
        said = f"`{message}`" if message else ""
        lines.append(f"| {fault} | {place} | {', '.join(some['moment'])} | {code} | {said} | {runs} |")
    return "\n".join(lines)


def with_table(text: str) -> str:
    before, _, rest = text.partition(START)
    return f"{before}{START}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text()))
