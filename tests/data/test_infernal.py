"""Family members by Infernal: planted relatives with compensated pairs, one on the other strand, and strangers."""

import random
import shutil
import subprocess

import pytest
from tests.command import answer, inside

from rnaexp.data import infernal
from rnaexp.data.homologs import Search
from rnaexp.data.infernal import FamilyModel
from rnaexp.errors import InputError, UnavailableError
from rnaexp.rna import Rna

PAIRED = {"A": "U", "U": "A", "G": "C", "C": "G"}
BACK = str.maketrans("ACGU", "UGCA")
STRUCTURE = "((((((((((....))))))))))....((((((((((.....))))))))))"
installed = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("cmbuild", "cmcalibrate", "cmsearch", "cmalign")),
    reason="Infernal is not installed (cmbuild, cmcalibrate, cmsearch, cmalign): apt-get install infernal",
)


def member(seed):
    """Every pair of the structure complementary, the letters free; loops conserved."""
    dice, partners, stack = random.Random(seed), {}, []
    for at, sign in enumerate(STRUCTURE):
        if sign == "(":
            stack.append(at)
        elif sign == ")":
            partners[at] = stack.pop()
    letters = list("GAGGCUAGCUGAAAAGCUAGCCUCAACAGGCAUCGCAGUUCGCUGCGAUGCC")
    letters = (letters + ["A"] * len(STRUCTURE))[: len(STRUCTURE)]
    for later, first in partners.items():
        letters[first] = dice.choice("ACGU") if dice.random() < 0.3 else letters[first]
        letters[later] = PAIRED[letters[first]]
    return "".join(letters)


def letters(bases, seed):
    return "".join(random.Random(seed).choices("ACGU", k=bases))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("family")
    rows = "".join(f"seq{seed}  {member(seed)}\n" for seed in range(12))
    (folder / "seed.sto").write_text(f"# STOCKHOLM 1.0\n{rows}#=GC SS_cons {STRUCTURE}\n//\n")
    for command in (["cmbuild", "-F", "family.cm", "seed.sto"], ["cmcalibrate", "-L", "0.02", "family.cm"]):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "family.cm"


QUERY = Rna(id="query", sequence=member(100))
DATABASE = [
    Rna(id="relative", sequence=letters(40, 1) + member(200) + letters(30, 2)),
    Rna(id="reverse", sequence=letters(25, 3) + member(300).translate(BACK)[::-1] + letters(35, 4)),
    *(Rna(id=f"stranger{seed}", sequence=letters(150, seed)) for seed in range(20, 30)),
]


@installed
def test_members_on_both_strands_stand_base_under_base(model):
    search = Search(identity=1.0)
    family = FamilyModel(model)
    hits = family.hits(DATABASE, search)
    assert {DATABASE[hit.sequence].id for hit in hits} == {"relative", "reverse"}
    members = [(DATABASE[hit.sequence].id, hit.bases(DATABASE[hit.sequence].sequence)) for hit in hits]
    found = family.aligned(QUERY, members, search)
    assert found.structure_aware is True
    assert (found.names[0], found.rows[0]) == ("query", QUERY.sequence)
    rows = dict(zip(found.names[1:], found.rows[1:], strict=True))
    for name, seed in (("relative", 200), ("reverse", 300)):
        aligned = [at for at, letter in enumerate(rows[name]) if letter != "-"]
        assert len(aligned) > 45
        assert all(rows[name][at] == member(seed)[at] for at in aligned)


@installed
def test_what_stands_between_the_models_columns_is_dropped(model):
    """Three more letters in a loop push nothing aside; where both have some, nothing says that they belong together."""
    longer = member(200)[:12] + "CAC" + member(200)[12:]
    row = FamilyModel(model).aligned(QUERY, [("longer", longer)], Search(identity=1.0)).rows[1]
    assert len(row) == len(QUERY)
    assert row[-20:] == member(200)[-20:]
    assert row[:10] == member(200)[:10]
    query = Rna(id="query", sequence=QUERY.sequence[:12] + "UUU" + QUERY.sequence[12:])
    row = FamilyModel(model).aligned(query, [("longer", longer)], Search(identity=1.0)).rows[1]
    assert "C" not in row[11:15]
    assert row[10:17].count("-") == 3
    assert row[-20:] == member(200)[-20:]


@installed
def test_the_verb_names_tool_and_model_and_flags_what_is_no_member(model, tmp_path):
    (tmp_path / "mine.fa").write_text(f">query\n{QUERY.sequence}\n>other\n{letters(60, 77)}\n")
    (tmp_path / "database.fa").write_text("".join(f">{rna.id}\n{rna.sequence}\n" for rna in DATABASE))
    options = ("--database", "database.fa", "--family-model", model, "--identity", "1", "--json")
    told = answer(inside("msa", "mine.fa", *options, cwd=tmp_path))
    mine, other = told["rnas"]
    assert (mine["depth"], mine["note"]) == (3, "")
    assert (other["depth"], other["note"]) == (1, "not found by the family's model")
    assert mine["tool"].startswith("Infernal 1.")
    assert "cmsearch cmalign sha256:" in mine["tool"]
    header = (tmp_path / "alignments" / mine["file"]).read_text().splitlines()[0]
    assert "depth=3" in header
    assert "tool=Infernal-1." in header


@installed
@pytest.mark.fault
def test_a_model_that_is_not_calibrated_is_refused_with_infernals_reason(model, tmp_path):
    bare = tmp_path / "bare.cm"
    lines = model.read_text().splitlines(keepends=True)
    bare.write_text("".join(line for line in lines if not line.startswith("ECM")))
    with pytest.raises(InputError, match=r"bare\.cm: cmsearch failed: .*calibrate it first"):
        FamilyModel(bare).hits(DATABASE, Search())


@installed
@pytest.mark.fault
@pytest.mark.parametrize(("text", "models"), [("", 0), ("nothing\n", 0), ("INFERNAL1/a x\n//\nINFERNAL1/a y\n", 2)])
def test_a_file_that_is_not_one_model_is_refused(text, models, tmp_path):
    path = tmp_path / "x.cm"
    path.write_text(text)
    with pytest.raises(InputError, match=f"holds {models} covariance models"):
        FamilyModel(path)


@pytest.mark.fault
def test_without_infernal_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(infernal.shutil, "which", lambda _: None)
    with pytest.raises(UnavailableError, match=r"cmsearch and cmalign cannot be found: install it .*leave the model"):
        FamilyModel(tmp_path / "x.cm")
