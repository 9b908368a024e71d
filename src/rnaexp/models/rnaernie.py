"""RNAErnie: transformers' BERT with rectified units, from the file that multimolecule converted out of Paddle's.

Source: Wang et al. 2024, doi:10.1038/s42256-024-00836-4. The authors publish for Paddle alone; multimolecule's
checkpoint (config.json, model.safetensors) is read here by its names, without its code.
"""

from functools import partial

from transformers import BertForMaskedLM

from rnaexp.models.adapter import FOLDER, Adapter, load_adapted
from rnaexp.models.tokens import Vocabulary

# <pad> <cls> <eos> <unk> <mask> <null>, then A C G U; its N is a mean of these that nobody trained, so N is refused.
TOKENS = Vocabulary(model="rnaernie", ids={"A": 6, "C": 7, "G": 8, "U": 9}, before=(1,), after=(2,), pad=0, mask=4)

ADAPTER = Adapter(
    network=BertForMaskedLM,
    tokens=TOKENS,
    checkpoints=FOLDER,
    sizes={name: name for name in ("num_hidden_layers", "num_attention_heads", "hidden_size")},
    settings={name: name for name in ("vocab_size", "intermediate_size", "max_position_embeddings", "hidden_act")},
    completed=lambda values: {
        "vocab_size": 28,
        "intermediate_size": 4 * values["hidden_size"],
        "max_position_embeddings": 513,
        "hidden_act": "relu",
        "pad_token_id": TOKENS.pad,
        **values,
    },
    names=(
        (r"^bert\.", "model."),
        (r"LayerNorm", "layer_norm"),
        (r"^cls\.predictions\.bias$", "lm_head.bias"),
        (r"^cls\.predictions\.", "lm_head."),
    ),
    copies=(
        ("model.embeddings.word_embeddings.weight", "lm_head.decoder.weight"),
        ("lm_head.bias", "lm_head.decoder.bias"),
    ),
    leftovers=("model.pooler.dense.*", "lm_head.decoder.*", "model.embeddings.position_ids"),
)

load = partial(load_adapted, ADAPTER)
