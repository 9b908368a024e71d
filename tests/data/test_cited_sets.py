"""CHANRG, bpRNA-new, CASP-RNA and RNAGym's tables: generated files of their layout, from a local web, by name."""

import io
import lzma
import tarfile
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from tests.command import answer, inside
from tests.planted_sets import hairpin
from tests.web import Web

from rnaexp.data import sets
from rnaexp.data.catalog import RemoteFile
from rnaexp.data.cited_catalog import CITED
from rnaexp.data.cited_sets import SPLITS, TABLE
from rnaexp.data.dot_bracket import to_dot_bracket
from rnaexp.data.download import file_sha256
from rnaexp.data.sets import describe, load_set
from rnaexp.errors import InputError, UnavailableError
from rnaexp.models.planted import stems

HUB = "datasets/multimolecule"
# A nested pair of stems and the stem of an H-type pseudoknot, from 0.
KNOT = "GGGAACCCAAAAGGGAACCCAAAA", "(((..[[[....)))..]]]....", [(0, 14), (1, 13), (2, 12), (5, 19), (6, 18), (7, 17)]


def known(rng):
    sequence = hairpin(rng)
    return {"sequence": sequence, "secondary_structure": to_dot_bracket(len(sequence), stems(sequence))}


def chanrg_rows(rng, splits, each=5):
    """As CHANRG's card lists the columns; three families a split, two of one clan; some have no clan."""
    rows = []
    for split in splits:
        for at in range(each):
            family = f"RF{split}{at % 3}"
            row = known(rng)
            rows.append(
                {
                    "id": f"{split}{at}.1_1-99",
                    **row,
                    "structural_annotation": "S" * len(row["sequence"]),
                    "functional_annotation": "N" * len(row["sequence"]),
                    "family": family,
                    "clan": None if at % 3 == 2 else f"CL{split}",
                    "architecture": "hairpin",
                    "super_family": None,
                    "split": split,
                }
            )
    return rows


def rnagym_rows(rng):
    sequence, structure, _ = KNOT
    rows = [{"uid": "pseudobase:PKB1|PKB2", "sequence": sequence, "secondary_structure": structure}]
    rows += [{"uid": f"pseudobase:PKB{at}", **known(rng)} for at in range(3, 7)]
    rows += [{"uid": f"pdb:{at}abc_A", **known(rng)} for at in range(1, 6)]
    rows += [{"uid": "bprna:1", **known(rng)}]
    for at, row in enumerate(rows):
        row |= {"sequence_id": at, "resolved": [True] * len(row["sequence"])}
    rows[5]["resolved"][1:3] = [False, False]
    return rows


def archive(path, rows, member=f"data/2d/{TABLE}", times=1):
    """As RNAGym's: other files first, the table in a folder."""
    table = io.BytesIO()
    pd.DataFrame(rows).to_parquet(table)
    with tarfile.open(path, "w:xz") as packed:
        for name, content in (("data/2d/rnagym_mapping.parquet", b"x" * 999), *((member, table.getvalue()),) * times):
            held = tarfile.TarInfo(name)
            held.size = len(content)
            packed.addfile(held, io.BytesIO(content))
    return path


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The local web, with every suite on it."""
    folder = tmp_path_factory.mktemp("published")
    rng = np.random.default_rng(0)
    for name in ("chanrg", "bprna-new", "casp-rna"):
        (folder / name).mkdir()
    pd.DataFrame(chanrg_rows(rng, ["Validation"])).to_parquet(folder / "chanrg/validation.parquet")
    pd.DataFrame(chanrg_rows(rng, ["Test", "GenA", "GenC", "GenF"])).to_parquet(folder / "chanrg/test.parquet")
    for name in ("bprna-new", "casp-rna"):
        rows = [{"id": f"{name}{at}", **known(rng)} for at in range(5)]
        pd.DataFrame(rows).to_parquet(folder / name / "test.parquet")
    made = archive(folder / "rnagym_2d.tar.xz", rnagym_rows(rng))
    rows = [{"sequence": KNOT[0], "secondary_structure": KNOT[1], "psuedobase_ids": "PKB1|PKB2"}]
    rows += [{**known(rng), "psuedobase_ids": f"PKB{at}"} for at in range(3, 7)]
    pd.DataFrame([*rows, {**rows[0], "secondary_structure": "..", "psuedobase_ids": "PKB373"}]).to_csv(
        folder / "pseudobase_data.csv", index=False
    )
    with Web(
        folder=folder / "web",
        hub={f"{HUB}/{name}": folder / name for name in ("chanrg", "bprna-new", "casp-rna")},
        links={describe("rnagym-2d").files[0].url: made},
    ) as web:
        web.links[describe("rnagym-pseudobase").files[0].url] = folder / "pseudobase_data.csv"
        yield web


@pytest.fixture
def web(served, tmp_path, monkeypatch):
    """A user who sees that web, with an empty cache."""
    monkeypatch.delenv("RNAEXP_MIRROR", raising=False)
    for name, value in served.variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # The pinned file is another one: here it has the hash of the generated one.
    spec = describe("rnagym-pseudobase")
    file = RemoteFile(url=spec.files[0].url, sha256=file_sha256(served.links[spec.files[0].url]))
    monkeypatch.setitem(sets._BY_NAME, spec.name, replace(spec, files=(file,), rnas=5))
    return served


def test_splits_of_one_file_are_told_apart(web):
    validation = load_set("chanrg-validation")
    assert (validation.split, {rna.id[:10] for rna in validation.rnas}) == ("validation", {"Validation"})
    for split in SPLITS[2:]:
        found = load_set(f"chanrg-{split.lower()}")
        assert (found.split, len(found)) == ("test", 5)
        assert {rna.id[: len(split)] for rna in found.rnas} == {split}
        assert {(rna.family, rna.cluster) for rna in found.rnas} == {
            (f"RF{split}0", f"CL{split}"),
            (f"RF{split}1", f"CL{split}"),
            (f"RF{split}2", f"RF{split}2"),
        }


def test_rnagyms_sources_are_told_apart_and_its_other_sources_counted(web):
    pdb, both = load_set("rnagym-pdb"), load_set("rnagym-2d")
    assert {rna.id.partition(":")[0] for rna in pdb.rnas} == {"pdb"}
    assert (len(pdb), len(both), pdb.evidence, both.evidence) == (5, 10, "3d", None)
    assert {both.evidence_for(rna.id) for rna in both.rnas if rna.id.startswith("pseudobase")} == {"published"}
    assert both.unresolved == pdb.unresolved == {"pdb:1abc_A": (1, 2)}
    assert any("1 structures of bprna left out" in note for note in both.notes)
    assert {"5 structures of pseudobase left out", "1 structures of bprna left out"} <= set(pdb.notes)


def test_a_pseudoknot_has_the_pairs_of_both_kinds_of_brackets(web):
    found = {rna.id: rna for rna in load_set("rnagym-pseudobase").rnas}
    assert list(found["PKB1|PKB2"].pairs) == KNOT[2]
    assert "PKB373" not in found, "its structure is too short"


def test_a_file_that_nobody_pinned_must_not_change(web, tmp_path):
    load_set("casp-rna")
    (path,) = (tmp_path / "cache").rglob("*test.parquet")
    path.write_bytes(path.read_bytes() + b"!")
    with pytest.raises(UnavailableError, match="not the file that was first downloaded"):
        load_set("casp-rna")


def test_the_list_of_sets_says_licence_evidence_and_what_is_not_pinned(tmp_path):
    listed = {row["name"]: row for row in answer(inside("data", "list", "--json", cwd=tmp_path))["sets"]}
    for spec in CITED:
        row = listed[spec.name]
        assert (row["split"], row["evidence"], row["licence"]) == (spec.split, spec.evidence, spec.licence)
    assert "without prior written permission" in " ".join(listed["chanrg-genf"]["licence"].split())
    shown = inside("--wide", "data", "list", cwd=tmp_path).stdout.splitlines()
    pinned = {name: "not pinned" not in next(line for line in shown if f" {name} " in line) for name in listed}
    assert {name for name, known in pinned.items() if not known} == {
        spec.name for spec in CITED if spec.name != "rnagym-pseudobase"
    }


@pytest.fixture
def mirrored(tmp_path, monkeypatch):
    """Writes a file where the mirror keeps a set's."""
    monkeypatch.setenv("RNAEXP_MIRROR", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def place(name):
        path = tmp_path / describe(name).files[0].url.removeprefix("https://")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    return SimpleNamespace(
        at=place, table=lambda name, rows: pd.DataFrame(rows).to_parquet(place(name)), folder=tmp_path
    )


@pytest.mark.fault
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda rows: [{**row, "split": "GenX"} for row in rows], r"split 'GenX'; known are Train, Validation, Test"),
        (lambda rows: [{k: v for k, v in row.items() if k != "split"} for row in rows], "no column split; there are"),
        (lambda rows: [{k: v for k, v in row.items() if k != "clan"} for row in rows], "no column clan; there are"),
        (lambda rows: [{k: v for k, v in row.items() if k != "sequence"} for row in rows], "expected columns id, seq"),
        (
            lambda rows: [{k: v for k, v in row.items() if k != "secondary_structure"} for row in rows],
            "no column secondary_structure",
        ),
        (lambda rows: [{**rows[0], "secondary_structure": "("}, *rows[1:]], "GenF0.*structure has 1 symbols, the"),
        (lambda rows: [{**rows[0], "secondary_structure": None}, *rows[1:]], r":2: GenF0\S*: no structure"),
        (
            lambda rows: [{**row, "secondary_structure": "(" + "." * (len(row["sequence"]) - 1)} for row in rows],
            r":2: GenF0\S*: unbalanced brackets",
        ),
        (lambda rows: [{**row, "split": "Train"} for row in rows], "no RNA of split GenF"),
        (lambda rows: [{**rows[0], "id": ""}, *rows[1:]], "must be one non-empty line"),
    ],
)
def test_a_hostile_table_ends_with_its_file_and_what_is_wrong(change, complaint, mirrored):
    mirrored.table("chanrg-genf", change(chanrg_rows(np.random.default_rng(1), ["GenF"])))
    with pytest.raises(InputError, match=complaint) as refused:
        load_set("chanrg-genf")
    assert str(refused.value).startswith(str(mirrored.at("chanrg-genf")))


def test_duplicates_and_odd_letters_are_counted(mirrored):
    rows = [{"id": f"r{at}", **known(np.random.default_rng(at))} for at in range(4)]
    odd = {**rows[1], "sequence": "Y" + rows[1]["sequence"][1:].replace("U", "t")}
    mirrored.table("bprna-new", [rows[0], rows[0], odd, {**rows[2], "id": "r0"}, {**rows[3]}, {**rows[3], "id": "r9"}])
    found = load_set("bprna-new")
    assert [rna.id for rna in found.rnas] == ["r0", "r1", "r0.2", "r3", "r9"]
    assert found.rnas[1].sequence == "N" + rows[1]["sequence"][1:]
    counted = found.notes[len(describe("bprna-new").notes) :]
    assert counted == (
        "1 rows that repeat another were left out",
        "1 names stood before: r0 is now r0.2",
        "1 letters of 1 RNAs were read as N",
        "1 RNAs have the sequence of another",
    )
    assert found.rnas[3].cluster == found.rnas[4].cluster != found.rnas[0].cluster


@pytest.mark.fault
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"uid": "abc"}, "abc: an id of RNAGym's table is source:id"),
        ({"resolved": [True]}, "resolved is no list of one truth a base"),
    ],
)
def test_a_row_that_is_not_rnagyms_is_refused(change, complaint, mirrored):
    rows = rnagym_rows(np.random.default_rng(2))
    rows[6] |= change
    archive(mirrored.at("rnagym-2d"), rows)
    with pytest.raises(InputError, match=complaint):
        load_set("rnagym-2d")


@pytest.mark.fault
def test_an_archive_without_the_table_or_with_two_is_refused_and_leaves_nothing(mirrored):
    rows, path = rnagym_rows(np.random.default_rng(2)), mirrored.at("rnagym-2d")
    for wrong in ({"member": "data/other.parquet"}, {"times": 2}):
        archive(path, rows, **wrong)
        with pytest.raises(InputError, match=f"wanted one file {TABLE} of at most"):
            load_set("rnagym-2d")
    archive(path, rows)
    for damaged in (path.read_bytes()[: path.stat().st_size // 2], b"no archive", lzma.compress(b"no archive")):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="is no readable tar archive"):
            load_set("rnagym-2d")
    assert not list((mirrored.folder / "cache").rglob("*.parquet"))


def test_the_users_copy_of_each_table_is_a_set_by_its_path(served, tmp_path):
    pd.DataFrame(rnagym_rows(np.random.default_rng(3))).to_parquet(tmp_path / TABLE)
    assert load_set(tmp_path / TABLE).rnas[0].id == "pseudobase:PKB1|PKB2"
    path = served.hub[f"{HUB}/chanrg"] / "test.parquet"
    assert len(load_set(path)) == 20


RUN = ("run", "--model", "planted", "--validation", "chanrg-validation", "--test")


def test_one_command_tunes_and_tests_on_two_splits_by_name(web, tmp_path):
    done = inside("--wide", *RUN, "chanrg-genf", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "chanrg-genf, tuned on chanrg-validation, protocol paper" in done.stdout
    assert all(title in done.stdout for title in ("INF", "stem F1", "crossed F1"))
    assert "Labels: comparative." in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("test", "evidence"),
    [
        ("bprna-new", {"comparative": 5}),
        ("casp-rna", {"unknown": 5}),
        ("rnagym-pseudobase", {"published": 5}),
        ("rnagym-2d", {"published": 5, "3d": 5}),
    ],
)
def test_a_suite_runs_by_name_with_figures_for_stems_and_pseudoknots(web, test, evidence, tmp_path):
    found = answer(inside(*RUN, test, "--json", cwd=tmp_path))
    figures = found["structure"]
    assert (found["test"], found["evidence"], figures["coverage"]) == (test, evidence, 1)
    assert 0 < figures["stem_f1"] <= 1
    assert figures["f1"] <= figures["inf"] <= 1, "the geometric mean is never below the harmonic one"
    knotted = any(i < a < j < b for rna in load_set(test).rnas for i, j in rna.pairs for a, b in rna.pairs)
    assert (figures["crossed_f1"] is not None) == knotted
