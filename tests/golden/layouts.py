"""Checkpoints that multimolecule itself writes, with random weights, and what its own code computes from them.

Its classes (AGPL-3.0) are an oracle here and nothing else: they are imported only when a function is called.
"""

import importlib
from dataclasses import dataclass, field

import torch
from tests.models.conftest import write_bpe

from rnaexp.models import load
from rnaexp.models.spread import Spread
from rnaexp.models.streaming import EveryHead
from rnaexp.rna import Alignment, Rna

RNA = Rna(id="r", sequence="GCGGAUUUAGCUCAGUUGGGAGAGCGCCAGACUGAAGAUCUGGAGGUCCAGUGUUCG")  # 57 bases: whole codons
ROWS = ("GGGAAACUCGAUUGC", "GGGA-ACUCGAUNGC", "GCGAAACUCGAUUGC")
SIZES = {"num_hidden_layers": 2, "hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 40}
WRONG_LETTERS = {"rnabert": (0.5, 3.0), "utrlm": (1e-5, 1e-3)}  # its letter logits differ from the authors', known


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One model type, with the settings and the tokenizer that its published checkpoints have."""

    kind: str
    row: str  # of the catalogue that such a checkpoint belongs to; "" for none
    settings: dict = field(default_factory=dict)
    dna: bool = False
    tokenizer: dict = field(default_factory=dict)


LAYOUTS = {
    "rnafm": Layout(kind="rnafm", row="rna-fm"),
    "mrnafm": Layout(
        kind="rnafm", row="mrna-fm", settings={"codon": True, "vocab_size": 131}, tokenizer={"codon": True}
    ),
    "rnamsm": Layout(kind="rnamsm", row="rna-msm"),
    "ernierna": Layout(kind="ernierna", row="ernie-rna", settings={"num_attention_heads": 12}),
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
    "utrlm-mrl": Layout(kind="utrlm", row="utr-lm-mrl"),
    "utrlm-te": Layout(kind="utrlm", row="utr-lm-te-el"),
    **{
        f"utrbert-{k}mer": Layout(kind="utrbert", row=f"3utrbert-{k}mer", settings={"nmers": k}, tokenizer={"nmers": k})
        for k in (3, 4, 5, 6)
    },
    "calm": Layout(kind="calm", row="calm", settings={"codon": True}, tokenizer={"codon": True}),
    "rnabert": Layout(kind="rnabert", row="rnabert"),
    "rnaernie": Layout(kind="rnaernie", row="rnaernie"),
    **{
        f"dnabert-{k}mer": Layout(
            kind="dnabert",
            row=f"dnabert-{k}mer",
            settings={"vocab_size": 4**k + 6},
            dna=True,
            tokenizer={"nmers": k, "alphabet": "nucleobase"},
        )
        for k in (3, 4, 5, 6)
    },
    "dnabert2": Layout(kind="dnabert2", row="dnabert-2"),
    "dnaberts": Layout(kind="dnaberts", row=""),
    "hyenadna": Layout(kind="hyenadna", row="hyenadna-tiny"),
}


def settings_of(layout):
    module = importlib.import_module(f"multimolecule.models.{layout.kind}.configuration_{layout.kind}")
    names = [
        name
        for name in dir(module)
        if name.endswith("Config") and name not in ("PreTrainedConfig", "BaseConfig") and "HeadConfig" not in name
    ]
    if layout.kind == "hyenadna":
        told = {"num_hidden_layers": 2, "hidden_size": 24, "intermediate_size": 96, "max_position_embeddings": 66}
        return getattr(module, names[0])(**told, filter_order=16, vocab_size=11, tie_word_embeddings=False)
    return getattr(module, names[0])(**{**SIZES, **layout.settings})


def write(layout, folder):
    """A checkpoint with its tokenizer, and the model as its own eager code runs it."""
    import multimolecule
    import transformers

    torch.manual_seed(1)
    if layout.kind in ("dnabert2", "dnaberts"):
        layout.settings["vocab_size"] = write_bpe(folder)
    config = settings_of(layout)
    config._attn_implementation = "eager"
    auto = {"hyenadna": "AutoModelForCausalLM", "dnaberts": "AutoModel"}.get(layout.kind, "AutoModelForMaskedLM")
    model = getattr(transformers, auto).from_config(config).eval()
    for name, parameter in model.named_parameters():
        norm = "norm" in name and name.endswith("weight")
        # Large enough that no map is flat: flat ones would agree whatever the fault.
        torch.nn.init.normal_(parameter, mean=float(norm), std=0.05 if "hyena" in layout.kind else 0.2)
    for name, parameter in model.named_parameters():
        if name.endswith(".freq"):  # one vector in the authors' network, as in every published file
            parameter.data.copy_(model.get_parameter(f"{name.rsplit('.', 2)[0]}.1.freq").data)
    model.save_pretrained(folder)
    if layout.kind not in ("dnabert2", "dnaberts"):
        kind = {"alphabet": "streamline"} if layout.kind == "hyenadna" else layout.tokenizer
        dna = layout.dna or layout.kind == "hyenadna"
        (multimolecule.DnaTokenizer if dna else multimolecule.RnaTokenizer)(**kind).save_pretrained(folder)
    return model


def their_ids(encoder, layout, folder):
    """What its own network is fed: the ids of vocab.txt. ERNIE-RNA is read here in its authors' order of letters."""
    ids = list(encoder.tokens.encode(RNA).ids)
    if layout.kind != "ernierna":
        return ids
    known = (folder / "vocab.txt").read_text().split()
    return [known.index("<cls>"), *(known.index(letter) for letter in RNA.sequence), known.index("<eos>")]


@torch.inference_mode()
def compared(layout, model, encoder, folder):
    """(ours, theirs) of attention, embedding and letters, by name; what a model has not is left out."""
    if layout.kind == "rnamsm":
        return compared_alignment(model, encoder, folder)
    ids, theirs = encoder.tokens.encode(RNA).ids, torch.tensor([their_ids(encoder, layout, folder)])
    inner = inner_of(encoder)
    mask = {} if layout.kind == "hyenadna" else {"attention_mask": torch.ones_like(theirs)}
    hidden = model.base_model(theirs, **mask).last_hidden_state[0, inner]
    found = {}
    if layout.kind == "hyenadna":
        ours = encoder._body()(torch.tensor([ids])).last_hidden_state[0, inner]
    else:
        maps = []
        reading = EveryHead(encoder._layer_of, [Spread(inner, None)], [len(ids)], lambda *a: maps.append(a[2].clone()))
        ours = encoder._body()(torch.tensor([ids]), reading=reading).last_hidden_state[0, inner]
        out = model(theirs, **mask, output_attentions=True)
        found["attention"] = torch.stack(maps), torch.stack([each[0][:, inner, inner] for each in out.attentions])
    found["embedding"] = ours, hidden
    if layout.kind != "dnaberts":
        logits = encoder.network(torch.tensor([ids])).logits[0, inner]
        expected = model(theirs, **mask).logits[0, inner]
        if layout.kind == "ernierna":
            known = (folder / "vocab.txt").read_text().split()
            logits = logits[:, list(encoder.tokens.base_ids())]
            expected = expected[:, [known.index(letter) for letter in "ACGU"]]
        found["letters"] = logits, expected
    return found


def inner_of(encoder):
    tokens = encoder.tokens
    if not hasattr(tokens, "before"):  # BPE: its tokenizer says which tokens are special
        return slice(1, -1)
    return slice(len(tokens.before), -len(tokens.after) or None)


def compared_alignment(model, encoder, folder):
    known = (folder / "vocab.txt").read_text().split()
    rna = Rna(id="x", sequence=ROWS[0], alignment=Alignment(names=("x", "b", "c"), rows=ROWS))
    ids = torch.tensor([[[known.index("<cls>"), *(known.index(letter) for letter in row)] for row in ROWS]])
    out = model(ids, attention_mask=torch.ones_like(ids), output_attentions=True)
    hidden = model.base_model(ids, attention_mask=torch.ones_like(ids)).last_hidden_state
    ours = torch.stack([layer.clone() for layer in encoder.attention(rna)])
    return {
        "attention": (ours, torch.stack(list(out.row_attentions))[..., 1:, 1:].reshape(ours.shape)),
        "embedding": (encoder.embed([rna])[0], hidden[0, 0, 1:]),
        "letters": (encoder.logits(rna), out.logits[0, 0, 1:]),
    }


def opened(folder, row=""):
    return load(row, weights=folder, device="cpu") if row else load(str(folder), device="cpu")
