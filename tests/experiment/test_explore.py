"""`rnaexp explore` and the page of a run: the numbers on it are the exact ones, and it works in a browser, offline."""

import asyncio
import base64
import json
import re
import zlib
from html import unescape

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

import rnaexp
from rnaexp.structure.protocol import ATTENTION, Scoring
from rnaexp.structure.reading import Reading
from rnaexp.tasks.pairs.explorer import Shown, explored, explorer_page
from tests.browser import needs_chromium, page
from tests.command import answer, inside
from tests.models.conftest import random_rna, write_bert
from tests.planted_sets import write_set

SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 32}
READING = Reading(read_out=ATTENTION, scoring=Scoring())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_bert(tmp_path_factory.mktemp("bert"), list("NACGU"), seed=3, **SIZES)


@pytest.fixture(scope="module")
def ran(folder, tmp_path_factory):
    """A run, the page that it logged, and what it said of each RNA."""
    here = tmp_path_factory.mktemp("ran")
    write_set(here / "vl.fa", 1, 6, "v")
    write_set(here / "ts.fa", 2, 5, "t")
    sets = ("--validation", "vl.fa", "--test", "ts.fa", "--families", "none")
    told = answer(inside("run", "--model", folder, *sets, "--json", cwd=here))
    (html,) = here.glob("mlartifacts/**/attention/explorer.html")
    return told["structure"], html, pd.read_csv(html.parents[1] / "per_rna.csv").set_index("rna")


def facts_in(html):
    return json.loads(re.search(r'<script id="facts" type="application/json">(.*?)</script>', html, re.S)[1])


def told_in(html):
    return facts_in(html)["models"][0]


def page_of(name, found):
    return explorer_page([Shown(model=name, found=[found], reading=READING)])


def array(text, kind):
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), kind)


def exact_scores(maps):
    both = maps.double() + maps.double().transpose(-1, -2)
    return both - both.sum(-1, keepdim=True) * both.sum(-2, keepdim=True) / both.sum((-1, -2), keepdim=True)


def test_lists_best_f1_and_maps_are_those_of_a_plain_loop(folder):
    encoder = rnaexp.load(str(folder), device="cpu")
    rna = rnaexp.Rna(
        id="x", sequence="GGGACUUCGGUCCCAAGGCAUUUGCC", pairs=((0, 13), (1, 12), (2, 11), (16, 25), (17, 24))
    )
    told = told_in(page_of("m", explored(encoder, rna, READING)))["rnas"][0]
    maps = torch.stack([layer.clone() for layer in encoder.attention(rna)]).flatten(0, 1)
    n, first = len(rna), 0
    for head, one in enumerate(exact_scores(maps)):
        ranked = sorted((-float(one[i, j]), i * n + j) for i in range(n) for j in range(i + 1, n))
        ranked = ranked[: told["kept"][head]]
        here = slice(first, first := first + told["kept"][head])
        assert array(told["pairs"], "<u4")[here].tolist() == [index for _, index in ranked]
        assert array(told["scores"], "<f4")[here] == pytest.approx([-score for score, _ in ranked], rel=1e-4, abs=1e-7)
        known = [index in {i * n + j for i, j in rna.pairs} for _, index in ranked]
        assert array(told["hits"], np.uint8)[here].tolist() == known
        assert told["best"][head] == pytest.approx(max(2 * sum(known[:k]) / (k + 5) for k in range(1, len(known) + 1)))
    steps = array(told["maps"], np.uint8).reshape(maps.shape) / 255
    shown = steps**2 * np.array(told["largest"])[:, None, None]
    assert np.sqrt(shown) == pytest.approx(np.sqrt(maps.numpy()), abs=0.51 / 255 * np.sqrt(maps.max().item()))


class Noise:
    """Maps in which there is nothing to compress."""

    layers, heads = 6, 12

    def attention(self, rna):
        drawn = torch.Generator().manual_seed(1)
        for _ in range(self.layers):
            yield torch.softmax(torch.randn(self.heads, len(rna), len(rna), generator=drawn), -1)


@pytest.mark.parametrize(("bases", "block", "levels"), [(200, 1, 64), (500, 3, 256)])
def test_no_rna_takes_more_than_three_megabytes_whatever_its_maps(bases, block, levels):
    rna = random_rna(bases)
    found = explored(rnaexp.wrap(Noise(), name="noise"), rna, READING)
    html = page_of("noise", found)
    told = told_in(html)["rnas"][0]
    assert len(html) < 3e6
    assert (told["block"], told["references"], told["best"]) == (block, None, None)
    assert told["levels"] == levels, "the page says in how many steps it shows them"


def test_a_run_leaves_its_best_median_and_worst_rna(ran):
    structure, html, per_rna = ran
    told = told_in(html.read_text())
    by_f1 = per_rna.reset_index().sort_values(["f1", "rna"])["rna"].tolist()
    assert [rna["id"] for rna in told["rnas"]] == [by_f1[-1], by_f1[len(by_f1) // 2], by_f1[0]]
    assert {name: told["frozen"][name] for name in ("layer", "head")} == {
        name: structure[name] for name in ("layer", "head")
    }
    assert told["frozen"]["threshold"] == structure["threshold"]


async def clicked(path, profile):
    async with page(path.as_uri(), profile, width=1280) as opened:
        found = {"rna": await opened.until("document.documentElement.dataset.drawn")}
        found["frozen"] = await opened.value("document.documentElement.dataset.f1")
        await opened.value("document.querySelector('#grid [data-head=\"5\"]').click()")
        found["head"] = await opened.value("document.documentElement.dataset.head")
        move = "const bar = document.getElementById('threshold'); bar.value = 4; bar.dispatchEvent(new Event('input'))"
        await opened.value(f"(() => {{ {move} }})()")
        found["moved"] = await opened.value("document.getElementById('counts').textContent")
        box = "document.getElementById('map').getBoundingClientRect()"
        at = f"{{clientX: {box}.left + {box}.width * 0.99, clientY: {box}.top + 1, bubbles: true}}"
        await opened.value(f"document.getElementById('map').dispatchEvent(new PointerEvent('pointermove', {at}))")
        found["hover"] = await opened.value("document.getElementById('hover').textContent")
        await opened.value("document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 't', bubbles: true}))")
        found["again"] = await opened.value("document.documentElement.dataset.f1")
        await opened.value("document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'r', bubbles: true}))")
        found["next"] = await opened.until(
            f"(drawn => drawn !== {found['rna']!r} && drawn)(document.documentElement.dataset.drawn)"
        )
        found["next_f1"] = await opened.value("document.documentElement.dataset.f1")
        await opened.send("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=True)
        found["width"] = await opened.value("document.documentElement.scrollWidth")
        return found, opened.seen.requests, opened.seen.complaints


@needs_chromium
def test_in_a_browser_it_shows_the_f1_that_the_run_logged_and_counts_as_the_threshold_moves(ran, tmp_path):
    _, html, per_rna = ran
    found, requests, complaints = asyncio.run(clicked(html, tmp_path / "profile"))
    told = told_in(html.read_text())
    assert float(found["frozen"]) == float(found["again"]) == pytest.approx(per_rna.loc[found["rna"], "f1"], abs=1e-12)
    assert float(found["next_f1"]) == pytest.approx(per_rna.loc[found["next"], "f1"], abs=1e-12)
    assert (found["rna"], found["next"]) == (told["rnas"][0]["id"], told["rnas"][1]["id"])
    assert found["head"] == "1.1"
    hits = array(told["rnas"][0]["hits"], np.uint8)[sum(told["rnas"][0]["kept"][:5]) :]
    right, references = int(hits[:4].sum()), len(told["rnas"][0]["references"])
    wanted = f"4 calls, {right} of {references} found: precision {right / 4:.3f}, recall {right / references:.3f}"
    assert found["moved"] == f"{wanted}, F1 {2 * right / (4 + references):.3f}"
    letters = told["rnas"][0]["sequence"]
    assert found["hover"].startswith(f"{letters[0]}1 and {letters[-1]}{len(letters)}: ")
    assert found["width"] <= 390
    assert requests == [html.as_uri()]
    assert complaints == []


@pytest.fixture(scope="module")
def two(folder, tmp_path_factory):
    """A model and a later step of its training, as Lightning keeps it, on one page; and the atlas."""
    here = tmp_path_factory.mktemp("two")
    write_set(here / "five.fa", 4, 5, "r")
    state = {name: 1.5 * each for name, each in load_file(folder / "model.safetensors").items()}
    torch.save(
        {"state_dict": {f"model.{name}": each for name, each in state.items()}, "global_step": 9}, here / "9.ckpt"
    )
    done = inside("explore", folder, "five.fa", "--beside", "9.ckpt", "--atlas", "heads.csv", cwd=here)
    assert done.returncode == 0, done.stderr
    return here, done.stdout


def test_an_atlas_is_over_all_rnas_of_the_file(folder, two):
    here, shown = two
    assert "8 heads, 5 RNAs: heads.csv and heads.png" in shown
    encoder, table = rnaexp.load(str(folder), device="cpu"), pd.read_csv(here / "heads.csv")
    rnas = rnaexp.read_rnas(here / "five.fa")
    maps = [torch.stack([layer.clone() for layer in encoder.attention(rna)]).flatten(0, 1).numpy() for rna in rnas]
    itself = np.mean([np.diagonal(one, 0, 1, 2).mean(-1) for one in maps], 0)
    assert table["itself"].to_numpy() == pytest.approx(itself, rel=1e-4)
    assert table["special"].to_numpy() == pytest.approx(
        1 - np.mean([one.sum(-1).mean(-1) for one in maps], 0), rel=1e-3
    )
    strong = sum((one > 0.3).sum((1, 2)) for one in maps) / sum(len(rna) for rna in rnas)
    assert table["strong"].to_numpy() == pytest.approx(strong, rel=1e-4)
    assert (here / "heads.png").stat().st_size > 10_000
    page = facts_in((here / "explorer.html").read_text())
    assert [len(each["rnas"]) for each in page["models"]] == [3, 3]
    first, second = (each["model"] for each in page["models"])
    assert second == f"{first}, 9.ckpt" or second != first
    column = page["atlas"].index("itself")
    assert page["models"][0]["rnas"][0]["atlas"][3][column] == pytest.approx(np.diagonal(maps[0][3]).mean(), abs=1e-4)


async def set_beside(path, profile, shot):
    async with page(path.as_uri(), profile, width=1280) as opened:
        await opened.until("document.documentElement.dataset.beside")
        keys = "document.documentElement.dataset"

        async def press(key):
            await opened.value(
                f"document.body.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}', bubbles: true}}))"
            )
            return await opened.value(f"[{keys}.f1, {keys}.head, {keys}.beside || '']")

        found = [await press("v"), await press("s"), await press("ArrowRight"), await press("b"), await press("x")]
        await press("s")
        found.append(await press("b"))
        await press("r")
        await opened.until(f"{keys}.drawn === 'r1'")
        found.append(await press("+"))
        box = "document.getElementById('beside-map').getBoundingClientRect()"
        at = f"{{clientX: {box}.left + {box}.width * 0.99, clientY: {box}.top + 1, bubbles: true}}"
        await opened.value(
            f"document.getElementById('beside-map').dispatchEvent(new PointerEvent('pointermove', {at}))"
        )
        hovered = await opened.value("['hover', 'beside-hover'].map((id) => document.getElementById(id).textContent)")
        await opened.picture(shot)
        await opened.send("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=True)
        width = await opened.value("document.documentElement.scrollWidth")
        return found, hovered, width, opened.seen.complaints


def best_f1(rna, head):
    """At as many calls as there are reference pairs, which is where a head without a threshold begins."""
    start, stop = sum(rna["kept"][:head]), sum(rna["kept"][: head + 1])
    scores, hits = array(rna["scores"], "<f4")[start:stop], array(rna["hits"], np.uint8)[start:stop]
    ends = [at for at in range(len(scores) + 1) if at in (0, len(scores)) or scores[at] != scores[at - 1]]
    calls = min(ends, key=lambda end: abs(end - len(rna["references"])))
    return 2 * int(hits[:calls].sum()) / (calls + len(rna["references"]))


@needs_chromium
def test_in_a_browser_two_training_steps_and_two_heads_stand_side_by_side(two, tmp_path):
    here, _ = two
    found, hovered, width, complaints = asyncio.run(
        set_beside(here / "explorer.html", tmp_path / "profile", tmp_path / "shot.png")
    )
    models = facts_in((here / "explorer.html").read_text())["models"]
    one, other = (model["rnas"][0] for model in models)
    first, second = (rna["best"].index(max(rna["best"])) for rna in (one, other))

    def shown(rna, head):
        return f"{head // 4}.{head % 4}", pytest.approx(best_f1(rna, head))

    def told(answer):
        f1, head, beside = answer
        return (head, float(f1)), (*beside.split()[:-1], float(beside.split()[-1])) if beside else ()

    begun, swapped, moved, pinned, closed, again, next_rna = map(told, found)
    name, later = models[0]["model"], models[1]["model"]
    assert begun[0] == shown(one, first)
    assert begun[1] == (*later.split(), *swapped[0])
    assert swapped[0] == shown(other, second)
    assert swapped[1] == (name, *begun[0])
    right = second + (second < 7)
    assert moved[0] == shown(other, right)
    assert pinned[0] == moved[0]
    assert pinned[1] == (*later.split(), *moved[0])
    assert closed == (pinned[0], ())
    assert again == pinned
    assert next_rna[1] == (*later.split(), *shown(models[1]["rnas"][1], right))
    letters = models[0]["rnas"][1]["sequence"]
    assert all(text.startswith(f"{letters[0]}1 and {letters[-1]}{len(letters)}: ") for text in hovered)
    assert width <= 390
    assert complaints == []


def test_a_page_of_ones_own_rnas(folder, tmp_path):
    script = "<script>document.title='owned'</script>"
    (tmp_path / "mine.fa").write_text(f">{script}\nGGGAAACUUCGGUUUCCC\n>b\nGGGAAACCC\n>c\nGGGAAACCC\n>d\nGGGAAACCC\n")
    done = inside("explore", folder, "mine.fa", cwd=tmp_path)
    assert (done.returncode, "3 RNAs, 8 heads" in done.stdout) == (0, True), done.stderr
    html = (tmp_path / "explorer.html").read_text()
    assert html.count("<script") == 2
    assert [rna["id"] for rna in told_in(html)["rnas"]] == [script.split()[0], "b", "c"]
    assert "default-src 'none'; script-src 'sha256-" in unescape(html)
    assert inside("explore", folder, "mine.fa", "--id", "d", "--out", "d.html", cwd=tmp_path).returncode == 0
    assert [rna["id"] for rna in told_in((tmp_path / "d.html").read_text())["rnas"]] == ["d"]
    assert inside("explore", folder, "gggaaaccc", cwd=tmp_path).returncode == 0
    for words, said in (
        (("explore", folder, "nowhere.fa"), "no such file, and no RNA in letters"),
        (("explore", folder, "mine.fa", "--id", "z"), "no RNA 'z' in it"),
        (("explore", folder, "A" * 100), "can be shown"),
        (("explore", "typo", "GGGAAACCC"), "no model 'typo'"),
    ):
        done = inside(*words, cwd=tmp_path)
        assert (done.returncode, said in done.stderr) == (65, True), done.stderr
