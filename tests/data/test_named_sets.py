"""Named sets: against the same data parsed by other code, and what is refused."""

import gzip
import json
import shutil
from collections import Counter
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest
from tests.command import answer, inside

from rnaexp.data.assay_sets import load_assay
from rnaexp.data.catalog import CATALOG
from rnaexp.data.cited_catalog import CITED
from rnaexp.data.clusters import cluster, related
from rnaexp.data.dataset import content_sha256
from rnaexp.data.download import fetch_file, file_sha256, mirror_path
from rnaexp.data.families import Selection, load_families
from rnaexp.data.rfam import read_seed
from rnaexp.data.rfam_split import accession, clan, side
from rnaexp.data.sets import check, describe, fetch, load_set, set_names
from rnaexp.data.stockholm import Family
from rnaexp.errors import InputError, UnavailableError


def derived_rnas(folder: Path, name: str) -> dict:
    with gzip.open(folder / f"{name}.jsonl.gz", "rt") as lines:
        return {record["id"]: record for record in map(json.loads, lines)}


@pytest.mark.mirror
@pytest.mark.parametrize(("name", "count"), [("spot-rna-vl1", 30), ("spot-rna-ts1", 67), ("spot-rna-ts2", 39)])
def test_spot_rna_sets_equal_an_independent_parsing(name, count, derived):
    known, found = derived_rnas(derived, name.replace("-", "_")), load_set(name)
    assert {rna.id for rna in found.rnas} == set(known)
    assert len(found) == count
    for rna in found.rnas:
        assert rna.sequence == known[rna.id]["seq"]
        assert [[i + 1, j + 1] for i, j in rna.pairs] == known[rna.id]["pairs"]
        assert (rna.letters_changed > 0) == (
            known[rna.id].get("seq_raw", "").replace("T", "U") not in ("", rna.sequence)
        )


@pytest.mark.mirror
def test_one_rna_of_vl1_has_no_pairs_and_cannot_be_scored(mirror):
    found = load_set("spot-rna-vl1")
    assert [rna.id for rna in found.rnas if rna.pairs == ()] == ["2gtt-1-W"]
    assert len(found.with_pairs) == 29


@pytest.mark.mirror
def test_archiveii_equals_an_independent_parsing(derived):
    found, known = {rna.id: rna for rna in load_set("archiveii").rnas}, derived_rnas(derived, "archiveii")
    assert (len(found), sum(len(rna.pairs) for rna in found.values())) == (3864, 210148)
    assert len({rna.cluster for rna in found.values()}) == 9
    for name, record in known.items():
        assert found[name].sequence == record["seq"]
        assert [[i + 1, j + 1] for i, j in found[name].pairs] == record["pairs"]
        assert found[name].family == record["family"]


@pytest.mark.mirror
def test_kin_within_and_between_spot_rna_sets_is_what_other_code_counted(mirror):
    """Biopython's aligner counted, at 80 %: 4 of VL1 in TS1, 2 in VL1; 4 of TS1 and 6 of TS2 among themselves."""
    vl1, ts1, ts2 = (load_set(f"spot-rna-{name}").rnas for name in ("vl1", "ts1", "ts2"))

    def kin_inside(rnas):
        sizes = Counter(cluster([replace(rna, cluster=None) for rna in rnas]))
        return sum(size for size in sizes.values() if size > 1)

    assert len(related(vl1, ts1)) == 4
    assert [kin_inside(rnas) for rnas in (vl1, ts1, ts2)] == [2, 4, 6]
    assert not related((*vl1, *ts1), ts2)


@pytest.mark.mirror
def test_whatever_we_join_was_joined_by_other_code(derived):
    """The other code linked over more sets (SPOT-RNA-2D among them), so it joined more, never less."""
    theirs: dict[str, str] = {}
    ours: dict[str, str] = {}
    for name in ("vl1", "ts1", "ts2"):
        theirs |= {name: record["cluster"] for name, record in derived_rnas(derived, f"spot_rna_{name}").items()}
        ours |= {rna.id: rna.cluster for rna in load_set(f"spot-rna-{name}").rnas}
    for name, cluster_name in ours.items():
        assert theirs[name] == theirs[cluster_name.rsplit("~")[0]]


@pytest.mark.mirror
def test_clusters_compare_across_spot_rna_sets(mirror):
    vl1, ts1 = load_set("spot-rna-vl1"), load_set("spot-rna-ts1")
    shared = {rna.cluster for rna in vl1.rnas} & {rna.cluster for rna in ts1.rnas}
    in_shared = {rna.id for rna in vl1.rnas if rna.cluster in shared}
    assert related(vl1.rnas, ts1.rnas) <= in_shared
    assert len({rna.cluster for rna in ts1.rnas}) == 65


@pytest.mark.mirror
def test_pinned_hashes_are_those_of_the_manifest(mirror):
    manifest = json.loads((mirror.parent / "MANIFEST.json").read_text())
    known = {entry["url"]: entry["sha256"] for entry in manifest["mirror"]}
    for spec in CATALOG:
        assert all(known[file.url] == file.sha256 for file in spec.files)


@pytest.mark.mirror
def test_real_alignment_and_pair_tables_of_one_rna_agree(mirror):
    from rnaexp.data.formats import read_rnas

    results = mirror / "raw.githubusercontent.com/yikunpku/RNA-MSM/faadd57559c1c146effbfd84a7628cd2042d5ede/results"
    (aligned,) = read_rnas(results / "2DRB_1.a2m_msa2")
    (ct,) = read_rnas(results / "SS_result/2DRB_1.ct")
    (bpseq,) = read_rnas(results / "SS_result/2DRB_1.bpseq")
    assert ct == bpseq
    assert (aligned.sequence, aligned.alignment.depth) == (ct.sequence, 1176)


@pytest.mark.mirror
def test_rfam_seed_of_the_users_own_file(derived, monkeypatch, tmp_path):
    with gzip.open(derived / "rfam_seed.sto.gz", "rt") as seed:
        whole = seed.read(1_500_000)
    (tmp_path / "seed.sto").write_text(whole[: whole.rindex("//\n") + 3])
    monkeypatch.setenv("RNAEXP_RFAM_SEED", str(tmp_path / "seed.sto"))
    found = load_set("rfam-seed")
    first = found.rnas[0]
    assert (first.id, first.family, first.cluster) == ("RF00001:X01556.1/3-118", "RF00001", "CL00113")
    assert first.alignment.depth == 712
    assert found.evidence is None
    assert found.evidence_of[first.id] == "published"


@pytest.mark.mirror
def test_rfam_sides_share_no_clan_and_the_samples_hold_what_they_say(derived, monkeypatch):
    monkeypatch.setenv("RNAEXP_RFAM_SEED", str(derived / "rfam_seed.sto.gz"))
    families = {accession(family): family for family in read_seed(derived / "rfam_seed.sto.gz")}
    sides = {}
    for family in families.values():
        sides.setdefault(side(family), set()).add(clan(family))
    assert not sides["train"] & sides["test"]
    assert not sides["train"] & sides["validation"]
    assert not sides["test"] & sides["validation"]
    shares = {name: sum(side(f) == name for f in families.values()) / len(families) for name in sides}
    assert shares["test"] == pytest.approx(0.1, abs=0.02)
    assert shares["validation"] == pytest.approx(0.05, abs=0.02)
    for name, where, rnas in (("rfam-vl", "validation", 35), ("rfam-ts", "test", 68)):
        found = load_set(name)
        assert len(found) == rnas
        assert found.evidence == "published"
        for rna in found.rnas:
            family = families[rna.family]
            assert (side(family), family.evidence) == (where, "published")
            assert rna.pairs is not None
            assert len(family.rows) >= 2
            assert len(family.rows[0]) <= 500
    short = load_set("rfam-ts-48")
    assert len(short) == 95
    assert max(rna.alignment.depth for rna in short.rnas) == 48
    assert min(len(families[rna.family].rows) for rna in short.rnas) == 8
    assert max(len(families[rna.family].rows[0]) for rna in short.rnas) <= 160
    assert set(short.evidence_of.values()) == {"published", "predicted"}


def test_the_side_of_a_family_is_its_clans_and_nothing_elses():
    tags = {"AC": "RF00001", "CL": "CL00113"}
    one = Family(names=("a",), rows=("ACGU",), consensus=None, tags=tags, source_sha256="")
    other = replace(one, names=("b",), rows=("GG-U",), tags={**tags, "AC": "RF00002"})
    assert side(one) == side(other)
    alone = [side(replace(one, tags={"AC": f"RF{at:05}"})) for at in range(400)]
    assert alone.count("test") == pytest.approx(40, abs=20)


def test_catalog_names_are_unique_and_every_loader_exists():
    assert len(set(set_names())) == len(CATALOG) + len(CITED)
    assert describe("lab-ts").needs
    with pytest.raises(FrozenInstanceError):
        describe("lab-ts").name = "other"


@pytest.mark.fault
@pytest.mark.parametrize(
    ("name", "advice"),
    [("spot-rna-ts", "did you mean spot-rna-ts"), ("Builtin", "did you mean builtin"), ("zzz", "known are")],
)
def test_an_unknown_name_gets_the_nearest(name, advice):
    with pytest.raises(InputError, match=advice):
        load_set(name)


@pytest.mark.fault
def test_a_mirrored_file_with_a_flipped_byte_is_refused_by_name(tmp_path, monkeypatch):
    url = describe("archiveii").files[0].url
    path = mirror_path(url, tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"id,sequence,base_pairs,len\nx,ACGU,[],4\n")
    monkeypatch.setenv("RNAEXP_MIRROR", str(tmp_path))
    with pytest.raises(UnavailableError, match=r"ArchiveII\.csv: refused, its sha256 is"):
        load_set("archiveii")
    assert fetch_file(url, file_sha256(path)) == path


@pytest.mark.fault
def test_a_file_missing_from_the_mirror_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("RNAEXP_MIRROR", str(tmp_path))
    with pytest.raises(UnavailableError, match=r"PDB_dataset\.zip: not in the mirror"):
        fetch("spot-rna-vl1")


@pytest.mark.fault
@pytest.mark.parametrize("url", ["https://h/../../x", "file:///etc/passwd", "https://h", "http://h/x"])
def test_a_url_never_leads_out_of_the_mirror(url, tmp_path):
    with pytest.raises(ValueError, match="not a plain https URL"):
        mirror_path(url, tmp_path)


@pytest.mark.fault
def test_no_network_says_what_to_do(monkeypatch, tmp_path):
    import pooch
    import requests

    def unreachable(*_, **__):
        raise requests.ConnectionError

    monkeypatch.delenv("RNAEXP_MIRROR", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda _: tmp_path)
    monkeypatch.setattr(requests, "get", unreachable)
    with pytest.raises(UnavailableError, match=r"https://.*ArchiveII\.csv: cannot be downloaded.*RNAEXP_MIRROR"):
        load_set("archiveii")


@pytest.mark.mirror
def test_check_reads_and_hashes_again(mirror):
    (path,) = check("spot-rna-ts2")
    assert path.is_relative_to(mirror)


@pytest.mark.fault
def test_lab_data_that_is_not_there_says_what_to_do(monkeypatch):
    monkeypatch.delenv("RNAEXP_LAB_DATA", raising=False)
    with pytest.raises(UnavailableError, match="lab-vl1 cannot be downloaded: set RNAEXP_LAB_DATA"):
        load_set("lab-vl1")


@pytest.fixture
def lab(tmp_path, monkeypatch):
    folder = tmp_path / "TS"
    folder.mkdir()
    (folder / "all.fasta").write_text(">x\nGGACC\n")
    matrix = np.zeros((5, 5))
    matrix[0, 4] = matrix[4, 0] = 1
    np.savez(folder / "x.npz", olabel=matrix, missing_nt_index=np.array([2]))
    (folder / "x.a2m_msa2").write_text(">x\nGGACC\n>h\nGG-CC\n")
    monkeypatch.setenv("RNAEXP_LAB_DATA", str(tmp_path))
    return folder


def test_lab_data_in_the_assumed_layout(lab):
    found = load_set("lab-ts")
    assert found.rnas[0].pairs == ((0, 4),)
    assert found.rnas[0].alignment.rows == ("GGACC", "GG-CC")
    assert found.unresolved == {"x": (2,)}
    assert "unproven" in found.notes[0]


@pytest.mark.fault
def test_lab_labels_in_another_layout_are_refused(lab):
    np.savez(lab / "x.npz", olabel=np.zeros((4, 4)), missing_nt_index=np.array([2]))
    with pytest.raises(InputError, match=r"x\.npz: olabel has shape \(4, 4\)"):
        load_set("lab-ts")
    (lab / "x.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"x\.npz: is no npz"):
        load_set("lab-ts")


def test_any_file_or_folder_is_a_set(tmp_path):
    (tmp_path / "mine.fa").write_text(">x\nACGU\n(..)\n")
    (tmp_path / "notes.md").write_text("no RNA here\n")
    of_file, of_folder = load_set(tmp_path / "mine.fa"), load_set(str(tmp_path))
    assert (of_file.name, of_file.evidence, of_file.split) == ("mine.fa", None, "all")
    assert of_file.sha256 == of_folder.sha256
    assert of_folder.notes == ("skipped, of no format read here: notes.md",)
    assert of_folder.rnas[0].cluster.startswith("x~")


def test_the_hash_of_a_set_changes_with_its_data_only(tmp_path):
    rnas = load_set("builtin-vl").rnas
    known = content_sha256(rnas)
    assert content_sha256([replace(rnas[0], cluster="other"), *rnas[1:]]) == known
    assert content_sha256([replace(rnas[0], pairs=rnas[0].pairs[1:]), *rnas[1:]]) != known
    assert content_sha256([replace(rnas[0], alignment=None), *rnas[1:]]) != known
    assert content_sha256([*rnas[1:], rnas[0]]) != known


def test_a_copy_elsewhere_has_the_same_hash(tmp_path):
    (tmp_path / "a.fa").write_text(">x\nACGU\n")
    shutil.copy(tmp_path / "a.fa", tmp_path / "b.fa")
    assert load_set(tmp_path / "a.fa").sha256 == load_set(tmp_path / "b.fa").sha256


@pytest.mark.mirror
def test_data_shows_fetches_and_checks_sets_of_every_kind(mirror, derived, tmp_path, monkeypatch):
    monkeypatch.setenv("RNAEXP_RFAM_SEED", str(derived / "rfam_seed.sto.gz"))
    facts = {name: answer(inside("data", "show", name, "--json", cwd=tmp_path)) for name in ("dms_trna", "rfam-500")}
    assert facts["dms_trna"].items() >= {"variants": len(load_assay("dms_trna").mutants), "fitter": "higher"}.items()
    assert facts["dms_trna"]["bases"] == {"least": 72, "median": 72.0, "most": 72}
    assert facts["rfam-500"]["families"] == 500
    assert facts["rfam-500"]["rnas"] == len(load_families("rfam-500", Selection()).rnas)
    for name, files in (("dms_trna", 1), ("dms_f1u", 2)):
        assert len(answer(inside("data", "fetch", name, "--json", cwd=tmp_path))["files"]) == files
        assert answer(inside("data", "check", name, "--json", cwd=tmp_path))["ok"]
