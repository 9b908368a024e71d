"""No id becomes a formula in a spreadsheet, no number changes, and pandas reads the ids back."""

import io

import pandas as pd
import pytest

from rnaexp.data.csv_text import csv_text, neutral
from rnaexp.data.own import Fault
from rnaexp.reading.left_out import write_faults

from ..command import inside as rnaexp

HOSTILE = ["=cmd|' /C calc'!A0", "+SUM(1)", "-2+3", "@x", "\t=1"]


@pytest.mark.parametrize("cell", HOSTILE)
def test_what_a_spreadsheet_would_run_is_neutralised_and_read_back(cell):
    table = pd.DataFrame({"rna": [cell, "rna-1"], "f1": [-0.5, 0.25]})
    text = csv_text(table)
    back = pd.read_csv(io.StringIO(text), keep_default_na=False)
    assert list(back["rna"]) == [f"'{cell}", "rna-1"]
    assert list(back["rna"].str.removeprefix("'")) == list(table["rna"])
    assert list(back["f1"]) == [-0.5, 0.25]
    assert list(table["rna"]) == [cell, "rna-1"], "the table itself is left as it is"


def test_everything_else_is_as_pandas_writes_it():
    table = pd.DataFrame(
        {"a": ["x", None, "-0.5", "-", "+1e-3", "-inf"], "b": [1.5, None, 3, -4, 5, 6], "c": [True] * 6}
    )
    assert csv_text(table) == table.to_csv(index=False)
    assert csv_text(pd.DataFrame({"a": []})) == "a\n"
    assert neutral(None) is None


@pytest.mark.fault
def test_predict_and_the_list_of_what_was_left_out_hold_no_formula(tmp_path):
    (tmp_path / "my.fa").write_text(">=cmd|x\nGGGGAAAACCCC\n>-1+1\nACGXX\n")
    done = rnaexp("predict", "--model", "viennarna", "my.fa", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for name in ("pairs.csv", "skipped.csv"):
        lines = (tmp_path / "predictions" / name).read_text().splitlines()[1:]
        assert lines
        assert all("'=cmd|x" in line or "'-1+1" in line for line in lines), lines
    write_faults([Fault(path=tmp_path, line=None, name="=x+1", reason="@y")], tmp_path / "faults.csv")
    assert (tmp_path / "faults.csv").read_text().splitlines()[1].endswith(",,'=x+1,'@y")


@pytest.mark.fault
def test_a_prediction_that_skips_every_rna_is_refused(tmp_path):
    (tmp_path / "long.fa").write_text(">a\n" + "ACGU" * 300 + "\n")
    done = rnaexp("predict", "--model", "lm-nano", "long.fa", cwd=tmp_path)
    assert (done.returncode, "none of 1 records could be done" in done.stderr) == (65, True), done.stderr
