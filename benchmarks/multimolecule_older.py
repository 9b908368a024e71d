"""How far a checkpoint of an older MultiMolecule (0.0.8), read here, is from what that version computes from it.

    python -m venv old && old/bin/pip install multimolecule==0.0.8 'transformers==4.53.3'
    old/bin/python benchmarks/multimolecule_older.py write FOLDER
    PYTHONPATH=. python benchmarks/multimolecule_older.py read FOLDER tracking/results/multimolecule_older.csv

Its files name the body after the model type (`rnafm.encoder`) and say less in config.json. The environment it needs is
its own: it does not run beside the transformers that is used here. The columns are those of multimolecule_layouts.py.
"""

import csv
import sys
from pathlib import Path

import numpy as np
import torch

RNA = "GCGGAUUUAGCUCAGUUGGGAGAGCGCCAGACUGAAGAUCUGGAGGUCCAGUGUUCG"  # as in tests/golden/layouts.py
SIZES = {"num_hidden_layers": 2, "hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 40}
# Prefix of its classes, settings, the tokenizer's; how many bases a token has and by how many it moves on.
KINDS = {
    "rnafm": ("RnaFm", {}, {}, 1, 1),
    "mrnafm": ("RnaFm", {"codon": True, "embed_norm": False}, {"codon": True}, 3, 3),
    "rnamsm": ("RnaMsm", {}, {}, 1, 1),
    "ernierna": ("ErnieRna", {"num_attention_heads": 6}, {}, 1, 1),
    "rinalmo": ("RiNALMo", {"intermediate_size": 96}, {}, 1, 1),
    "splicebert": ("SpliceBert", {}, {}, 1, 1),
    "utrlm": ("UtrLm", {}, {}, 1, 1),
    "utrbert": ("UtrBert", {"nmers": 3}, {"nmers": 3}, 3, 1),
    "calm": ("CaLm", {"codon": True}, {"codon": True}, 3, 3),
    "rnabert": ("RnaBert", {}, {}, 1, 1),
    "rnaernie": ("RnaErnie", {}, {}, 1, 1),
}
COLUMNS = ("layout", "attention", "embedding", "letters")


def main():
    what, folder, *out = sys.argv[1:]
    if what == "write":
        write(Path(folder))
    else:
        read(Path(folder), Path(out[0]))


def write(folder):
    from multimolecule import models

    without_the_hub(models)
    for kind, (name, settings, _, _, _) in KINDS.items():
        torch.manual_seed(1)
        tokenizer = tokenizer_of(kind)
        config = getattr(models, f"{name}Config")(**{**SIZES, **settings, "vocab_size": len(tokenizer.get_vocab())})
        model = getattr(models, f"{name}ForPreTraining")(config).eval()
        for key, parameter in model.named_parameters():
            torch.nn.init.normal_(parameter, mean=float("norm" in key and key.endswith("weight")), std=0.2)
        model.tie_weights()
        model.save_pretrained(folder / kind)
        tokenizer.save_pretrained(folder / kind)
        np.savez(folder / f"{kind}.npz", **computed(kind, model, tokenizer.get_vocab()))


def without_the_hub(models):
    """Its ERNIE-RNA asks the hub for the tokenizer, and its 3UTRBERT is made once without a word length."""
    from multimolecule import RnaTokenizer
    from multimolecule.models.ernierna import modeling_ernierna

    modeling_ernierna.AutoTokenizer.from_pretrained = lambda *_, **_settings: RnaTokenizer()
    made = models.UtrBertConfig.__init__
    models.UtrBertConfig.__init__ = lambda self, *given, **settings: made(self, *given, **{"nmers": 3, **settings})


def tokenizer_of(kind):
    from multimolecule import RnaTokenizer

    return RnaTokenizer(**KINDS[kind][2])


@torch.inference_mode()
def computed(kind, model, ids):
    """Of tokens: attention [l h t t], embedding [t d], letters [t v]."""
    *_, k, step = KINDS[kind]
    words = [ids[RNA[at : at + k]] for at in range(0, len(RNA) - k + 1, step)]
    before = [] if kind == "rnabert" else [ids["<cls>"]]
    after = [] if kind in ("rnabert", "rnamsm") else [ids["<eos>"]]
    inner = slice(len(before), len(before) + len(words))
    tokens = torch.tensor([before + words + after])
    out = model.base_model(tokens, attention_mask=torch.ones_like(tokens), output_attentions=True)
    maps = out.row_attentions if kind == "rnamsm" else out.attentions
    return {
        "attention": torch.stack([layer[0] for layer in maps])[..., inner, inner].numpy(),
        "embedding": out.last_hidden_state[0, inner].numpy(),
        "letters": model.lm_head(out).logits[0, inner].numpy(),
    }


def read(folder, out):
    from tests.golden.layouts import difference

    from rnaexp.models import load

    with out.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for kind in KINDS:
            found, share = ours(load(str(folder / kind), device="cpu"))
            theirs = {name: torch.from_numpy(values) for name, values in np.load(folder / f"{kind}.npz").items()}
            theirs["attention"] = share @ theirs["attention"] @ share.T
            theirs["embedding"] = share @ theirs["embedding"]
            apart = {name: f"{difference(values, theirs[name]):.1e}" for name, values in found.items()}
            writer.writerow({"layout": kind, **apart})
            print(kind, apart, flush=True)


@torch.inference_mode()
def ours(encoder):
    """Of bases, letters of tokens; and the share that each base's tokens have in it."""
    from tests.golden import layouts

    if encoder.spec.reads != "alignment":
        spans = encoder.tokens.encode(layouts.RNA).spans
        return layouts.ours(encoder), layouts.shares([span for span in spans if span is not None], len(RNA))
    # One row alone: with several, 0.0.8's column attention ends in an error.
    found = {"embedding": encoder.embed([layouts.RNA])[0], "letters": encoder.logits(layouts.RNA)}
    return {**found, "attention": torch.stack([layer.clone() for layer in encoder.attention(layouts.RNA)])}, torch.eye(
        len(RNA)
    )


if __name__ == "__main__":
    main()
