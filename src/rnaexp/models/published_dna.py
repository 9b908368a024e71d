"""Published models besides RNA models: unified ones, DNA models, and protein models as a null control.

Facts: the authors' repositories, and multimolecule's model cards (DLS5-Omics/multimolecule at cb097904; "the card").
"""

from typing import Any

from rnaexp.models.source import Source, multimolecule
from rnaexp.models.spec import ModelSpec


def _dnabert(k: int, parameters: str) -> ModelSpec:
    """jerryji1993/DNABERT README and src/transformers/dnabert-config; parameters and training set: the card."""
    return ModelSpec(
        name=f"dnabert-{k}mer",
        title=f"DNABERT {k}-mer",
        group="dna",
        loader="rnaexp.models.bert_folder:load",
        layers=12,
        heads=12,
        width=768,
        parameters=parameters,
        max_bases=510 + k - 1,
        resolution="k-mer",
        alphabet="ACGT",
        settings={"k": k},
        sources=(
            Source(address=f"hf:zhihan1996/DNA_bert_{k}", layout="transformers"),
            multimolecule(f"dnabert-{k}mer"),
        ),
        licence="Apache-2.0",
        trained_on="human genome GRCh38.p13",
        structure_seen="none",
        proof_state="golden" if k == 3 else "equal to multimolecule",
        proof="transformers' BERT, as the authors' fork of it, on deterministic weights: "
        "tests/golden/test_golden_bert_folders.py"
        if k == 3
        else "multimolecule on the same weights, by its own converter: tests/golden/test_multimolecule.py",
        citation="doi:10.1093/bioinformatics/btab083",
    )


def _nt_v2(size: str, **facts: Any) -> ModelSpec:
    """instadeepai/nucleotide-transformer docs/nucleotide_transformer.md and pretrained.py."""
    return ModelSpec(
        **facts,
        name=f"nt-v2-{size}",
        title=f"Nucleotide Transformer v2 {size.upper()}",
        group="dna",
        loader="rnaexp.models.nucleotide_transformer:load",
        parameters=size.upper(),
        max_bases=12282,
        resolution="k-mer",
        alphabet="ACGTN",
        sources=(Source(address=f"hf:InstaDeepAI/nucleotide-transformer-v2-{size}-multi-species"),),
        licence="CC-BY-NC-SA-4.0",
        trained_on="850 genomes",
        structure_seen="none",
        proof_state="unproven",
        proof="no authors' output was at hand; equal to transformers' ESM with gated units put in, and as many weights "
        "as the published file of 50M holds: tests/models/test_nucleotide_transformer.py",
        citation="https://www.nature.com/articles/s41592-024-02523-z",
    )


def _hyenadna(size: str, hub: str, *, layers: int, width: int, tokens: int, **facts: Any) -> ModelSpec:
    """Hub ids and max_bases: HazyResearch/hyena-dna README and huggingface.py; its code's licence.

    Sizes: config.json of the hub's own repositories of tiny (6d3bcdb3) and large (7893972f); of small and medium the
    config.json of models fine-tuned from them (tanoManzo/hyenadna-small-32k-seqlen-hf_ft_*, medium-160k).
    """
    return ModelSpec(
        **facts,
        name=f"hyenadna-{size}",
        title=f"HyenaDNA {size}",
        group="dna",
        loader="rnaexp.models.hyenadna:load",
        layers=layers,
        width=width,
        has_attention=False,
        alphabet="ACGTN",
        settings={"max_position_embeddings": tokens, "intermediate_size": 4 * width},
        sources=(Source(address=f"hf:LongSafari/{hub}-hf"), multimolecule(f"hyenadna-{size}")),
        licence="BSD-3-Clause (weights, as the hub says), Apache-2.0 (code)",
        trained_on="human genome GRCh38",
        structure_seen="none",
        proof_state="equal to multimolecule",
        proof="multimolecule on the same weights, by its own converter: tests/golden/test_multimolecule.py; the "
        "operator written out: tests/models/test_hyenadna.py",
        citation="https://openreview.net/forum?id=ubzNoJjOKj",
    )


def _esm2(size: str, layers: int, width: int, heads: int | None = None) -> ModelSpec:
    """facebookresearch/esm README.

    Heads: yikunpku/RESM README (150M, 650M); config.json of facebook/esm2_t33_650M_UR50D and of models made from the
    others, which name them: mgh6/esm_temp4 (35M), airkingbd/dplm_3b (3B). Of 8M and 15B not read anywhere.
    """
    name = f"esm2_t{layers}_{size.upper()}_UR50D"
    return ModelSpec(
        name=f"esm2-{size}",
        title=f"ESM-2 {size.upper()}",
        group="protein",
        loader="rnaexp.models.fair_esm:load_esm2",
        layers=layers,
        heads=heads,
        width=width,
        parameters=size.upper(),
        alphabet="ACGUN",
        sources=(Source(address=f"https://dl.fbaipublicfiles.com/fair-esm/models/{name}.pt"),),
        licence="MIT",
        trained_on="proteins, UniRef50/D 2021_04; reads A C G U N as amino acids: a null control",
        structure_seen="none",
        proof_state="golden",
        proof="authors' code on deterministic weights (proteins): tests/golden/test_golden_esm2.py; as a reader of "
        "protein contacts unproven, no set of proteins is here",
    )


def _evo(size: str, context: int) -> ModelSpec:
    """evo-design/evo README, evo/models.py and evo/configs."""
    return ModelSpec(
        name=f"evo-1-{size}",
        title=f"Evo 1 {size.upper()}",
        group="unified",
        loader="rnaexp.models.huggingface:load",
        layers=32,
        heads=32,
        width=4096,
        parameters="7B",
        max_bases=context,
        has_attention=False,
        sources=(Source(address=f"hf:togethercomputer/evo-1-{size}-base"),),
        licence="Apache-2.0",
        trained_on="OpenGenome, prokaryotic genomes, about 300 billion tokens",
        structure_seen="none",
        proof_state="unproven",
        proof="no authors' output was at hand",
        citation="doi:10.1126/science.ado9336",
        unavailable=(
            "StripedHyena: 3 of its 32 layers attend, and only backwards, so it has no map of pairs to read; its "
            "package (evo-model) needs flash-attn on a GPU. What you get from it there, as pair scores: rnaexp score "
            "--pairs DIR"
        ),
    )


ROWS = (
    ModelSpec(
        name="lucaone",
        title="LucaOne",
        group="unified",
        loader="rnaexp.models.lucaone:load",
        layers=20,  # PyPI lucaone 1.1.1, configuration_lucaone.py
        heads=40,
        width=2560,
        alphabet="ACGUN",
        sources=(Source(address="hf:LucaGroup/LucaOne-default-step36M"),),
        licence="Apache-2.0 (LucaOne/LucaOne), MIT (PyPI lucaone)",
        trained_on="DNA, RNA and proteins",
        proof_state="golden",
        proof="PyPI lucaone 1.1.1 on deterministic weights: tests/golden/test_golden_published.py",
        citation="doi:10.1038/s42256-025-01044-4",
    ),
    _evo("8k", 8192),
    _evo("131k", 131072),
    ModelSpec(
        name="evo-2-7b",
        title="Evo 2 7B",
        group="unified",
        loader="rnaexp.models.huggingface:load",
        parameters="7B",
        sources=(Source(address="hf:arcinstitute/evo2_7b"),),
        licence="Apache-2.0",
        proof_state="unproven",
        proof="no authors' output was at hand",
        unavailable=(
            "its package (evo2) needs Transformer Engine and FlashAttention, which run on a GPU alone. What you get "
            "from it there, as pair scores: rnaexp score --pairs DIR"
        ),
    ),
    _dnabert(3, "86.10M"),
    _dnabert(4, "86.24M"),
    _dnabert(5, "86.83M"),
    _dnabert(6, "89.19M"),
    ModelSpec(
        name="dnabert-2",
        title="DNABERT-2",
        group="dna",
        loader="rnaexp.models.mosaic_bert:load",
        layers=12,  # the card
        heads=12,
        width=768,
        parameters="117.07M",
        resolution="bpe",
        alphabet="ACGT",
        sources=(Source(address="hf:zhihan1996/DNABERT-2-117M"), multimolecule("dnabert2")),
        licence="Apache-2.0",
        trained_on="genomes of 135 species",
        structure_seen="none",
        proof_state="equal to multimolecule",
        proof="multimolecule on the same weights, by its own converter: tests/golden/test_multimolecule.py",
        citation="arXiv:2306.15006",
    ),
    ModelSpec(
        name="nt-500m-human-ref",
        title="Nucleotide Transformer v1 500M, human reference",
        group="dna",
        loader="rnaexp.models.huggingface:load",
        layers=24,  # config.json of Xenova/nucleotide-transformer-500m-human-ref (cb15320e), which names it
        heads=20,
        width=1280,
        parameters="500M",
        max_bases=5994,
        resolution="k-mer",
        alphabet="ACGTN",
        sources=(Source(address="hf:InstaDeepAI/nucleotide-transformer-500m-human-ref", layout="transformers"),),
        licence="CC-BY-NC-SA-4.0",
        trained_on="human genome GRCh38",
        structure_seen="none",
        proof_state="unproven",
        proof="no authors' output was at hand; opened as the ESM checkpoint its config.json says it is",
        citation="https://www.nature.com/articles/s41592-024-02523-z",
    ),
    # Sizes of 50M: the model card of kurtvalcorza/nucleotide-transformer-genomics-pipeline, which read config.json at
    # 81b29e57. Of 100M and 500M: config.json of models fine-tuned from them, which names them (LiukG/
    # gut_1024-finetuned-lora-NT-v2-100m-ms, mus_promoter-finetuned-lora-NT-v2-500m-ms). Of 250M: seen nowhere.
    _nt_v2("50m", layers=12, heads=16, width=512),
    _nt_v2("100m", layers=22, heads=16, width=512),
    _nt_v2("250m"),
    _nt_v2("500m", layers=29, heads=16, width=1024),
    _hyenadna("tiny", "hyenadna-tiny-1k-seqlen", layers=2, width=128, tokens=1026, max_bases=1024),
    _hyenadna("small", "hyenadna-small-32k-seqlen", layers=4, width=256, tokens=32770, max_bases=32768),
    _hyenadna("medium", "hyenadna-medium-160k-seqlen", layers=8, width=256, tokens=160002, max_bases=160000),
    _hyenadna(
        "large", "hyenadna-large-1m-seqlen", layers=8, width=256, tokens=1000002, max_bases=10**6, parameters="6.62M"
    ),
    _esm2("8m", 6, 320),
    _esm2("35m", 12, 480, heads=20),
    _esm2("150m", 30, 640, heads=20),
    _esm2("650m", 33, 1280, heads=20),
    _esm2("3b", 36, 2560, heads=40),
    _esm2("15b", 48, 5120),
)
