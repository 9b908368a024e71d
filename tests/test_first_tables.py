"""A first table, as a process in an empty directory: a set of one hairpin, and a log without a terminal."""

from .command import rnaexp

QUESTION = """
models = ["lm-nano", "random"]
[[sets]]
validation = "builtin-vl"
test = "mine.dbn"
"""


def test_one_hairpin_leaves_the_tuning_set_whole_and_a_log_stays_short(tmp_path):
    (tmp_path / "mine.dbn").write_text(">mine\nGGGGAAAACCCC\n((((....))))\n")
    (tmp_path / "question.toml").write_text(QUESTION)
    done = rnaexp("run", "question.toml", cwd=tmp_path, timeout=900)
    assert done.returncode == 0, done.stderr
    assert "have relatives" not in done.stderr
    assert "1 RNAs of mine.dbn are too short to be known as relatives of builtin-vl unless equal: mine" in done.stderr
    assert "n/a (1 clusters)" in done.stdout, "one RNA has no interval"
    counted = [line for line in done.stderr.splitlines() if line.endswith(" RNAs") and " of " in line]
    for model, least in (("lm-nano", 1), ("random", 0)):  # random was measured beside lm-nano, and is not again
        mine = [line for line in counted if line.startswith(f"{model} on builtin-vl:")]
        assert least <= len(mine) <= 10, "a line every tenth at most"
        assert all(line.endswith(": 24 of 24 RNAs") for line in mine[-1:])
