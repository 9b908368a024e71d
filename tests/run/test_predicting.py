"""Predictions as files: every format says the same, every file stays in its folder, a drawing is safe to open."""

import json
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from rnaexp.data.dot_bracket import parse_dot_bracket
from rnaexp.data.formats import read_rnas
from rnaexp.data.own import read_own
from rnaexp.errors import InputError
from rnaexp.experiment.predict import FORMATS, predict
from rnaexp.models import load
from rnaexp.report.drawing import draw_structure
from rnaexp.rna import Rna

from ..structure.test_predict import tuned

SVG = "{http://www.w3.org/2000/svg}"
EVIL = "../<script>alert(1)</script>&$x$"


@pytest.fixture(scope="module")
def encoder():
    return load("lm-nano", device="cpu")


@pytest.fixture
def written(tmp_path, encoder):
    ids = ("one", EVIL, "single")
    letters = ("GGGAAAGGCUAUUUUAGCCAAAAAGCCC", "GGGGAAAACCCC", "G")
    (tmp_path / "my.fa").write_text("".join(f">{id}\n{rna}\n" for id, rna in zip(ids, letters, strict=True)))
    predict(read_own(tmp_path / "my.fa"), tmp_path / "out", lambda: (tuned(), encoder), formats=FORMATS)
    return tmp_path / "out"


def test_all_formats_say_the_same(written):
    told = json.loads((written / "predictions.json").read_text())
    shown = {rna.id: rna.pairs for rna in read_rnas(written / "structures.dbn")}
    table = (written / "pairs.csv").read_text().splitlines()[1:]
    assert [one["id"] for one in told] == list(shown) == ["one", EVIL, "single"]
    assert table == [
        f"{one['id']},{pair['i']},{pair['j']},{pair['bases']},{pair['score']!r},"
        for one in told
        for pair in one["pairs"]
    ]
    for one in told:
        assert parse_dot_bracket(one["dot_bracket"]) == shown[one["id"]]
    assert len(shown["one"]) > 3
    for form in ("bpseq", "ct"):
        (found,) = read_rnas(written / form / f"one.{form}")
        assert (found.sequence, found.pairs) == ("GGGAAAGGCUAUUUUAGCCAAAAAGCCC", shown["one"])
    scores = np.load(written / "npy" / "one.npy", allow_pickle=False)
    first = told[0]["pairs"][0]
    assert scores[first["i"] - 1, first["j"] - 1] == np.float32(first["score"]) == np.nanmax(scores)
    assert np.isnan(scores[np.tril_indices(len(scores))]).all()
    assert (written / "map" / "one.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.fault
def test_an_id_is_never_a_path_nor_markup(written):
    assert {path.name for path in written.parent.iterdir()} == {"out", "my.fa", "store"}
    for folder in ("svg", "map", "ct", "bpseq", "npy"):
        names = [path.name for path in (written / folder).iterdir()]
        assert len(names) == 3
        assert not [name for name in names if set(name) & set('<>/"') or name.startswith(".")]
    for drawing in (written / "svg").iterdir():
        tree = ElementTree.fromstring(drawing.read_text())
        assert not [node for node in tree.iter() if "script" in node.tag]
    evil = next(path for path in (written / "svg").iterdir() if "script" in path.name)
    assert ElementTree.fromstring(evil.read_text()).find(f"{SVG}title").text.startswith(f"{EVIL}: lm-nano layer=1")


def test_a_format_that_is_not_known_is_refused_before_anything_runs(tmp_path):
    with pytest.raises(InputError, match="--format 'pdf': must be one of json, bpseq"):
        predict(None, tmp_path, lambda: None, formats=["pdf"])


def test_a_model_of_alignments_says_what_it_read_alone(tmp_path, capsys):
    (tmp_path / "my").mkdir()
    (tmp_path / "my" / "one.fa").write_text(">one\nGGGGAAAACCCC\n")
    (tmp_path / "my" / "two.a3m").write_text(">two\nGGGGAAAACCCC\n>kin\nGGCGAAAACGCC\n")
    msm = load("msm-nano", device="cpu")
    predict(read_own(tmp_path / "my"), tmp_path, lambda: (tuned(), msm), formats=["json"])
    assert "1 of 2 RNAs of my have no alignment and were read alone" in capsys.readouterr().err
    told = json.loads((tmp_path / "predictions.json").read_text())
    assert {one["id"]: one["depth"] for one in told} == {"one": 1, "two": 2}


def test_pairs_that_cross_the_nested_ones_are_dashed():
    rna = Rna(id="knot", sequence="GGGGAAAACCCCAAAAGGGG")
    nested, crossing = ((0, 11), (1, 10), (2, 9)), ((4, 17), (5, 16))
    tree = ElementTree.fromstring(draw_structure(rna, sorted((*nested, *crossing)), "by hand"))
    lines = tree.findall(f"{SVG}line")
    assert [line.get("stroke-dasharray") is not None for line in lines] == [False, False, False, True, True]
    letters = [group.find(f"{SVG}text").text for group in tree.findall(f"{SVG}g")]
    assert "".join(letters) == rna.sequence
    points = tree.find(f"{SVG}polyline").get("points").split()
    assert len(set(points)) == len(rna)
    first = lines[0]
    assert [f"{first.get('x1')},{first.get('y1')}", f"{first.get('x2')},{first.get('y2')}"] == [points[0], points[11]]


@pytest.mark.fault
def test_viennarna_never_sees_what_it_crashes_on():
    # In a process of its own: a fault of the library would take this one along.
    code = """
import numpy as np
from rnaexp.report.drawing import draw_structure
from rnaexp.rna import Rna
rng = np.random.default_rng(0)
for bases in [1, 2, 3, *rng.integers(4, 120, 60)]:
    order = rng.permutation(int(bases))
    pairs = sorted(tuple(sorted(map(int, order[2 * at : 2 * at + 2]))) for at in range(int(bases) // 2))
    for some in (pairs, [], pairs[:1]):
        drawing = draw_structure(Rna(id="r", sequence="A" * int(bases)), some, "random")
        assert drawing.count("<line ") == len(some) and '"nan' not in drawing
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_predicting_imports_only_what_it_uses(tmp_path):
    (tmp_path / "my.fa").write_text(">a\nGGGGAAAACCCC\n")
    code = (
        "import sys\n"
        "from rnaexp.__main__ import _run\n"
        "never = {'mlflow', 'lightning', 'sklearn', 'matplotlib', 'plotly', 'openTSNE', 'optuna'}\n"
        "for model, too in (('viennarna', {'transformers', 'scipy.stats'}), ('lm-nano', set())):\n"
        "    code = _run(['predict', '--model', model, 'my.fa', '--out', model])\n"
        "    print('imported', (never | too) & set(sys.modules), code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    told = [line for line in done.stdout.splitlines() if line.startswith("imported ")]
    assert told == ["imported set() 0"] * 2, done.stdout + done.stderr
