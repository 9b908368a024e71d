"""Progress where nobody looks at a terminal."""

from rnaexp import progress


def test_a_log_gets_one_line_for_what_is_quick(capsys):
    with progress.announce("lm-nano on a set", 40) as step:
        for _ in range(40):
            step(1)
    assert capsys.readouterr().err == "lm-nano on a set: 40 of 40 RNAs\n"


def test_a_log_gets_a_line_every_thirty_seconds_of_what_is_slow(capsys, monkeypatch):
    clock = iter(range(0, 10_000, 7))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress.announce("lm-nano on a set", 12, "chains") as step:
        for _ in range(12):
            step(1)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == "lm-nano on a set: 12 of 12 chains"
    assert 2 <= len(lines) <= 12 * 7 // 30 + 2
    assert " left" not in lines[-1]


def test_the_time_left_is_that_of_what_was_not_there_before(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with progress.announce("rnabert on a set", 1000) as step:
        step(400)  # in the store
        for _ in range(500):
            now[0] += 1
            step(1)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "rnabert on a set: 430 of 1000 RNAs, about 10 min left"
    assert lines[-1] == "rnabert on a set: 880 of 1000 RNAs, about 2 min left"


def test_nothing_done_is_not_told(capsys):
    with progress.announce("lm-nano on a set", 3) as step:
        step(0)
    assert capsys.readouterr().err == ""
