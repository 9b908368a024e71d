import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from rnaexp.data.builtin import FAMILIES_FILE, make_builtin
from rnaexp.data.clusters import related
from rnaexp.data.download import file_sha256
from rnaexp.data.sets import load_set
from rnaexp.data.stockholm import project, read_families
from rnaexp.data.text import read_source

INFERNAL = Path("/usr/share/doc/infernal/examples/testsuite")


@pytest.fixture(scope="module")
def both():
    return load_set("builtin-vl"), load_set("builtin-ts")


def test_nine_families_eight_with_structure(both):
    whole = load_set("builtin")
    assert {rna.id for side in both for rna in side.rnas} == {rna.id for rna in whole.rnas}
    assert len({rna.family for rna in whole.rnas}) == 9
    assert {rna.family for rna in whole.rnas if not rna.pairs} == {"snR75"}


def test_no_family_clan_or_kin_stands_on_both_sides(both):
    validation, test = both
    for label in ("family", "cluster"):
        assert not {getattr(rna, label) for rna in validation.rnas} & {getattr(rna, label) for rna in test.rnas}
    assert not related(validation.rnas, test.rnas)
    assert {rna.family for rna in test.rnas if rna.cluster == "CL00003"} == {"Plant_SRP", "Euk_SRP"}


def test_both_sides_hold_small_and_large_rnas(both):
    for side in both:
        lengths = [len(rna) for rna in side.with_pairs]
        assert min(lengths) < 110
        assert max(lengths) > 300


def test_every_rna_is_typical_and_has_its_alignment(both):
    for side in both:
        for rna in side.rnas:
            assert "N" not in rna.sequence
            assert 10 < rna.alignment.depth <= make_builtin.MAX_ROWS
            assert len(set(rna.alignment.rows)) == rna.alignment.depth
            assert rna.alignment.structure_aware is True


def test_evidence_is_known_per_rna_as_far_as_the_sources_state_it(both):
    unstated = {rna.family for side in both for rna in side.rnas if rna.id not in side.evidence_of}
    assert unstated == {"RNaseP_bact", "Euk_SRP"}


def test_projection_drops_a_pair_with_a_gap_in_either_column():
    assert project([(0, 7), (1, 6), (2, 5)], "GG-CC-CC") == ((0, 5), (1, 4))


def test_the_file_is_small_and_its_provenance_names_its_hash():
    assert FAMILIES_FILE.stat().st_size < 100_000
    assert file_sha256(FAMILIES_FILE) in FAMILIES_FILE.with_name("PROVENANCE.md").read_text()


needs_infernal = pytest.mark.skipif(
    not (INFERNAL / "4.sto").exists(), reason="Debian's infernal-doc is not installed: the set cannot be made again"
)


@needs_infernal
def test_made_again_from_the_package_the_content_is_the_same():
    blocks = {}
    with gzip.open(FAMILIES_FILE) as file:
        stored = json.load(file)
    for chosen, kept in zip(make_builtin.CHOSEN, stored, strict=True):
        if chosen.file not in blocks:
            blocks[chosen.file] = list(read_families(read_source(INFERNAL / chosen.file), "mask"))
        assert make_builtin.entry(chosen, blocks[chosen.file][chosen.block]) == kept


@needs_infernal
@pytest.mark.parametrize("name", ["4.sto", "3.4.12.rf.stk", "srp-euk.sto"])
def test_stockholm_reading_agrees_with_easel(name):
    from pyhmmer.easel import MSAFile

    ours = list(read_families(read_source(INFERNAL / name)))
    with MSAFile(str(INFERNAL / name), format="stockholm") as file:
        theirs = list(file)
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        text = [row if isinstance(row, str) else row.decode() for row in other.alignment]
        rows = [row.upper().replace("T", "U").replace(".", "-") for row in text]
        known = str.maketrans(dict.fromkeys("RYSWKMBDHV", "N"))
        assert list(mine.rows) == [row.translate(known) for row in rows]
        assert len(mine.consensus) == sum(symbol in "<([{" for symbol in _text(other.secondary_structure))


def _text(value):
    return value.decode() if isinstance(value, bytes) else value


def test_the_script_can_be_run_as_its_docstring_says():
    done = subprocess.run(
        [sys.executable, "-m", "rnaexp.data.builtin.make_builtin", "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
