"""Published models of many kinds of non-coding RNA (class I of arXiv:2505.09087).

Each fact was read in the file that is named with it: the authors' repository, or multimolecule's model cards
(DLS5-Omics/multimolecule at cb097904, `multimolecule/models/*/README.md`; below "the card").
"""

from rnaexp.models import published_new, published_series
from rnaexp.models.source import Source, multimolecule
from rnaexp.models.spec import ModelSpec, Resolution

_RNA_FM = ModelSpec(
    name="rna-fm",
    title="RNA-FM",
    group="diverse-ncrna",
    loader="rnaexp.models.fair_esm:load_rna_fm",
    layers=12,  # the card; ml4bio/RNA-FM README: 12 layers
    heads=20,
    width=640,
    parameters="99.52M",
    max_bases=1022,  # 1024 tokens with <cls> and <eos>: the card
    alphabet="ACGUN",
    settings={"intermediate_size": 5120, "max_position_embeddings": 1026},  # the card; its loader adds two positions
    sources=(
        # ml4bio/RNA-FM README
        Source(address="https://proj.cse.cuhk.edu.hk/rnafm/api/download?filename=RNA-FM_pretrained.pth"),
        multimolecule("rnafm"),
    ),
    licence="MIT",
    trained_on="RNAcentral, 23.7 million sequences",
    structure_seen="none",
    proof_state="golden",
    proof="authors' code on deterministic weights: tests/golden/test_golden_published.py",
    citation="doi:10.1101/2022.08.06.503062",
)

_RNABERT = "https://raw.githubusercontent.com/jkobject/RNABERT/32904a97fc3313123a4d625ea399d0474b396b81"


def _uni_rna(name: str, layers: int, width: int) -> ModelSpec:
    """Its package's config.py (heads of 64 numbers, positions for 1,026 tokens), converter and upload script."""
    return ModelSpec(
        name=name,
        title=f"Uni-RNA L{layers}",
        group="diverse-ncrna",
        loader="rnaexp.models.uni_rna:load",
        layers=layers,
        heads=width // 64,
        width=width,
        max_bases=1024,
        alphabet="ACGUN",
        # Named by the upload script of its package; that the repository is there was not seen.
        sources=(Source(address=f"hf:EscheWang/UniRNA-L{layers}", layout="transformers"),),
        proof_state="unproven",
        proof="the ESM that its package makes it from; no weights and no authors' output were at hand",
        citation="doi:10.1101/2023.07.11.548588",
    )


def _resm(size: str, layers: int, width: int) -> ModelSpec:
    """yikunpku/RESM README: sizes, licence, where the weights are."""
    return ModelSpec(
        name=f"resm-{size}",
        title=f"RESM {size.upper()}",
        group="diverse-ncrna",
        loader="rnaexp.models.fair_esm:load_resm",
        layers=layers,
        heads=20,
        width=width,
        parameters=f"~{size.upper()}",
        alphabet="ACGUN",
        licence="MIT",
        proof_state="golden",
        proof="authors' code on deterministic weights: tests/golden/test_golden_published.py",
        citation="doi:10.1101/2025.08.09.669469",
        # The record: its README. Its code opens ./ckpt/RESM-150M-KDNY.ckpt; the record's own list was not seen.
        sources=(
            Source(address="doi:10.5281/zenodo.15980875", file=f"*{size.upper()}*", member=f"*{size.upper()}*.ckpt"),
        ),
    )


def _birna_bert(name: str, title: str, resolution: Resolution) -> ModelSpec:
    return ModelSpec(
        name=name,
        title=title,
        group="diverse-ncrna",
        loader="rnaexp.models.mosaic_bert:load",
        resolution=resolution,
        citation="doi:10.1101/2024.07.02.601703",
        proof_state="unproven",
        proof="no authors' output was at hand; read as the class it shares with DNABERT-2",
        sources=(
            Source(address="hf:buetnlpbio/birna-bert", beside=(Source(address="hf:buetnlpbio/birna-tokenizer"),)),
        ),
    )


ROWS = (
    ModelSpec(
        name="rnabert",
        title="RNABERT",
        group="diverse-ncrna",
        loader="rnaexp.models.rnabert:load",
        layers=6,
        heads=12,
        width=120,
        parameters="0.48M",
        max_bases=440,
        alphabet="ACGU",
        sources=(
            Source(
                address=f"{_RNABERT}/bert_mul_2.pth",
                revision=_RNABERT.rpartition("/")[2],
                sha256="32032afc6805887d5c37319a8a18e435a1584514754e4a933362cfd61c84ea20",
                beside=(
                    Source(
                        address=f"{_RNABERT}/RNA_bert_config.json",
                        sha256="f97799857a2a035b1fcd07e4ac33522cb937050a0780c36fd728db68bef5e015",
                    ),
                ),
            ),
            multimolecule("rnabert"),
        ),
        licence="none stated",
        trained_on="Rfam sequences",
        trained_families="rfam",
        citation="doi:10.1093/nargab/lqac012",
        proof_state="golden",
        proof="authors' code, unpadded, on deterministic weights: tests/golden/test_golden_rnabert.py",
    ),
    _RNA_FM,
    ModelSpec(
        name="rna-msm",
        title="RNA-MSM",
        group="diverse-ncrna",
        loader="rnaexp.models.rnamsm:load",
        reads="alignment",
        layers=10,
        heads=12,
        width=768,
        parameters="95.92M",
        max_bases=1023,
        alphabet="ACGUN-",
        licence="MIT",
        trained_on="Rfam 14.7, 3,932 families without known structures, alignments by RNAcmap3",
        trained_families="rfam",
        structure_seen="predicted",  # the card: RNAcmap3 builds its alignments with RNAfold and INFERNAL
        citation="doi:10.1093/nar/gkad1031",
        proof_state="golden",
        proof="authors' code on deterministic weights: tests/golden/test_rnamsm.py",
        sources=(
            # yikunpku/RNA-MSM README at 12e4fc0e; the name is the one its code opens
            Source(address="gdrive:11A-S13qAb5wiBi1YLs3EOrnixSDq7Q0q", file="RNA_MSM_pretrained.ckpt"),
            multimolecule("rnamsm"),
        ),
    ),
    ModelSpec(
        name="rna-km",
        title="RNA-km",
        group="diverse-ncrna",
        loader="rnaexp.models.rna_km:load",
        layers=12,  # gongtiansu/RNA-km model/pretrain_model.py
        heads=16,
        width=1024,
        alphabet="ACGUN",
        licence="MIT",
        proof_state="golden",
        proof="authors' code on deterministic weights: tests/golden/test_golden_published.py",
        # gongtiansu/RNA-km README at 189a1cdd
        sources=(Source(address="gdrive:1DI79-R33R396ZdbNcqbADQMP7Nprb_ze", file="weight.pth"),),
    ),
    ModelSpec(
        name="rnaernie",
        title="RNAErnie",
        group="diverse-ncrna",
        loader="rnaexp.models.rnaernie:load",
        layers=12,  # the card
        heads=12,
        width=768,
        parameters="86.06M",
        max_bases=510,
        alphabet="ACGU",
        sources=(multimolecule("rnaernie"),),  # converted from the authors' Paddle file: the card
        licence="MIT (authors' code); AGPL-3.0 (this conversion)",
        trained_on="RNAcentral, 23 million sequences",
        citation="doi:10.1038/s42256-024-00836-4",
        proof_state="equal to multimolecule",
        proof="multimolecule on the same weights: tests/golden/test_multimolecule.py; its card calls its own "
        "conversion of the authors' Paddle file unconfirmed",
    ),
    ModelSpec(
        name="ernie-rna",
        title="ERNIE-RNA",
        group="diverse-ncrna",
        loader="rnaexp.models.ernie_rna:load",
        layers=12,  # the card
        heads=12,
        width=768,
        parameters="85.67M",
        max_bases=1022,
        alphabet="ACGUN",
        licence="MIT",
        trained_on="RNAcentral, 20.4 million sequences",
        structure_seen="prior",  # a pairing matrix is added to the first layer's scores: its code
        citation="doi:10.1101/2024.03.17.585376",
        proof_state="golden",
        proof="authors' code on deterministic weights, its maps softmaxed: tests/golden/test_golden_published.py",
        sources=(
            # An earlier README of Bruce-ywj/ERNIE-RNA; the name is the one its code opens
            Source(address="gdrive:folder/10Yz-sdezhmazzVtrtdBGdzzqK1Z6f-Xv", file="ERNIE-RNA_pretrain.pt"),
            multimolecule("ernierna"),
        ),
    ),
    *published_series.ROWS,
    _resm("150m", 30, 640),
    _resm("650m", 33, 1280),
    _birna_bert("birna-bert", "BiRNA-BERT (BPE)", "bpe"),
    # Letters with spaces between them: README of buetnlpbio/BiRNA-BERT at 7d533461.
    _birna_bert("birna-bert-nuc", "BiRNA-BERT (nucleotides)", "base"),
    ModelSpec(
        name="protrna",
        title="ProtRNA",
        group="diverse-ncrna",
        loader="rnaexp.models.huggingface:load",
        layers=33,  # roxie-zhang/ProtRNA pretrained.py
        heads=20,
        width=1280,
        licence="Apache-2.0",
        proof_state="unproven",
        proof="TensorFlow code that was not run here",
        unavailable=(
            "published for TensorFlow only (zenodo.org/records/13888473, HDF5), which is not installed here; write its "
            "maps with its own code, a .npy an RNA, and score them: rnaexp score --maps DIR"
        ),
    ),
    _uni_rna("uni-rna-l8", 8, 512),
    _uni_rna("uni-rna-l12", 12, 768),
    _uni_rna("uni-rna", 16, 1024),
    *published_new.ROWS,
)
