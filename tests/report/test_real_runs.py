"""Real models' runs, made by the program itself, in one report that a browser opens without a network."""

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest

from tests.browser import needs_chromium, page
from tests.command import answer, inside
from tests.planted_sets import write_set

MODELS = ("msm-nano", "lm-nano", "viennarna", "stems", "canonical", "random", "untrained:lm-nano", "rnabert")
MAPS = "raw.githubusercontent.com/yikunpku/RNA-MSM/faadd57559c1c146effbfd84a7628cd2042d5ede/results"


@needs_chromium
@pytest.mark.mirror
@pytest.mark.slow
def test_nanos_baselines_controls_rnabert_and_rna_msm_in_one_report(tmp_path):
    if "RNAEXP_MIRROR" not in os.environ:
        pytest.skip("RNAEXP_MIRROR is not set: no published weights and maps to compare")
    write_set(tmp_path / "vl.fa", 1, 8, "v")
    test = write_set(tmp_path / "ts.fa", 2, 12, "t")
    test.write_text(test.read_text().replace(">t0\n", ">t0<script>alert(1)</script>\n"))
    question = f"models = {list(MODELS)!r}\n[[sets]]\nvalidation = 'vl.fa'\ntest = 'ts.fa'\n"
    question += "[[contrasts]]\nmodel = 'rnabert'\nagainst = 'random'\n"
    (tmp_path / "all.toml").write_text(question)
    told = answer(inside("run", "all.toml", "--json", cwd=tmp_path))
    (tmp_path / "maps").mkdir()
    there = Path(os.environ["RNAEXP_MIRROR"]) / MAPS
    shutil.copy(there / "2DRB_1_atp.npy", tmp_path / "maps" / "2DRB_1.npy")
    words = ("--heads-per-layer", "12", "--test", there / "SS_result" / "2DRB_1.bpseq", "--min-separation", "4")
    maps = answer(inside("score", "--name", "rna-msm-published", "--maps", "maps", *words, "--json", cwd=tmp_path))
    done = inside("compare", "--html", "all.html", "--csv", "all.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    texts, requests, complaints = asyncio.run(seen(tmp_path))
    for run in told["runs"]:
        assert run["model"] in texts
        assert any(text.startswith(f"{run['structure']['f1']:.3f} [") for text in texts), "F1 as the run told it"
    oracle = maps["structure"]["oracle_f1"]
    assert oracle == pytest.approx(0.96, abs=0.01), "docs/rna_msm.md"
    assert {
        "rna-msm-published",
        "not tuned",
        f"{oracle:.3f}",
        "t0<script>alert(1)</script>",
        "RNA-MSM (published)",
    } <= texts
    assert requests == [(tmp_path / "all.html").as_uri()]
    assert complaints == []


async def seen(folder):
    async with page((folder / "all.html").as_uri(), folder / "profile") as opened:
        await opened.until("document.documentElement.dataset.drawn")
        every = "[...document.querySelectorAll('td, .plot text')].map(one => one.textContent)"
        texts = await opened.value(f"JSON.stringify({every})")
        requests = [url for url in opened.seen.requests if not url.startswith("data:")]
        return set(json.loads(texts)), requests, opened.seen.complaints
