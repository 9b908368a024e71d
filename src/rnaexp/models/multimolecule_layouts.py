"""MultiMolecule's model types as a table: into which network each is read, under which names, with which letters.

Names and settings were read in DLS5-Omics/multimolecule at cb097904, whose models are those of its release 0.2.2, and
in its tags v0.0.7 to v0.2.0; what published files hold, in config.json of multimolecule/rnafm, rnamsm, rinalmo,
rinalmo-giga, ernierna.ss, rnaernie, utrlm-mrl and utrbert-6mer on the hub.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import nn
from transformers import BertForMaskedLM, EsmForMaskedLM
from transformers.activations import ACT2FN

from rnaexp.models import ernie_rna, hyenadna, mosaic_bert, rinalmo, rnabert
from rnaexp.models.encoder import TransformerEncoder
from rnaexp.models.spec import Encoder

Names = tuple[tuple[str, str], ...]

SIZES = ("num_hidden_layers", "num_attention_heads", "hidden_size")
# Honoured by every network: each must stand in config.json.
_ALWAYS = ("vocab_size", "layer_norm_eps", "pad_token_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How one model type is written, and what its authors do.

    `rows`: loader of the catalogue's rows of this model. `names`: as in `Adapter`. `settings`: our name of each setting
    of config.json that must be there, and its own. `fixed`: settings that the network cannot have otherwise, checked
    where they stand there. `optional`: those that may stand there. `inert`: settings of its classes that change nothing
    of what is read here, or that its authors' code has otherwise. `letters`: those that its authors' vocabulary has; a
    row of a letter beyond them was never trained. `before`, `after`: special tokens that they put round a sequence.
    `as_unknown`: letters that they feed as <unk>. `codons`: whether its words are neighbours whatever config.json says.
    `own_table`: whether their letter head has a table of its own, which a file that ties it to the embeddings has lost.
    `positions`: whether they are learnt, only stated, or endless.
    """

    rows: str
    network: Any
    names: Names
    settings: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    optional: tuple[str, ...] = ()
    inert: tuple[str, ...] = ()
    sizes: tuple[str, ...] = SIZES
    letters: str = "ACGU"
    before: tuple[str, ...] = ("<cls>",)
    after: tuple[str, ...] = ("<eos>",)
    as_unknown: str = ""
    codons: bool = False
    own_table: bool = False
    positions: str = "learnt"
    computed: tuple[str, ...] = ()
    changed: Callable[[nn.Module], None] = field(default=lambda _: None)
    encoder: Callable[..., Encoder] = TransformerEncoder

    @property
    def stated(self) -> tuple[str, ...]:
        """What config.json must say."""
        positions = () if self.positions == "endless" else ("max_position_embeddings",)
        return (*self.sizes, *self.settings.values(), *positions)


def alike(*names: str) -> dict[str, str]:
    """Settings that are called here what they are called there."""
    return {name: name for name in (*_ALWAYS, *names)}


HEAD_EPS, HEAD_ACT = "lm_head.layer_norm_eps", "lm_head.transform_act"
# A head of letters as all of them write it; `letter_norm_eps` and `letter_act` are set by `multimolecule.load`.
HEAD_FIXED = {"lm_head.transform": "nonlinear", "lm_head.bias": True, "lm_head.act": None}
_ENCODER = {"is_decoder": False, "add_cross_attention": False, **HEAD_FIXED}
_HEAD: Names = (
    (r"^head\.dense\.", "lm_head.transform.dense."),
    (r"^head\.norm\.", "lm_head.transform.layer_norm."),
    (r"^head\.bias$", "lm_head.bias"),
    (r"^head\.table$", "lm_head.decoder.weight"),
)
_BODY: Names = (
    (r"^embedding\.", "model.embeddings.word_embeddings."),
    (r"^layers\.", "model.encoder.layer."),
    (r"\.attention\.(query|key|value)\.", r".attention.self.\1."),
    (r"\.attention\.out\.", ".attention.output.dense."),
)


def _bert_head(network: Any) -> None:
    transform, config = network.cls.predictions.transform, network.config
    transform.transform_act_fn, transform.LayerNorm.eps = ACT2FN[config.letter_act], config.letter_norm_eps


def _rnabert_head(network: Any) -> None:
    network.cls.predictions.transform.LayerNorm.eps = network.config.letter_norm_eps
    rnabert.without_activation(network)


def _esm_head(network: Any) -> None:
    """And without the head of contacts, which is not read here."""
    network.lm_head.layer_norm.eps = network.config.letter_norm_eps
    network.esm.contact_head = None


def _own_head(network: Any) -> None:
    network.head.norm.eps = network.config.letter_norm_eps


_BERT = Layout(
    rows="rnaexp.models.bert_folder:load",
    network=BertForMaskedLM,
    names=(
        (r"^bert\.", "model."),
        (r"LayerNorm", "layer_norm"),
        (r"^cls\.predictions\.(decoder\.)?bias$", "lm_head.bias"),
        (r"^cls\.predictions\.", "lm_head."),
    ),
    settings=alike("intermediate_size", "max_position_embeddings", "hidden_act", "type_vocab_size"),
    fixed={**_ENCODER, "position_embedding_type": "absolute"},
    changed=_bert_head,
)
_GELU = {"hidden_act": "gelu", HEAD_ACT: "gelu"}


def _esm(rows: str, *, rotary: bool, **facts: Any) -> Layout:
    """RNA-FM, UTR-LM and CaLM, which are ESM's."""
    last_norm = "emb_layer_norm_after" if rotary else "layer_norm"
    norm_before = ("emb_layer_norm_before",) if rotary else ()  # of RNA-FM another name, and older files have neither
    return Layout(
        **facts,
        rows=f"rnaexp.models.fair_esm:{rows}",
        network=EsmForMaskedLM,
        names=(
            (r"^esm\.encoder\.emb_layer_norm_after\.", f"model.encoder.{last_norm}."),
            (r"^esm\.", "model."),
            (r"LayerNorm", "layer_norm"),
            (r"^lm_head\.(dense|layer_norm)\.", r"lm_head.transform.\1."),
        ),
        settings=alike("intermediate_size", "token_dropout", "mask_token_id", "position_embedding_type", *norm_before),
        fixed={**_ENCODER, **_GELU, "position_embedding_type": "rotary" if rotary else "absolute"},
        positions="stated" if rotary else "learnt",
        computed=("*rotary_embeddings.inv_freq",),
        changed=_esm_head,
    )


_MOSAIC = Layout(
    rows="rnaexp.models.mosaic_bert:load",
    network=mosaic_bert.MosaicBert,
    names=(
        *_BODY,
        (r"^kind\.", "model.embeddings.token_type_embeddings."),
        (r"^norm\.", "model.embeddings.layer_norm."),
        (r"(\d)\.norm\.", r"\1.attention.output.layer_norm."),
        (r"\.unit_norm\.", ".mlp.layer_norm."),
        (r"(\d)\.up\.", r"\1.mlp.up_proj."),
        (r"(\d)\.down\.", r"\1.mlp.down_proj."),
        *_HEAD,
    ),
    settings=alike("intermediate_size", "type_vocab_size"),
    fixed={**_ENCODER, **_GELU, "position_embedding_type": "alibi"},
    inert=("alibi_starting_size", "max_position_embeddings"),
    positions="endless",
    changed=_own_head,
)
_FILTER, _HYENA_TRUE = "mixer.filter_fn.", {"train_freq": True, "use_bias": True}

LAYOUTS: Mapping[str, Layout] = {
    "splicebert": replace(_BERT, letters="ACGUN"),
    "utrbert": replace(_BERT, optional=("nmers",)),
    "dnabert": replace(_BERT, letters="ACGT"),
    # Its letter head has the activation of the rest; files of older releases state a GELU, later converters do not.
    "rnaernie": replace(_BERT, rows="rnaexp.models.rnaernie:load", inert=(HEAD_ACT,)),
    # Its authors put nothing round a sequence, and no activation into the letter head.
    "rnabert": replace(
        _BERT,
        rows="rnaexp.models.rnabert:load",
        before=(),
        after=(),
        own_table=True,
        inert=("ss_vocab_size", "multiple", HEAD_ACT),
        changed=_rnabert_head,
    ),
    "rnafm": _esm("load_rna_fm", rotary=False, letters="ACGUN", optional=("codon", "embed_norm")),
    # Its authors' letter head has the epsilon of the rest; MultiMolecule's has another.
    "utrlm": _esm("load_utr_lm", rotary=True, inert=("structure_head", "mfe_head", HEAD_EPS)),
    "calm": _esm("load_calm", rotary=True, codons=True, inert=("codon",)),
    "rinalmo": Layout(
        rows="rnaexp.models.rinalmo:load",
        network=rinalmo.Rinalmo,
        names=(
            *_BODY,
            (r"(\d)\.norm\.", r"\1.attention.layer_norm."),
            (r"\.out_norm\.", ".layer_norm."),
            (r"\.swish\.linear\.", ".intermediate.linear."),
            (r"\.swish\.gate\.", ".intermediate.linear_gate."),
            (r"\.swish\.slope$", ".intermediate.bias"),
            (r"(\d)\.down\.", r"\1.output.dense."),
            (r"^norm\.", "model.encoder.layer_norm."),
            *_HEAD,
        ),
        settings=alike("intermediate_size", "token_dropout", "mask_token_id"),
        fixed={**_ENCODER, HEAD_ACT: "gelu", "position_embedding_type": "rotary"},
        inert=("hidden_act", "learnable_beta"),  # its units are swishes; a slope that is not learnt stands there too
        letters="ACGUN",
        own_table=True,
        positions="stated",
        changed=_own_head,
    ),
    "ernierna": Layout(
        rows="rnaexp.models.ernie_rna:load",
        network=ernie_rna.ErnieRna,
        names=(
            *_BODY,
            (r"^norm\.", "model.embeddings.layer_norm."),
            (r"^pair_in\.", "model.pairwise_bias_proj.dense1."),
            (r"^pair_out\.", "model.pairwise_bias_proj.dense2."),
            (r"(\d)\.norm\.", r"\1.attention.output.layer_norm."),
            (r"\.out_norm\.", ".output.layer_norm."),
            (r"\.up\.", ".intermediate.dense."),
            (r"\.down\.", ".output.dense."),
            *_HEAD,
        ),
        settings={**alike("intermediate_size"), "wobble": "pairwise_alpha"},
        fixed={**_ENCODER, **_GELU, "position_embedding_type": "sinusoidal"},
        inert=("output_attention_biases",),
        letters="ACGUN",
        as_unknown="N",
        positions="stated",
        changed=_own_head,
    ),
    "dnabert2": _MOSAIC,
    "dnaberts": _MOSAIC,
    "hyenadna": Layout(
        rows="rnaexp.models.hyenadna:load",
        network=hyenadna.HyenaDna,
        names=(
            *hyenadna.ADAPTER.names,
            (r"^hyena\.backbone\.embeddings\.", "model.embeddings."),
            (r"^hyena\.backbone\.ln_f\.", "model.final_layer_norm."),
            (r"^hyena\.backbone\.", "model."),
        ),
        settings={
            **alike("intermediate_size", "max_position_embeddings", "filter_order"),
            "position_size": "filter_emb_dim",
            "frequency": "activation_freq",
        },
        # The network here has its blocks' epsilon fixed.
        fixed={"layer_norm_eps": 1e-5, "hyena_order": 2, "short_filter_order": 3, "num_inner_mlps": 2, **_HYENA_TRUE},
        optional=("pad_vocab_size_multiple",),
        sizes=("hidden_size", "num_hidden_layers"),
        letters="ACGTN",
        before=(),
        # Made by its own code from config.json, as here.
        computed=(f"*.{_FILTER}pos_emb.z", f"*.{_FILTER}pos_emb.t", f"*.{_FILTER}modulation.deltas"),
        encoder=hyenadna.ConvolutionEncoder,
    ),
}
# What all of its classes take and no output that is read here depends on.
INERT = (
    "*dropout",
    "initializer_range",
    "use_cache",
    "head",
    "lm_head",
    "num_labels",
    "bos_token_id",
    "eos_token_id",
    "unk_token_id",
    "mask_token_id",
    "null_token_id",
)
