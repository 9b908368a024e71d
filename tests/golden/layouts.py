"""Checkpoints that multimolecule itself writes, with random weights, and what its own code computes from them.

Its classes (AGPL-3.0) are an oracle here and nothing else: they are imported only when a function is called. Its ids
come from its own tokenizer, and its tokens are spread over bases by a product of plain matrices.
"""

import importlib
import json
from dataclasses import dataclass, field

import torch
from tests.models.conftest import write_bpe

from rnaexp.models import load
from rnaexp.rna import Alignment, Rna

RNA = Rna(id="r", sequence="GCGGAUUUAGCUCAGUUGGGAGAGCGCCAGACUGAAGAUCUGGAGGUCCAGUGUUCG")  # 57 bases: whole codons
ROWS = ("GGGAAACUCGAUUGC", "GGGA-ACUCGAUNGC", "GCGAAACUCGAUUGC")
ALIGNED = Rna(id="x", sequence=ROWS[0], alignment=Alignment(names=("x", "b", "c"), rows=ROWS))
SIZES = {"num_hidden_layers": 2, "hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 40}
HYENA = {"num_hidden_layers": 2, "hidden_size": 24, "intermediate_size": 96, "max_position_embeddings": 66}
BPE = ("dnabert2", "dnaberts")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One model type, with the settings and the tokenizer that its published checkpoints have."""

    kind: str
    row: str = ""  # of the catalogue that such a checkpoint belongs to; "" for none
    settings: dict = field(default_factory=dict)
    tokenizer: dict = field(default_factory=dict)
    dna: bool = False
    before: tuple = ("<cls>",)
    after: tuple = ("<eos>",)

    def but(self, **settings):
        return Layout(**{**vars(self), "settings": {**self.settings, **settings}})

    @property
    def k(self):
        return 3 if self.codons else self.tokenizer.get("nmers", 1)

    @property
    def codons(self):
        return self.tokenizer.get("codon", False)


def _kmers(kind, row, k, **facts):
    return Layout(kind=kind, row=row, tokenizer={"nmers": k, **facts.pop("tokenizer", {})}, **facts)


LAYOUTS = {
    "rnafm": Layout(kind="rnafm", row="rna-fm"),
    "mrnafm": Layout(
        kind="rnafm",
        row="mrna-fm",
        settings={"codon": True, "vocab_size": 131, "embed_norm": False},
        tokenizer={"codon": True},
    ),
    "rnamsm": Layout(kind="rnamsm", row="rna-msm"),
    "ernierna": Layout(kind="ernierna", row="ernie-rna"),
    **{
        f"rinalmo-{size}": Layout(
            kind="rinalmo", row=f"rinalmo-{size}", settings={"intermediate_size": 4 * width, "hidden_size": width}
        )
        for size, width in (("micro", 24), ("mega", 36), ("giga", 48))
    },
    "splicebert": Layout(kind="splicebert", row="splicebert"),
    "splicebert.510": Layout(kind="splicebert", row="splicebert-510", settings={"max_position_embeddings": 512}),
    "splicebert-human.510": Layout(
        kind="splicebert", row="splicebert-human-510", settings={"max_position_embeddings": 512}
    ),
    "utrlm-mrl": Layout(kind="utrlm", row="utr-lm-mrl", settings={"mfe_head": {"num_labels": 1}}),
    "utrlm-te_el": Layout(kind="utrlm", row="utr-lm-te-el"),
    **{f"utrbert-{k}mer": _kmers("utrbert", f"3utrbert-{k}mer", k, settings={"nmers": k}) for k in (3, 4, 5, 6)},
    "calm": Layout(kind="calm", row="calm", settings={"codon": True}, tokenizer={"codon": True}),
    "rnabert": Layout(
        kind="rnabert", row="rnabert", settings={"tie_word_embeddings": False}, before=(), after=()
    ),  # its authors put nothing round a sequence, and their letter head has a table of its own
    "rnaernie": Layout(kind="rnaernie", row="rnaernie"),
    **{
        f"dnabert-{k}mer": _kmers(
            "dnabert",
            f"dnabert-{k}mer",
            k,
            settings={"vocab_size": 4**k + 6},
            dna=True,
            tokenizer={"alphabet": "nucleobase"},
        )
        for k in (3, 4, 5, 6)
    },
    "dnabert2": Layout(kind="dnabert2", row="dnabert-2"),
    "dnaberts": Layout(kind="dnaberts"),
    "hyenadna": Layout(
        kind="hyenadna",
        row="hyenadna-tiny",
        settings={"filter_order": 16, "vocab_size": 11, "tie_word_embeddings": False},
        tokenizer={"alphabet": "streamline"},
        dna=True,
        before=(),
    ),
}
# What its letters are compared with, where they are known to differ from the authors': least and most.
WRONG_LETTERS = {"rnabert": (0.1, 3.0), "utrlm": (1e-6, 1e-3)}


def config_of(kind):
    """Its configuration class."""
    module = importlib.import_module(f"multimolecule.models.{kind}.configuration_{kind}")
    (found,) = [
        one
        for one in vars(module).values()
        if isinstance(one, type) and getattr(one, "model_type", None) == kind and one.__module__ == module.__name__
    ]
    return found


@dataclass(frozen=True, kw_only=True)
class Written:
    """A checkpoint's folder, and the model and the tokenizer that were saved in it."""

    layout: Layout
    folder: object
    model: object
    tokenizer: object


def write(layout, folder):
    """Random weights, large enough that no map is flat: flat ones would agree whatever the fault."""
    import multimolecule
    import transformers

    torch.manual_seed(1)
    sizes = {"vocab_size": write_bpe(folder)} if layout.kind in BPE else {}
    config = config_of(layout.kind)(**{**(HYENA if layout.kind == "hyenadna" else SIZES), **sizes, **layout.settings})
    config._attn_implementation = "eager"
    auto = {"hyenadna": "AutoModelForCausalLM", "dnaberts": "AutoModel"}.get(layout.kind, "AutoModelForPreTraining")
    model = getattr(transformers, auto).from_config(config).eval()
    for name, parameter in model.named_parameters():
        norm = "norm" in name and name.endswith("weight")
        torch.nn.init.normal_(parameter, mean=float(norm), std=0.05 if layout.kind == "hyenadna" else 0.2)
    for name, parameter in model.named_parameters():
        if name.endswith(".freq"):  # one vector in the authors' network, as in every published file
            parameter.data.copy_(model.get_parameter(f"{name.rsplit('.', 2)[0]}.1.freq").data)
    model.save_pretrained(folder)
    if layout.kind in BPE:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    else:
        kind = multimolecule.DnaTokenizer if layout.dna else multimolecule.RnaTokenizer
        tokenizer = kind(**layout.tokenizer)
        tokenizer.save_pretrained(folder)
    return Written(layout=layout, folder=folder, model=model, tokenizer=tokenizer)


def change_config(folder, **settings):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))


def cut(layout, tokenizer, sequence):
    """Its ids, and for each the bases it covers (None: a special token)."""
    text = sequence.replace("U", "T") if layout.dna or layout.kind in BPE else sequence
    if layout.kind in BPE:
        out = tokenizer(text, return_offsets_mapping=True)
        return out["input_ids"], [span if span[0] < span[1] else None for span in map(tuple, out["offset_mapping"])]
    starts = range(0, len(text) - layout.k + 1, layout.k if layout.codons else 1)
    tokens = [*layout.before, *(text[at : at + layout.k] for at in starts), *layout.after]
    spans = [None] * len(layout.before) + [(at, at + layout.k) for at in starts] + [None] * len(layout.after)
    return [tokenizer.get_vocab()[token] for token in tokens], spans


def shares(spans, bases):
    """[n t]: of each base the tokens that cover it, each alike."""
    covers = torch.zeros(bases, len(spans))
    for token, span in enumerate(spans):
        if span is not None:
            covers[span[0] : span[1], token] = 1
    return covers / covers.sum(1, keepdim=True)


@torch.inference_mode()
def theirs(written, rna=RNA):
    """What its own eager code gives: attention [l h n n] and embedding [n d] of the bases, letters [t v] of tokens."""
    if written.layout.kind == "rnamsm":
        return their_alignment(written)
    ids, spans = cut(written.layout, written.tokenizer, rna.sequence)
    ids, share, body = torch.tensor([ids]), shares(spans, len(rna)), written.model.base_model
    inner = [at for at, span in enumerate(spans) if span is not None]
    if written.layout.kind == "hyenadna":
        hidden, logits = body(ids).last_hidden_state[0], written.model(ids).logits[0]
        return {"embedding": share @ hidden, "letters": logits[inner]}
    mask = {"attention_mask": torch.ones_like(ids)}
    out = body(ids, **mask, output_attentions=True)
    found = {
        "attention": share @ torch.stack([maps[0] for maps in out.attentions]) @ share.T,
        "embedding": share @ out.last_hidden_state[0],
    }
    if written.layout.kind != "dnaberts":
        found["letters"] = written.model.lm_head(out).logits[0, inner]
    return found


def their_alignment(written):
    known = written.tokenizer.get_vocab()
    ids = torch.tensor([[[known[token] for token in ("<cls>", *row)] for row in ROWS]])
    out = written.model.base_model(ids, attention_mask=torch.ones_like(ids), output_attentions=True)
    return {
        "attention": torch.stack([maps[0] for maps in out.row_attentions])[..., 1:, 1:],
        "embedding": out.last_hidden_state[0, 0, 1:],
        "letters": written.model.lm_head(out).logits[0, 0, 1:],
    }


@torch.inference_mode()
def ours(encoder, rna=RNA):
    """The same through the public face; letters of tokens, of which a k-mer has no public ones, by the network."""
    if encoder.spec.reads == "alignment":
        rna = ALIGNED
    found = {"embedding": encoder.embed([rna])[0]}
    if encoder.spec.has_attention:
        maps = []
        encoder.read_attention([rna], lambda _rna, _layer, layer: maps.append(layer.clone()))
        found["attention"] = torch.stack(maps)
    if encoder.spec.reads == "alignment":
        return {**found, "letters": encoder.logits(rna)}
    encoding = encoder.tokens.encode(rna)
    inner = [at for at, span in enumerate(encoding.spans) if span is not None]
    if encoder.can_predict:
        found["letters"] = encoder.network(torch.tensor([encoding.ids])).logits[0, inner]
    return found


def difference(one, other):
    """Largest difference over the largest value."""
    assert one.shape == other.shape
    return float((one - other).abs().max() / other.abs().max())


def opened(folder, row="", **how):
    return load(row, weights=folder, device="cpu", **how) if row else load(str(folder), device="cpu", **how)
