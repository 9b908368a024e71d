"""Trains a very small BERT for ten seconds and saves two of its steps: `python examples/make_checkpoints.py out`.

The folders are what transformers' Trainer leaves, `checkpoint-0` and `checkpoint-200`, so that the tutorials can be
followed without a checkpoint of your own. No structure is seen, and the RNAs are rows of the validation set's families.
"""

import random
import sys
from pathlib import Path

import torch
from transformers import BertConfig, BertForMaskedLM

from rnaexp.data.sets import load_set

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "A", "C", "G", "U"]
PAD, CLS, SEP, MASK = (VOCABULARY.index(token) for token in ("[PAD]", "[CLS]", "[SEP]", "[MASK]"))
STEPS, BATCH, BASES = 200, 8, 100


def main(out: Path) -> None:
    """Two folders in `out`."""
    torch.set_num_threads(1)  # more threads add in another order, and the weights would differ
    torch.manual_seed(0)
    draw = random.Random(0)
    rows = [row for rna in load_set("builtin-vl").rnas[::8] for row in rna.alignment.rows]
    rnas = [[VOCABULARY.index(base) for base in row if base in "ACGU"] for row in rows]
    config = BertConfig(vocab_size=9, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128)
    model = BertForMaskedLM(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    save(model, out / "checkpoint-0")
    for _ in range(STEPS):
        pieces = [piece(draw.choice(rnas), draw) for _ in range(BATCH)]
        longest = max(map(len, pieces))
        ids = torch.tensor([one + [PAD] * (longest - len(one)) for one in pieces])
        hidden = (torch.rand(ids.shape) < 0.15) & (ids > MASK)
        loss = model(
            ids.masked_fill(hidden, MASK), attention_mask=ids != PAD, labels=ids.masked_fill(~hidden, -100)
        ).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    save(model, out / f"checkpoint-{STEPS}")


def piece(rna: list[int], draw: random.Random) -> list[int]:
    """Up to so many bases of it, between the two tokens that BERT expects."""
    start = draw.randrange(max(1, len(rna) - BASES))
    return [CLS, *rna[start : start + BASES], SEP]


def save(model: BertForMaskedLM, folder: Path) -> None:
    """Weights, config.json and vocab.txt: all that rnaexp needs."""
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
