"""Models of RNA that are younger than arXiv:2505.09087, or of another kind than it compares: decoders.

Each fact was read in the file that is named with it, or on the model's page on the hub ("the page").
"""

from rnaexp.models.source import Source, multimolecule
from rnaexp.models.spec import ModelSpec


def _ribospan(masked: int) -> ModelSpec:
    """Sizes, licence and training set: the pages of RIBOSPAN-1K-15 and RIBOSPAN-FM; tokens: its tokenization.py."""
    return ModelSpec(
        name=f"ribospan-1k-{masked}",
        title=f"RIBOSPAN-1K, {masked} % masked",
        group="diverse-ncrna",
        loader="rnaexp.models.ribospan:load",
        layers=32,
        heads=32,
        width=2048,
        parameters="1.61B",
        max_bases=1022,  # 1,024 tokens with [CLS] and [SEP]
        alphabet="ACGTN",
        settings={"intermediate_size": 5440},
        sources=(Source(address=f"hf:SII-GAIR-NLP/RIBOSPAN-1K-{masked}"),),
        licence="RIBOSPAN Non-Commercial Model License 1.0",
        trained_on="RNAcentral, Ensembl, Ensembl Genomes: 67.6 million RNAs",
        structure_seen="none",
        proof_state="unproven",
        proof="AIDO.RNA's network, which is proven, under the names of its own code; no authors' output was at hand",
        citation="arXiv:2608.22849",
    )


def _rfamllama(size: str, layers: int, width: int) -> ModelSpec:
    """JinyuanSun/RFamLlama train.py (sizes, length, the text round a sequence), likelihood.py; licence: the page."""
    return ModelSpec(
        name=f"rfamllama-{size}",
        title=f"RFamLlama {size}",
        group="diverse-ncrna",
        loader="rnaexp.models.huggingface:load",
        layers=layers,
        heads=32,  # LlamaConfig's own number: train.py gives none
        width=width,
        max_bases=508,  # trained on 512 tokens with the four round a sequence
        alphabet="ACGTN",
        # As likelihood.py writes a sequence whose family is not given.
        settings={"before": ["<|bos|>", "<|5|>"], "after": ["<|3|>", "<|eos|>"]},
        sources=(Source(address=f"hf:jinyuan22/RFamLlama-{size}", layout="transformers"),),
        licence="CC-BY-NC-4.0",
        trained_on="Rfam sequences with their families' accessions",
        trained_families="rfam",
        structure_seen="none",
        proof_state="unproven",
        proof="transformers' Llama, as its authors open it: tests/models/test_decoders.py; no authors' output at hand",
    )


ROWS = (
    ModelSpec(
        name="structrfm",
        title="structRFM",
        group="diverse-ncrna",
        loader="rnaexp.models.huggingface:load",
        layers=12,  # heqin-zhu/structRFM src/structRFM/model/structRFM.py
        heads=12,
        width=768,
        max_bases=512,  # 514 tokens with [CLS] and [SEP], which infer.py writes round a sequence
        alphabet="ACGUN",
        settings={"before": ["[CLS]"], "after": ["[SEP]"]},
        sources=(
            Source(address="hf:heqin-zhu/structRFM", layout="transformers"),
            Source(
                address="https://github.com/heqin-zhu/structRFM/releases/latest/download/structRFM_checkpoint.tar.gz",
                layout="transformers",
            ),
        ),
        licence="MIT",
        trained_on="RNAcentral, 21 million sequences with structures predicted by BPfold",
        structure_seen="predicted",
        proof_state="unproven",
        proof="transformers' BERT, as its README opens it; no authors' output was at hand",
        citation="doi:10.1101/2025.08.06.668731",
    ),
    _ribospan(15),
    _ribospan(40),
    ModelSpec(
        name="mrna-fm",
        title="mRNA-FM",
        group="specific-rna",
        loader="rnaexp.models.huggingface:load",
        layers=12,  # multimolecule's card
        heads=20,
        width=1280,
        parameters="239.26M",
        resolution="codon",
        alphabet="ACGU",
        sources=(multimolecule("mrnafm"),),
        trained_on="coding sequences of messenger RNA",
        structure_seen="none",
        proof_state="equal to multimolecule",
        proof="multimolecule's own checkpoint: tests/golden/test_multimolecule.py; no authors' output was at hand",
        citation="doi:10.1101/2022.08.06.503062",
    ),
    _rfamllama("small", 6, 384),
    _rfamllama("base", 8, 512),
    _rfamllama("large", 10, 768),
)
