import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnaexp.track.names import artifact_path, checked_metrics, checked_texts, safe_name


@given(st.text(max_size=200))
def test_any_text_becomes_one_plain_file_name(text):
    name = safe_name(text)
    assert name
    assert name not in (".", "..")
    assert not name.startswith((".", "-"))
    assert len(name) <= 120
    assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._=+-")


@given(st.text(max_size=30), st.text(max_size=30))
def test_two_texts_never_share_a_file_name(one, other):
    assert (safe_name(one) == safe_name(other)) == (one == other)


def test_an_ordinary_name_stays():
    assert safe_name("1ehz_A") == "1ehz_A"
    assert artifact_path("tables/per_rna.csv") == "tables/per_rna.csv"


@pytest.mark.parametrize("name", ["../x.csv", "a/../../x.csv", "/etc/passwd", "", "a/", "..", "a\\..\\x", "x\0.csv"])
def test_a_path_out_of_the_run_is_refused(name):
    with pytest.raises(ValueError, match="not a path inside the run"):
        artifact_path(name)


def test_html_in_an_artifact_name_is_no_html_and_the_extension_stays():
    name = artifact_path("pairs/<script>alert(1)</script>".replace("/", "|") + ".html")
    assert "<" not in name
    assert name.endswith(".html")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_metric_that_is_not_finite_is_refused_by_name(number):
    with pytest.raises(ValueError, match=r"metric structure\.f1 is"):
        checked_metrics({"structure.f1": number})


def test_none_is_left_out():
    assert checked_metrics({"a": None, "b": 1}) == {"b": 1.0}
    assert checked_texts({"a": None, "b": 1}) == {"b": "1"}


@pytest.mark.parametrize("key", ["", "../x", "/x", "a//b", "a\nb", "<b>", "./a"])
def test_a_key_that_mlflow_cannot_take_is_refused(key):
    with pytest.raises(ValueError, match="cannot name"):
        checked_texts({key: 1})


def test_a_long_value_is_cut_with_a_mark():
    (value,) = checked_texts({"a": "x" * 9000}).values()
    assert len(value) == 6000
    assert value.endswith("…")


def test_more_texts_than_mlflow_takes_in_one_call_are_refused():
    with pytest.raises(ValueError, match="put long lists into a table"):
        checked_texts({f"a{i}": i for i in range(91)})
