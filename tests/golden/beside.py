"""The same weights in multimolecule's classes, through its own converters, and in ours: what both give.

Each function writes a checkpoint in its authors' layout and returns what was compared as (ours, theirs), by name. The
tests hold the differences to a tolerance, `benchmarks/beside_multimolecule.py` writes them down. The package is
imported only when a function is called.
"""

import importlib
import json
import random
from itertools import product

import torch
from safetensors.torch import save_file
from tests.models import test_hyenadna as hyenadna
from tests.models.conftest import write_bpe

from rnaexp.models import load
from rnaexp.models.weights import named_tensors, read_checkpoint
from rnaexp.rna import Rna

RNA = Rna(id="r", sequence="GCGGAUUUAGCUCAGUUGGGAGAGCGCCAGACUGAAGAUCUGGAGGUCCAGUGUUCG")  # 57 bases: whole codons


def converter(kind):
    return importlib.import_module(f"multimolecule.models.{kind}.convert_checkpoint")


def vocabulary(alphabet=None, nmers=1):
    from multimolecule.tokenisers.rna.utils import get_alphabet

    return list(get_alphabet(alphabet, nmers=nmers).vocabulary)


def build(config, state):
    """Its masked-LM class with these weights; nothing of the class may be left as it was initialised."""
    from transformers import AutoModelForMaskedLM

    config._attn_implementation = "eager"
    model = AutoModelForMaskedLM.from_config(config).eval()
    if config.model_type == "ernierna":  # its class makes this half as wide as there are heads, the authors' 6
        for name in ("dense1", "dense2"):
            shape = state[f"model.pairwise_bias_proj.{name}.weight"].shape
            setattr(model.model.pairwise_bias_proj, name, torch.nn.Linear(shape[1], shape[0]))
    left = model.load_state_dict(state, strict=False)
    assert left.missing_keys == []
    return model


@torch.inference_mode()
def outputs(model, ids, inner):
    """Attention [l h t t], embedding and logits of the inner tokens, by its own eager code."""
    ids = torch.tensor([ids])
    told = {"attention_mask": torch.ones_like(ids)}
    out = model(ids, **told, output_attentions=True)
    hidden = model.base_model(ids, **told).last_hidden_state[0, inner]
    return torch.stack([maps[0] for maps in out.attentions])[..., inner, inner], hidden, out.logits[0, inner]


def tokens_maps(encoder, rna):
    """What our adapter streams, before tokens are spread over bases."""
    from rnaexp.models.spread import Spread
    from rnaexp.models.streaming import EveryHead

    encoding, maps = encoder.tokens.encode(rna), []
    inner = slice(len(encoder.tokens.before), len(encoding.ids) - len(encoder.tokens.after))
    reading = EveryHead(
        encoder._layer_of, [Spread(inner, None)], [len(encoding.ids)], lambda _r, _l, layer: maps.append(layer.clone())
    )
    with torch.inference_mode():
        hidden = encoder._body()(torch.tensor([encoding.ids]), reading=reading).last_hidden_state[0, inner]
        logits = encoder.network(torch.tensor([encoding.ids])).logits[0, inner]
    return torch.stack(maps), hidden, logits


def difference(one, other):
    assert one.shape == other.shape
    return float((one - other).abs().max())


# --- where the authors' outputs are here: all three

# Catalogue name: fixture, multimolecule's name, where the file holds tensors, sizes under our names, its old letters.
WORDS = ("num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size")
FAIR = ("encoder_layers", "encoder_embed_dim", "encoder_attention_heads", "encoder_ffn_embed_dim")
THREE = {
    "rna-fm": ("rnafm", "rnafm", "model", FAIR),
    "ernie-rna": ("ernierna", "ernierna", "model", FAIR),
    "rinalmo-giga": ("rinalmo", "rinalmo", None, ("num_blocks", "embed_dim", "num_heads", None)),
    "utr-lm-mrl": ("utrlm", "utrlm", None, ("num_layers", "embed_dim", "attention_heads", None)),
    "rnabert": ("rnabert", "rnabert", None, WORDS),
    "splicebert": ("splicebert", "splicebert", None, WORDS),
}


def theirs_on_golden(name, made):
    _, kind, inside, words = THREE[name]
    (path,) = [p for p in made.weights.rglob("*") if p.suffix in {".pt", ".pth", ".ckpt", ".pkl", ".bin"}]
    state = named_tensors(read_checkpoint(path), path, inside=inside)
    code, told = converter(kind), made.facts["config"]
    sizes = {ours: told[theirs] for ours, theirs in zip(WORDS, words, strict=True) if theirs is not None}
    sizes.setdefault("intermediate_size", 4 * sizes["hidden_size"])
    old = getattr(code, "original_vocab_list", None)
    if kind == "rnafm":
        sizes |= {"max_position_embeddings": told["max_positions"] + 2, "token_dropout": told["token_dropout"]}
        # Its converter was written against a file whose names lack one word of these.
        state = {key.replace("sentence_encoder", "encoder"): tensor for key, tensor in state.items()}
        state = {key.replace("encoder.lm_head", "lm_head"): tensor for key, tensor in state.items()}
        old = code.original_vocabs["single"]
    if kind == "splicebert":
        sizes["max_position_embeddings"] = told["max_position_embeddings"]
        state["bert.embeddings.position_ids"] = torch.zeros(1)  # its converter insists on this leftover
        old = ["<pad>", "<unk>", "<cls>", "<eos>", "<mask>", *"NACGU"]
    config = code.Config(**sizes, vocab_size=len(vocabulary()))
    return build(config, code._convert_checkpoint(config, state, vocabulary(), old))


def all_three(name, made, encoder, which):
    """(theirs, authors') and (ours, theirs) of one input, N fed to ERNIE-RNA as its authors do; letters last."""
    model, ids = theirs_on_golden(name, made), vocabulary()
    rna = Rna(id=which, sequence=made.sequence(which))
    before, after = ([], []) if name == "rnabert" else ([ids.index("<cls>")], [ids.index("<eos>")])
    # ERNIE-RNA's authors feed N as <unk>, multimolecule as N: seen here as the authors do.
    letters = rna.sequence.replace("N", "?") if name == "ernie-rna" else rna.sequence
    tokens = [*before, *(ids.index("<unk>" if base == "?" else base) for base in letters), *after]
    maps, embedding, logits = outputs(model, tokens, slice(len(before), len(tokens) - len(after)))
    authors = {kind: published(made, kind, which) for kind in ("attn", "emb", "logits")}
    found = []
    encoder.read_attention([rna], lambda _index, _layer, layer: found.append(layer.clone()))
    theirs_letters = logits[:, [ids.index(base) for base in "ACGU"]]
    ours = {
        "attention": (torch.stack(found), maps),
        "embedding": (encoder.embed([rna])[0], embedding),
        "logits": (encoder.logits(rna)[:, encoder._letter_ids()], theirs_letters),
    }
    written = {
        "attention": (maps, authors["attn"]),
        "embedding": (embedding, authors["emb"]),
        "logits": (theirs_letters, authors["logits"][:, encoder._letter_ids()]),
    }
    return written, ours


def published(made, kind, which):
    """RNABERT's authors pad without a mask, and run unpadded too; ERNIE-RNA's keep the softmax of what they export."""
    keys = (f"{kind}_{which}_nopad", f"{kind}_prob_{which}", f"{kind}_{which}")
    return made.array(next(key for key in keys if key in made.expected)).float()


# --- where no author's output is here: multimolecule and ours

SIZES = {"num_hidden_layers": 2, "hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 40}


def random_state(shapes, seed=5):
    """Weights in the authors' layout, large enough that attention is not flat."""
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=generator) * 0.3 for name, shape in shapes.items()}


KMERS = [
    *(("dnabert", f"dnabert-{k}mer", k) for k in (4, 5, 6)),
    *(("utrbert", f"3utrbert-{k}mer", k) for k in (4, 5, 6)),
]


def bert_shapes(letters, layers=2, width=24, inner=40, positions=512):
    """transformers' BERT, as DNABERT's and 3UTRBERT's files hold it."""
    from transformers import BertConfig, BertForMaskedLM

    config = BertConfig(
        vocab_size=letters,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=3,
        intermediate_size=inner,
        max_position_embeddings=positions,
    )
    state = BertForMaskedLM(config).state_dict()
    return {name: tensor.shape for name, tensor in state.items()}


def kmers(kind, name, k, folder):
    """DNABERT and 3UTRBERT."""
    letters = "ATCG" if kind == "dnabert" else "AUCG"
    words = ["".join(word) for word in product(letters, repeat=k)]
    random.Random(k).shuffle(words)  # the file's order decides, not the alphabet's
    state = random_state(bert_shapes(5 + len(words)))
    state["cls.predictions.decoder.weight"] = state["bert.embeddings.word_embeddings.weight"]
    state["cls.predictions.decoder.bias"] = state["cls.predictions.bias"]
    torch.save(state, folder / "pytorch_model.bin")
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
    told = {**SIZES, "model_type": "bert", "vocab_size": 5 + len(words), "max_position_embeddings": 512}
    (folder / "config.json").write_text(json.dumps(told))
    old = ["<pad>", "<unk>", "<cls>", "<eos>", "<mask>", *(word.replace("T", "U") for word in words)]
    new = vocabulary("nucleobase", nmers=k) if kind == "dnabert" else vocabulary(nmers=k)
    code = converter(kind)
    config = code.Config(**SIZES, **({"nmers": k} if kind == "utrbert" else {}))
    config.vocab_size = len(new)
    held = {**state, "bert.embeddings.position_ids": torch.zeros(1)}
    order = (old, new) if kind == "dnabert" else (new, old)
    converted = code._convert_checkpoint(config, held, *order)
    converted.pop("model.embeddings.position_ids", None)
    model = build(config, converted)
    tokens = [new.index(RNA.sequence[at : at + k]) for at in range(len(RNA) - k + 1)]
    maps, embedding, _ = outputs(model, [new.index("<cls>"), *tokens, new.index("<eos>")], slice(1, -1))
    encoder = load(name, weights=folder, device="cpu")
    ours = tokens_maps(encoder, RNA)
    return {"attention": (ours[0], maps), "embedding": (ours[1], embedding)}


def rnaernie(folder):
    """RNAErnie, from multimolecule's own layout."""
    code = converter("rnaernie")
    config = code.Config(**SIZES, vocab_size=len(vocabulary()))
    from multimolecule import RnaTokenizer
    from transformers import AutoModelForMaskedLM

    config._attn_implementation = "eager"
    shapes = {name: tensor.shape for name, tensor in AutoModelForMaskedLM.from_config(config).state_dict().items()}
    state = random_state(shapes)
    state["lm_head.decoder.weight"] = state["model.embeddings.word_embeddings.weight"]
    state["lm_head.decoder.bias"] = state["lm_head.bias"]
    model = build(config, state)
    model.save_pretrained(folder)
    RnaTokenizer().save_pretrained(folder)
    ids = vocabulary()
    maps, embedding, logits = outputs(
        model, [ids.index("<cls>"), *(ids.index(base) for base in RNA.sequence), ids.index("<eos>")], slice(1, -1)
    )
    encoder = load("rnaernie", weights=folder, device="cpu")
    ours = tokens_maps(encoder, RNA)
    return dict(
        zip(("attention", "embedding", "logits"), zip(ours, (maps, embedding, logits), strict=True), strict=True)
    )


def dnabert_2_shapes(letters, layers=2, width=24, inner=40):
    """As zhihan1996/DNABERT-2-117M names its tensors, which multimolecule's converter was written against."""
    shapes = {
        "bert.embeddings.word_embeddings.weight": (letters, width),
        "bert.embeddings.token_type_embeddings.weight": (2, width),
        "bert.embeddings.LayerNorm.weight": (width,),
        "bert.embeddings.LayerNorm.bias": (width,),
        "cls.predictions.transform.dense.weight": (width, width),
        "cls.predictions.transform.dense.bias": (width,),
        "cls.predictions.transform.LayerNorm.weight": (width,),
        "cls.predictions.transform.LayerNorm.bias": (width,),
        "cls.predictions.decoder.bias": (letters,),
    }
    for layer in range(layers):
        shapes |= {
            f"bert.encoder.layer.{layer}.{name}": shape
            for name, shape in {
                "attention.self.Wqkv.weight": (3 * width, width),
                "attention.self.Wqkv.bias": (3 * width,),
                "attention.output.dense.weight": (width, width),
                "attention.output.dense.bias": (width,),
                "attention.output.LayerNorm.weight": (width,),
                "attention.output.LayerNorm.bias": (width,),
                "mlp.gated_layers.weight": (2 * inner, width),
                "mlp.wo.weight": (width, inner),
                "mlp.wo.bias": (width,),
                "mlp.layernorm.weight": (width,),
                "mlp.layernorm.bias": (width,),
            }.items()
        }
    return shapes


def dnabert_2(folder, name="dnabert-2"):
    """DNABERT-2, or BiRNA-BERT as its twin."""
    letters = write_bpe(folder)
    state = random_state(dnabert_2_shapes(letters))
    state["cls.predictions.decoder.weight"] = state["bert.embeddings.word_embeddings.weight"]
    torch.save(state, folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps({**SIZES, "model_type": "bert", "vocab_size": letters}))
    code = converter("dnabert2")
    config = code.Config(**SIZES, vocab_size=letters, pad_token_id=0)
    model = build(config, code._convert_checkpoint(config, dict(state)))
    encoder = load(name, weights=folder, device="cpu")
    encoding = encoder.tokens.encode(RNA)
    assert len(encoding.ids) < len(RNA), "tokens of several bases"
    maps, embedding, logits = outputs(model, list(encoding.ids), slice(None))
    encoder.tokens.before = encoder.tokens.after = ()
    ours = tokens_maps(encoder, RNA)
    return dict(
        zip(("attention", "embedding", "logits"), zip(ours, (maps, embedding, logits), strict=True), strict=True)
    )


def calm_shapes(layers=2, width=24, inner=96, letters=69):
    """As oxpig/CaLM calm/model.py names its tensors."""
    shapes = {
        "embed_tokens.weight": (letters, width),
        "emb_layer_norm_after.weight": (width,),
        "emb_layer_norm_after.bias": (width,),
        "lm_head.dense.weight": (width, width),
        "lm_head.dense.bias": (width,),
        "lm_head.layer_norm.weight": (width,),
        "lm_head.layer_norm.bias": (width,),
        "lm_head.bias": (letters,),
    }
    for layer in range(layers):
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes |= {f"layers.{layer}.self_attn.{name}.weight": (width, width)}
            shapes |= {f"layers.{layer}.self_attn.{name}.bias": (width,)}
        for name, shape in {"fc1": (inner, width), "fc2": (width, inner)}.items():
            shapes |= {f"layers.{layer}.{name}.weight": shape, f"layers.{layer}.{name}.bias": shape[:1]}
        for name in ("self_attn_layer_norm", "final_layer_norm"):
            shapes |= {f"layers.{layer}.{name}.weight": (width,), f"layers.{layer}.{name}.bias": (width,)}
    return shapes


def calm(folder):
    """CaLM."""
    state = random_state(calm_shapes())
    state["lm_head.weight"] = state["embed_tokens.weight"].clone()
    angles = 1 / 10000 ** (torch.arange(0, 8, 2) / 8)
    save_file(
        {**state, **{f"layers.{at}.self_attn.rope.freqs": angles.clone() for at in range(2)}},
        folder / "calm_weights.safetensors",
    )
    code, new = converter("calm"), vocabulary(nmers=3)
    config = code.Config(**{**SIZES, "intermediate_size": 96}, vocab_size=len(new))
    model = build(config, code._convert_checkpoint(config, dict(state), new, code.original_vocab_list))
    tokens = [new.index(RNA.sequence[at : at + 3]) for at in range(0, len(RNA), 3)]
    maps, embedding, _ = outputs(model, [new.index("<cls>"), *tokens, new.index("<eos>")], slice(1, -1))
    told = {"num_layers": 2, "embed_dim": 24, "attention_heads": 3}
    encoder = load("calm", weights=folder / "calm_weights.safetensors", config=told, device="cpu")
    ours = tokens_maps(encoder, RNA)
    return {"attention": (ours[0], maps), "embedding": (ours[1], embedding)}


def convolutions(folder):
    """HyenaDNA; its classes compute positions and window, so the file holds what they compute."""
    state = hyenadna.random_state()
    for key in state:
        if key.endswith((".pos_emb.z", ".modulation.deltas")):
            state[key] = hyenadna_computed(key, state[key].shape)
    hyenadna.write(folder, state)
    told = {
        "filter_order": hyenadna.ORDER,
        "max_position_embeddings": hyenadna.TOKENS,
        "intermediate_size": hyenadna.INNER,
    }
    code, new = converter("hyenadna"), ["<pad>", "<cls>", "<eos>", "<unk>", "<mask>", "<null>", *"ACGTN"]
    told |= {"tie_word_embeddings": False}  # as the hub's config.json says; its own default would lose the head
    config = code.Config(hidden_size=hyenadna.WIDTH, num_hidden_layers=2, vocab_size=len(new), **told)
    model = code.Model(config).eval()
    left = model.load_state_dict(
        code._convert_checkpoint(config, dict(state), code.original_vocab_list, new), strict=False
    )
    assert all(key.endswith((".pos_emb.z", ".pos_emb.t", ".modulation.deltas")) for key in left.missing_keys)
    rna = Rna(id="r", sequence=RNA.sequence[:38])
    ids = torch.tensor([[new.index(base) for base in rna.sequence.replace("U", "T")]])
    with torch.inference_mode():
        hidden, logits = model.model(ids).last_hidden_state[0], model(ids).logits[0]
    encoder = load("hyenadna-tiny", weights=folder, device="cpu")
    with torch.inference_mode():
        letters = encoder.network(torch.tensor([encoder.tokens.encode(rna).ids])).logits[0, :-1]
    return {"embedding": (encoder.embed([rna])[0], hidden), "logits": (letters[:, 7:12], logits[:, 6:11])}


def hyenadna_computed(key, shape):
    from rnaexp.models.hyenadna import HyenaDna, HyenaDnaConfig

    filters = (
        HyenaDna(HyenaDnaConfig(hidden_size=shape[-1], max_position_embeddings=shape[-2])).layers[0].operator.filter
    )
    return (filters.positions if key.endswith("z") else filters.rates).detach().reshape(shape).clone()
