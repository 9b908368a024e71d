"""Published models of non-coding RNA that come in several sizes: RiNALMo, AIDO.RNA, MP-RNA and OmniGenome.

Each fact was read in the file named with it; "the card": multimolecule's model cards (DLS5-Omics/multimolecule at
cb097904).
"""

from typing import Any

from rnaexp.models.source import Source, multimolecule
from rnaexp.models.spec import ModelSpec

_RINALMO = "https://zenodo.org/records/15043668/files/rinalmo_{}_pretrained.pt"  # lbcb-sci/RiNALMo README


def _rinalmo(size: str, layers: int, width: int, parameters: str) -> ModelSpec:
    """Sizes: lbcb-sci/RiNALMo rinalmo/config.py; parameters and training set: the card."""
    return ModelSpec(
        name=f"rinalmo-{size}",
        title=f"RiNALMo {size}",
        group="diverse-ncrna",
        loader="rnaexp.models.rinalmo:load",
        layers=layers,
        heads=20,
        width=width,
        parameters=parameters,
        max_bases=1022,
        alphabet="ACGUN",
        sources=(Source(address=_RINALMO.format(size)), multimolecule(f"rinalmo-{size}")),
        licence="Apache-2.0 (code)",
        trained_on="RNAcentral, Rfam, Ensembl, Nucleotide: 36 million ncRNAs",
        structure_seen="none",
        proof_state="golden",
        proof="authors' code on deterministic weights: tests/golden/test_golden_published.py",
        citation="arXiv:2403.00043",
    )


def _aido(name: str, hub: str, trained_on: str, **sizes: Any) -> ModelSpec:
    """genbio-ai/ModelGenerator modelgenerator/backbones.

    Sizes: config.json of genbio-ai/AIDO.RNA-1M-MARS (7211fd54) and of AIDO.RNA-1.6B (6e34ac7d); of 25M the README of
    Taykhoom/AIDO.RNA-25M-MARS, a port of it. Those of the other two stand in their config.json, not seen here.
    """
    return ModelSpec(
        **sizes,
        name=f"aido-rna-{name}",
        title=f"AIDO.RNA {hub.removeprefix('AIDO.RNA-')}",
        group="diverse-ncrna",
        loader="rnaexp.models.aido_rna:load",
        parameters=name.upper(),  # as its name says
        alphabet="ACGUN",
        sources=(Source(address=f"hf:genbio-ai/{hub}"),),
        licence="GenBio AI Community License (code)",
        trained_on=trained_on,
        proof_state="golden",
        proof="authors' code on deterministic weights, both norms: tests/golden/test_golden_published.py",
        citation="doi:10.1101/2024.11.28.625345",
    )


_MARS = "MARS, 886 million RNAs"
_CENTRAL = "RNAcentral, 42 million ncRNAs"


def _omnigenome(name: str, title: str, hub: str, citation: str | None, **facts: Any) -> ModelSpec:
    """Hub ids: yangheng95/OmniGenBench README and docs.

    Sizes: config.json of yangheng/OmniGenome-52M (3162e559) and of anonymous8/OmniGenome-186M, its authors' copy.
    """
    return ModelSpec(
        **facts,
        name=name,
        title=title,
        group="diverse-ncrna",
        loader="rnaexp.models.omnigenome:load",
        sources=(Source(address=f"hf:yangheng/{hub}"),),
        trained_on="OneKP" if name == "mp-rna" else "54 billion plant RNA and DNA tokens",
        proof_state="unproven",
        proof="its model code lies on the hub only and was not read; opened as the ESM whose settings its config.json "
        "has and which its README says it was made from",
        citation=citation,
    )


ROWS = (
    _rinalmo("micro", 12, 480, "33.48M"),
    _rinalmo("mega", 30, 640, "148.04M"),
    _rinalmo("giga", 33, 1280, "650.88M"),
    _aido(
        "1m",
        "AIDO.RNA-1M-MARS",
        _MARS,
        layers=6,
        heads=8,
        width=128,
        settings={"intermediate_size": 320},
    ),
    _aido(
        "25m",
        "AIDO.RNA-25M-MARS",
        _MARS,
        layers=8,
        heads=16,
        width=512,
        settings={"intermediate_size": 1344, "normalization_type": "LayerNorm"},
    ),
    _aido("300m", "AIDO.RNA-300M-MARS", _MARS),
    _aido("650m", "AIDO.RNA-650M", _CENTRAL),
    _aido(
        "1.6b",
        "AIDO.RNA-1.6B",
        _CENTRAL,
        layers=32,
        heads=32,
        width=2048,
        settings={"intermediate_size": 5440, "normalization_type": "LayerNorm"},
    ),
    _omnigenome("mp-rna", "MP-RNA", "MP-RNA", "https://aclanthology.org/2024.findings-emnlp.304"),
    _omnigenome(
        "omnigenome-52m",
        "OmniGenome 52M",
        "OmniGenome-52M",
        None,
        layers=16,
        heads=24,
        width=480,
        parameters="52M",
        settings={"intermediate_size": 2400},
    ),
    _omnigenome(
        "omnigenome-186m",
        "OmniGenome 186M",
        "OmniGenome-186M",
        None,
        layers=32,
        heads=30,
        width=720,
        parameters="186M",
        settings={"intermediate_size": 2560},
    ),
)
