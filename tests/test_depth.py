import numpy as np
import pandas as pd
import pytest

from rnaexp.report.depth import depth_curves, strata


def per_rna(f1, depths):
    names = [f"r{at}" for at in range(len(f1))]
    return pd.DataFrame({"rna": names, "cluster": names, "f1": f1, "depth": depths})


def test_differences_are_paired_by_rna_within_each_stratum():
    ours = per_rna([0.5, 0.7, 0.9, 0.2, 1.0], [2, 9, 10, 101, 1])
    ours = ours.assign(neff=[1, 3.9, 4, 64, 1], evidence=["3d", "3d", "published", "published", "3d"])
    theirs = per_rna([0.4, 0.2, None, 0.3, 0.5], [2, 9, 10, 101, 1]).sample(frac=1, random_state=0)
    found = strata({"a": ours, "b": theirs}).set_index(["by", "group"])
    assert found.loc[("depth", "2 to 9"), "difference"] == pytest.approx((0.1 + 0.5) / 2)
    assert found.loc[("depth", "101 or more"), ["rnas", "difference"]].tolist() == pytest.approx([1, -0.1])
    assert ("depth", "10 to 31") not in found.index  # the only RNA there has no score of the other
    assert found.loc[("neff", "1 to under 4"), ["rnas", "difference"]].tolist() == pytest.approx([3, 1.1 / 3], abs=1e-4)
    assert found.loc[("neff", "64 or more"), "rnas"] == 1
    assert found.loc[("evidence", "published"), ["rnas", "difference"]].tolist() == pytest.approx([1, -0.1])
    assert found.loc[("all", "all"), "rnas"] == 4
    assert found.loc[("depth", "2 to 9"), ["low", "high"]].isna().all(), "two clusters have no interval"


def test_strata_are_declared_contrasts_with_an_interval_from_five_clusters_on():
    ours = per_rna([0.5, 0.7, 0.9, 0.2, 1.0, 0.6], [2, 9, 3, 4, 5, 200]).assign(neff=1.0)
    found = strata({"a": ours, "b": ours.assign(f1=ours.f1 - [0.1, 0.2, 0.3, 0.1, 0.4, -0.1])})
    row = found.set_index(["by", "group"]).loc[("depth", "2 to 9")]
    assert row["low"] < row["difference"] < row["high"]
    assert row["p_sign_flip"] == 2 / 2**5, "all five one way"
    falling = sorted(found["p_sign_flip"])
    holm = np.maximum.accumulate([min(1, p * (len(falling) - at)) for at, p in enumerate(falling)])
    assert sorted(found["p_holm"]) == pytest.approx(holm.round(6))


def test_curves_show_alignment_models_by_depth_and_others_as_a_level():
    rows = [("m", f"depth-{d}", d / 100) for d in (1, 4, 64)] + [("m", "intact", 0.9), ("seq", None, 0.3)]
    table = pd.DataFrame(rows, columns=["model", "alignment", "f1"])
    table = table.assign(f1_low=table.f1, f1_high=table.f1, p_at_n=table.f1 + 0.05, test="t", rnas=3)
    _, second = depth_curves(table.sort_values("f1")).get_axes()
    by_label = {line.get_label(): line for line in second.get_lines()}
    assert by_label["m"].get_xydata().ravel().tolist() == pytest.approx([0, 0.06, 2, 0.09, 6, 0.69, 7, 0.95])
    assert by_label["seq (sequence)"].get_ydata()[0] == pytest.approx(0.35)
