"""A package of somebody else's, as it is installed: a task, a model, a baseline and a set, by entry points alone."""

MODULE = '''
"""How well the spread of an RNA's embedding follows its share of G and C: a task of another package."""

from typing import Literal

import numpy as np
import pandas as pd
import torch
from pydantic import Field
from scipy.stats import spearmanr

from rnaexp.data.catalog import SetSpec
from rnaexp.data.dataset import DataSet, content_sha256
from rnaexp.data.sets import load_set
from rnaexp.models.own_object import ObjectEncoder
from rnaexp.models.spec import ModelSpec
from rnaexp.rna import Rna
from rnaexp.tasks.task import MetricSpec, TaskResult, TaskSettings, UsedData


class Settings(TaskSettings):
    rnas: str = Field(default="toy-set", description="Set of RNAs: a name, a file or a folder.")
    letters: Literal["GC", "AU"] = Field(default="GC", description="Whose share is meant.")
    at_most: int = Field(default=100, ge=3, description="So many RNAs.")


class Share:
    name, title, version, baselines = "share", "Embeddings against the share of letters", 1, ("toy-flat",)
    Settings = Settings
    metrics = (
        MetricSpec(name="rho", title="Spearman", low="rho_low", high="rho_high"),
        MetricSpec(name="error", title="mean error", better="lower", digits=2),
    )

    def run(self, model, settings, context):
        data = load_set(settings.rnas)
        rnas = data.rnas[: settings.at_most]
        with context.announce(f"{model.spec.name} on {data.name}", len(rnas)) as done:
            spread = []
            for rna in rnas:
                spread.append(float(model.embed([rna])[0].mean()))
                done(1)
        share = [sum(letter in settings.letters for letter in rna.sequence) / len(rna) for rna in rnas]
        rho = float(spearmanr(spread, share).statistic) if len(set(spread)) > 1 else None
        rows = pd.DataFrame({"rna": [rna.id for rna in rnas], "spread": spread, "share": share})
        return TaskResult(
            metrics={
                "rho": rho,
                "rho_low": None if rho is None else rho - 0.1,
                "rho_high": None if rho is None else rho + 0.1,
                "error": float(np.abs(np.array(spread) - share).mean()),
            },
            data=(UsedData(name=data.name, sha256=data.sha256, source=data.name, items=len(rnas)),),
            rows=rows,
            tables={"share.csv": rows},
            notes=() if rho is not None else ("its embeddings do not vary",),
        )


SHARE = Share()


class _Counts:
    fingerprint = "counts 1"

    def embed(self, rnas):
        return [torch.tensor([[float(letter in "GC")] for letter in rna.sequence]) for rna in rnas]

    def attention(self, rna):
        n = len(rna)
        return np.tile(np.eye(n)[::-1], (1, 1, 1, 1)) * 0.5 + 0.5 / n


class _Flat:
    fingerprint = "flat 1"

    def embed(self, rnas):
        return [torch.ones(len(rna), 1) for rna in rnas]


MODEL = ModelSpec(name="toy-counts", title="Counts letters", group="reference", loader="toy_package:load_counts")
FLAT = ModelSpec(name="toy-flat", title="Always the same", group="baseline", loader="toy_package:load_flat")


def load_counts(entry, **_):
    return ObjectEncoder(_Counts(), name=entry.name)


def load_flat(entry, **_):
    return ObjectEncoder(_Flat(), name=entry.name)


SET = SetSpec(name="toy-set", title="Six hairpins", split="all", loader="toy_package:load_toy", rnas=6)


def load_toy(spec):
    loops = ["AAAA", "GAAA", "GGAA", "GGGA", "GGGGAU", "GGGGGAU"]
    rnas = tuple(Rna(id=f"h{at}", sequence="GGC" + loop + "GCC", family="h") for at, loop in enumerate(loops))
    return DataSet(name="toy-set", rnas=rnas, sha256=content_sha256(rnas), split="all")


BROKEN = None
'''
ENTRY_POINTS = """
[rnaexp.tasks]
share = toy_package:SHARE
broken-task = toy_package_that_is_gone:TASK

[rnaexp.models]
toy-counts = toy_package:MODEL
toy-broken = toy_package:BROKEN

[rnaexp.baselines]
toy-flat = toy_package:FLAT

[rnaexp.sets]
toy-set = toy_package:SET
"""


def install(folder, entry_points=ENTRY_POINTS):
    """As pip leaves it in site-packages."""
    about = folder / "toy_package-1.2.dist-info"
    about.mkdir(parents=True)
    (folder / "toy_package.py").write_text(MODULE)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-package\nVersion: 1.2\n")
    (about / "entry_points.txt").write_text(entry_points)
    return folder
