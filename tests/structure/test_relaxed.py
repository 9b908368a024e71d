import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from rnaexp.structure.relaxed import relaxed_hits

N = 12
pair = st.tuples(st.integers(0, N - 1), st.integers(0, N - 1)).filter(lambda p: p[0] < p[1])


def index(pairs):
    return np.array([i * N + j for i, j in pairs], np.int64)


@settings(max_examples=300, deadline=None)
@given(st.lists(pair, unique=True, max_size=14), st.lists(pair, unique=True, min_size=1, max_size=10).map(sorted))
def test_hits_among_the_first_calls_are_their_largest_one_to_one_matching(calls, known):
    hits = relaxed_hits(index(calls)[None], index(known), N)[0] if calls else np.zeros(0, bool)
    for count in range(1, len(calls) + 1):
        near = [[abs(i - a) + abs(j - b) <= 1 for a, b in known] for i, j in calls[:count]]
        matched = (maximum_bipartite_matching(csr_array(np.array(near, np.int8)), perm_type="column") >= 0).sum()
        assert hits[:count].sum() == matched


def test_a_later_call_may_push_an_earlier_one_to_another_pair():
    # The first call could take either pair; the second has only the one that the first took.
    assert relaxed_hits(index([(3, 8), (2, 8)])[None], index([(3, 8), (3, 9)]), N).tolist() == [[True, True]]


@pytest.mark.parametrize(("call", "hit"), [((2, 8), True), ((3, 9), True), ((2, 9), False), ((3, 6), False)])
def test_one_base_may_be_off_by_one(call, hit):
    assert relaxed_hits(index([call])[None], index([(3, 8)]), N).tolist() == [[hit]]


def test_unused_places_are_no_calls():
    assert relaxed_hits(np.array([[3 * N + 8, -1, -1]]), index([(3, 8)]), N).tolist() == [[True, False, False]]
