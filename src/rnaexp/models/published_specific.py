"""Published models of one kind of RNA (class II of arXiv:2505.09087): splicing, untranslated regions, codons, plants.

Facts: multimolecule's model cards (DLS5-Omics/multimolecule at cb097904, `multimolecule/models/*/README.md`; below
"the card") and the authors' repositories, named where they were read.
"""

from rnaexp.models.source import Source, multimolecule
from rnaexp.models.spec import ModelSpec

_GOLDEN_BERT = "transformers' BERT as the authors prescribe it, on deterministic weights: {}"
_BERT_TEST = "tests/golden/test_golden_bert_folders.py"


def _splicebert(
    name: str, title: str, max_bases: int, parameters: str | None, trained_on: str, *, member: str, port: str
) -> ModelSpec:
    """Sizes: the card. Weights and licence: biomed-AI/SpliceBERT README and LICENSE."""
    return ModelSpec(
        name=name,
        title=title,
        group="specific-rna",
        loader="rnaexp.models.bert_folder:load",
        layers=6,
        heads=16,
        width=512,
        parameters=parameters,
        max_bases=max_bases,
        alphabet="ACGUN",
        licence="BSD-3-Clause",
        trained_on=trained_on,
        structure_seen="none",
        proof_state="golden",
        proof=_GOLDEN_BERT.format(_BERT_TEST),
        citation="doi:10.1093/bib/bbae163",
        # The record and its file: README and download.sh; the folders in it: models/README.md.
        sources=(
            Source(address="doi:10.5281/zenodo.7995778", file="models.tar.gz", member=member, licence="CC-BY-4.0"),
            multimolecule(port),
        ),
    )


_UTR_LM = (
    "https://raw.githubusercontent.com/a96123155/UTR-LM/b77b589bf182eb9de6a1a5024fa09d44294d94fc/Model/Pretrained/{}"
)


def _utr_lm(name: str, title: str, file: str, structure_seen: str, port: str) -> ModelSpec:
    """Files: the repository's tree; which file is which variant and the training set: the card and its converter."""
    return ModelSpec(
        name=name,
        title=title,
        group="specific-rna",
        loader="rnaexp.models.fair_esm:load_utr_lm",
        layers=6,
        heads=16,
        width=128,
        parameters="1.21M",
        max_bases=1022,
        alphabet="ACGU",
        sources=(
            Source(address=_UTR_LM.format(file), revision="b77b589bf182eb9de6a1a5024fa09d44294d94fc"),
            multimolecule(port),
        ),
        licence="GPL-3.0",
        trained_on="5' UTRs: Ensembl (5 species), Sample et al., Cao et al.",
        structure_seen="predicted",
        proof_state="golden",
        proof=f"authors' code on deterministic weights: tests/golden/test_golden_published.py ({structure_seen})",
        citation="doi:10.1101/2023.10.11.561938",
    )


def _utrbert(k: int, parameters: str, article: int) -> ModelSpec:
    """Sizes: the card. Weights: the figshare articles of yangyn533/3UTRBERT's README, whose DOIs end in their numbers.

    That of 3-mers was read from its own record: one file, 3-new-12w-0.zip, CC BY 4.0.
    """
    return ModelSpec(
        name=f"3utrbert-{k}mer",
        title=f"3UTRBERT {k}-mer",
        group="specific-rna",
        loader="rnaexp.models.bert_folder:load",
        layers=12,
        heads=12,
        width=768,
        parameters=parameters,
        max_bases=510 + k - 1,
        resolution="k-mer",
        alphabet="ACGU",
        settings={"k": k},
        licence="MIT",
        trained_on="3' UTRs of human mRNAs, GENCODE 40",
        structure_seen="none",
        proof_state="golden" if k == 3 else "equal to multimolecule",
        proof=_GOLDEN_BERT.format(_BERT_TEST)
        if k == 3
        else "multimolecule on the same weights, by its own converter: tests/golden/test_multimolecule.py",
        citation="doi:10.1101/2023.09.08.556883",
        sources=(
            Source(address=f"doi:10.6084/m9.figshare.{article}", file="*.zip", licence="CC-BY-4.0" if k == 3 else None),
            multimolecule(f"utrbert-{k}mer"),
        ),
    )


ROWS = (
    _splicebert(
        "splicebert",
        "SpliceBERT",
        1024,
        "19.72M",
        "pre-mRNAs of 72 vertebrates, 2 million sequences",
        member="SpliceBERT.1024nt",
        port="splicebert",
    ),
    _splicebert(
        "splicebert-510",
        "SpliceBERT, 510 bases",
        510,
        "19.45M",
        "pre-mRNAs of 72 vertebrates",
        member="SpliceBERT.510nt",
        port="splicebert.510",
    ),
    _splicebert(
        "splicebert-human-510",
        "SpliceBERT, human, 510 bases",
        510,
        "19.45M",
        "human pre-mRNAs",
        member="SpliceBERT-human.510nt",
        port="splicebert-human.510",
    ),
    _utr_lm(
        "utr-lm-mrl",
        "UTR-LM, mean ribosome loading",
        "ESM2SISS_FS4.1_fiveSpeciesCao_6layers_16heads_128embedsize_4096batchToks_lr1e-05_supervisedweight1.0_"
        "structureweight1.0_MLMLossMin_epoch93.pkl",
        "trained with predicted energy and structure besides the letters",
        "utrlm-mrl",
    ),
    _utr_lm(
        "utr-lm-te-el",
        "UTR-LM, translation efficiency and expression",
        "ESM2SI_3.1_fiveSpeciesCao_6layers_16heads_128embedsize_4096batchToks_MLMLossMin.pkl",
        "trained with predicted energy besides the letters",
        "utrlm-te",
    ),
    _utrbert(3, "86.14M", 22847354),
    _utrbert(4, "86.53M", 22851119),
    _utrbert(5, "88.45M", 22851191),
    _utrbert(6, "98.05M", 22851272),
    ModelSpec(
        name="calm",
        title="CaLM",
        group="specific-rna",
        loader="rnaexp.models.fair_esm:load_calm",
        layers=12,  # oxpig/CaLM calm/pretrained.py
        heads=12,
        width=768,
        parameters="85.75M",  # the card
        max_bases=3 * 1022,
        resolution="codon",
        alphabet="ACGU",
        licence="BSD-3-Clause",
        trained_on="coding sequences of the ENA, 9.9 million",
        structure_seen="none",
        proof_state="equal to multimolecule",
        proof="multimolecule on the same weights, by its own converter: tests/golden/test_multimolecule.py; both "
        "written from oxpig/CaLM's code",
        citation="doi:10.1038/s42256-024-00791-0",
        sources=(
            # The URL: oxpig/CaLM calm/pretrained.py. The hash: MultiMolecule's script that compares the two.
            Source(
                address="http://opig.stats.ox.ac.uk/data/downloads/calm_weights.pkl",
                sha256="bf536f8f19a5d3c6ebbdd53357a5e49bb0b8cc6ff7173f25ed178696e084ab11",
            ),
            multimolecule("calm"),
        ),
    ),
    ModelSpec(
        name="plantrna-fm",
        title="PlantRNA-FM",
        group="specific-rna",
        loader="rnaexp.models.huggingface:load",
        layers=12,  # yangheng95/PlantRNA-FM README
        heads=24,
        width=480,
        parameters="35M",
        max_bases=512,
        sources=(Source(address="hf:yangheng/PlantRNA-FM", layout="transformers"),),
        licence="MIT",
        trained_on="transcriptomes of 1,124 plants (1KP), 25 million RNAs",
        structure_seen="predicted",  # annotated with ViennaRNA
        proof_state="unproven",
        proof="no authors' output was at hand; its README opens it with transformers' AutoModel and no code of its own",
    ),
)
