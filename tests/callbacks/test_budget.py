"""What a probe may cost: settled before it starts, by plain arithmetic."""

from itertools import pairwise

import numpy as np
import pytest

from rnaexp.callbacks import Probe
from rnaexp.callbacks.budget import LEAST, Account, _spread, bases_of, levels_of
from rnaexp.callbacks.probe import _task
from rnaexp.errors import InputError
from rnaexp.reading.maps import Reader
from rnaexp.rna import Rna
from rnaexp.tasks.pairs.sets import sets_of
from tests.callbacks.test_probe import LETTERS, network
from tests.planted_sets import write_set

RATE = 0.01  # seconds a base, of the planted clock


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    return {
        "validation": str(write_set(folder / "vl.dbn", 1, 24, "v")),
        "test": str(write_set(folder / "ts.dbn", 2, 21, "t")),
    }


@pytest.fixture
def timed(monkeypatch):
    """A clock that only reading moves: so many seconds a base."""
    clock, read = Clock(), Reader.predict_step

    def reads(self, batch):
        if self.encoder.spec.name == "probe":
            clock.now += sum(RATE * len(rna) for rna in batch if not self.store.has(self.keys[rna.id]))
        return read(self, batch)

    monkeypatch.setattr(Reader, "predict_step", reads)
    return clock


def probe_with(clock, sets, **budget):
    probe = Probe(LETTERS, every=1, log=False, **sets, **budget)
    probe.cost.clock = clock
    return probe


def test_a_part_of_the_sets_holds_the_next_smaller_one_and_has_every_cluster(sets):
    levels = levels_of(sets_of(_task("probe", **sets)))
    counts = [tuple(len(data.with_pairs) for data in level[:2]) for level in levels]
    assert counts == [(24, 21), (12, 11), (6, 6)]
    assert all(count >= LEAST for count in counts[-1])
    for large, small in pairwise(levels):
        for one, other in zip(large[:2], small[:2], strict=True):
            assert {rna.id for rna in other.rnas} < {rna.id for rna in one.rnas}
            clusters = {rna.cluster for rna in one.with_pairs}
            assert len({rna.cluster for rna in other.rnas}) == min(len(clusters), len(other.rnas))
    assert [bases_of(level) for level in levels] == sorted(map(bases_of, levels), reverse=True)


def test_the_first_rnas_are_one_of_every_cluster():
    sizes, rng = {"a": 9, "b": 2, "c": 1}, np.random.default_rng(4)
    rnas = [
        Rna(id=f"{name}{at}", sequence="".join(rng.choice(list("ACGU"), 12)), pairs=((0, 9),), cluster=name)
        for name, count in sizes.items()
        for at in range(count)
    ]
    order = _spread([*rnas, Rna(id="open", sequence="ACGUACGUA", cluster="d")], {"a0"})
    assert "".join(sorted(rna.cluster for rna in order[:3])) == "abc"
    assert "".join(sorted(rna.cluster for rna in order[3:5])) == "ab"
    assert [rna.cluster for rna in order[5:]] == ["a"] * 6
    assert {rna.id for rna in order} == {rna.id for rna in rnas} - {"a0"}


def test_no_budget_reads_everything_and_the_first_probe_under_one_the_fewest():
    assert Account().level([400, 200, 100]) == 0
    assert Account(share=0.5).level([400, 200, 100]) == 2
    assert Account(most=1e9).level([400, 200, 100]) == 2


def test_the_share_is_kept_at_every_probe_and_no_more_is_left_than_the_next_larger_part_would_take():
    clock, bases, fixed, rate = Clock(), [400, 200, 100], 0.5, 0.02
    account = Account(share=0.05, clock=clock)
    account.begin()
    done = []
    for step in range(2000):
        clock.now += 1.0
        level, trained, spent = account.level(bases), float(step + 1), sum(each for _, each in done)
        if done:
            costs = [1.25 * (fixed + rate * count) for count in bases]
            fitting = [at for at in range(3) if costs[at] <= 0.05 * trained - spent + 1e-9]
            assert level == (fitting[0] if fitting else None), step
        if level is None or step % 100:
            continue
        with account.probing():
            clock.now += fixed + rate * bases[level]
            account.fixed, account.rate = fixed, rate
        done.append((level, fixed + rate * bases[level]))
        if len(done) > 1:
            assert account.used <= 0.05
    assert (account.trained, account.spent) == pytest.approx((2000, sum(each for _, each in done)))
    assert account.used == pytest.approx(account.spent / account.trained)
    assert {level for level, _ in done} == {0, 1, 2}, "one part of the sets is not always the right one"


@pytest.mark.parametrize(("seconds", "rnas"), [(1000.0, 21), (20.0, 11), (0.01, 6)])
def test_a_probes_seconds_choose_how_many_rnas_it_reads(sets, timed, seconds, rnas):
    probe = probe_with(timed, sets, max_seconds=seconds)
    found = probe(network(), 0)
    assert found["rnaexp/rnas"] == rnas
    takes = [1.25 * probe.cost.rate * bases_of(level) for level in probe._levels]
    assert [len(level[1].with_pairs) for level, cost in zip(probe._levels, takes, strict=True) if cost <= seconds][
        :1
    ] == [rnas][: seconds > 0.01]
    if seconds > 0.01:
        assert found["rnaexp/seconds"] <= seconds
    else:
        assert probe(network(), 1) == {}
        assert probe.passed_over == 1


def test_a_share_is_kept_by_fewer_rnas_and_by_steps_that_are_passed_over(sets, timed, capfd):
    probe, rnas = probe_with(timed, sets, share=0.1), []
    model = network()
    for step in range(8):
        if probe.due(step):
            rnas.append(probe(model, step).get("rnaexp/rnas"))
        timed.now += 60.0 if step < 4 else 300.0
    shares = probe.history.set_index("step")["rnaexp/share_of_training"].dropna()
    assert rnas[0] == 6
    assert 21 in rnas
    assert rnas[1:5].count(None) == probe.passed_over > 0
    assert (shares.loc[2:] <= 0.1).all()
    assert probe.cost.used == pytest.approx(
        probe.history["rnaexp/seconds"].sum() / (timed.now - 100 - probe.cost.spent)
    )
    assert f"{len(probe.history)} probes took" in str(probe.cost)
    assert capfd.readouterr().err.count("the budget allows no probe at step") == 1


@pytest.mark.parametrize("budget", [{"share": 1.0}, {"share": -0.1}, {"max_seconds": -1}])
def test_a_wrong_budget_is_refused(sets, budget):
    with pytest.raises(InputError):
        Probe(LETTERS, **sets, **budget)
