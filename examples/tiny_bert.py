"""What the three examples train: a BERT of 0.1 million weights on pieces of built-in RNAs, 15 % of letters hidden."""

import torch
from transformers import BertConfig, BertForMaskedLM

from rnaexp.data.sets import load_set

IDS = {"A": 5, "C": 6, "G": 7, "U": 8, "N": 9, "before": [2], "after": [3], "pad": 0, "mask": 4}


def network() -> BertForMaskedLM:
    torch.manual_seed(0)
    sizes = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 128}
    return BertForMaskedLM(BertConfig(vocab_size=10, **sizes))


class Pieces(torch.utils.data.Dataset):
    """Piece number `at`, always the same."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.letters = torch.tensor([IDS[letter] for rna in load_set("builtin-vl").rnas for letter in rna.sequence])

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, at: int) -> dict[str, torch.Tensor]:
        drawn = torch.Generator().manual_seed(at)
        start = int(torch.randint(len(self.letters) - 64, (), generator=drawn))
        labels, hidden = self.letters[start : start + 64], torch.rand(64, generator=drawn) < 0.15
        return {"input_ids": labels.masked_fill(hidden, IDS["mask"]), "labels": labels.masked_fill(~hidden, -100)}
