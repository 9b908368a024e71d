import pandas as pd
import pytest

from rnaexp.errors import InputError
from rnaexp.report.tradeoff import tradeoff_figure, tradeoff_points, write_tradeoff


def run(started, status="FINISHED", **values):
    named = {name.replace("__", "."): value for name, value in values.items()}
    return {"started": pd.Timestamp(started, unit="D"), "status": status, **named}


@pytest.fixture
def runs():
    asked = {"params__test": "ts1", "params__protocol": "paper"}
    return pd.DataFrame(
        [
            run(1, params__model="a", metrics__structure__f1=0.1, **asked),
            run(2, params__model="a", metrics__structure__f1=0.2, metrics__structure__f1_low=0.1, **asked),
            run(3, "FAILED", params__model="a", metrics__structure__f1=0.9, **asked),
            run(1, params__model="b", metrics__structure__f1=0.5, **asked),
            run(2, params__model="a", params__classify__set="rfam", metrics__classify__overlap_ratio=0.7),
            run(3, params__model="a", params__classify__set="rfam", metrics__classify__overlap_ratio=0.6),
            run(3, params__model="c", params__classify__set="rfam", metrics__classify__overlap_ratio=0.1),
        ]
    )


def test_a_point_joins_the_newest_finished_runs_of_a_model(runs):
    points = tradeoff_points(runs)
    assert points[["model", "test", "set", "f1", "overlap_ratio"]].to_dict("records") == [
        {"model": "a", "test": "ts1", "set": "rfam", "f1": 0.2, "overlap_ratio": 0.6}
    ]
    assert points["f1_low"].item() == 0.1


def test_the_picture_shows_each_model_where_its_figures_are(runs):
    (axes,) = tradeoff_figure(tradeoff_points(runs)).axes
    assert [text.get_text() for text in axes.texts] == ["a"]
    assert axes.texts[0].xy == (0.6, 0.2)


def test_without_a_model_that_has_both_figures_there_is_no_picture(runs, tmp_path):
    with pytest.raises(InputError, match="no model has both"):
        write_tradeoff(runs.iloc[:3], tmp_path / "all.png")
    with pytest.raises(InputError, match=r"all.gif: a picture ends in"):
        write_tradeoff(runs, tmp_path / "all.gif")
    write_tradeoff(runs, tmp_path / "all.png")
    assert (tmp_path / "all.png").read_bytes().startswith(b"\x89PNG")
