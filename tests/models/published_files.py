"""Small files in the layouts that models are published in: random weights under the authors' names."""

import io
import json
import pickle
import tarfile
import zipfile
from functools import partial
from itertools import product

import torch
from tests.models.conftest import SPECIAL, write_bert
from tests.models.families import SIZED, write_ribospan, write_uni_rna
from tests.models.test_decoders import write_decoder

from rnaexp.models import aido_rna, ernie_rna, fair_esm, load, rinalmo, rna_km

# Sizes that the published file does not carry, under the authors' names: a row of RNAEXP_CATALOG says them.
NOT_IN_THE_FILE = {
    "rna-msm": {"embed_dim": 24, "num_attention_heads": 3, "num_layers": 2},
    "rna-fm": SIZED["rna-fm"],
    "ernie-rna": SIZED["ernie-rna"],
    "rna-km": SIZED["rna-km"],
    "rinalmo-micro": SIZED["rinalmo-micro"],
    "resm-150m": SIZED["resm-150m"],
    "calm": SIZED["calm"],
}


def state_of(name, adapter, config=None, seed=5):
    """A tiny instance's tensors under the names that its file has, large enough that no map is flat."""
    network = load(f"untrained:{name}", config=config or SIZED[name], device="cpu", seed=seed).network
    generator = torch.Generator().manual_seed(seed)
    drawn = {}
    for key, tensor in network.state_dict().items():
        norm = "norm" in key.lower() and key.endswith("weight")
        draw = torch.randn(tensor.shape, generator=generator) * 0.2
        drawn.setdefault(tensor.data_ptr(), draw + 1 if norm else draw)
    state = network.state_dict()
    return {adapter.named(key): drawn[tensor.data_ptr()].clone() for key, tensor in state.items()}


def write_rna_msm(folder):
    made = load("untrained:rna-msm", config=NOT_IN_THE_FILE["rna-msm"], device="cpu", seed=5)
    torch.save({"state_dict": made.network.state_dict()}, folder / "RNA_MSM_pretrained.ckpt")


def write_rna_fm(folder):
    torch.save({"model": state_of("rna-fm", fair_esm.RNA_FM)}, folder / "RNA-FM_pretrained.pth")


def write_resm(folder):
    torch.save({"state_dict": state_of("resm-150m", fair_esm.RESM)}, folder / "RESM-150M-KDNY.ckpt")


def write_calm(folder):
    """A plain pickle, its angles beside each layer."""
    state = state_of("calm", fair_esm.CALM)
    state.pop("layers.0.self_attn.rot_emb.inv_freq")
    state["lm_head.weight"] = state["embed_tokens.weight"].clone()
    angles = 1 / 10000 ** (torch.arange(0, 8, 2) / 8)
    state |= {f"layers.{at}.self_attn.rope.freqs": angles.clone() for at in range(2)}
    (folder / "calm_weights.pkl").write_bytes(pickle.dumps(state))


def write_ernie_rna(folder):
    torch.save({"model": state_of("ernie-rna", ernie_rna.ADAPTER)}, folder / "ERNIE-RNA_pretrain.pt")


def write_rna_km(folder):
    state = {f"module.{key}": tensor for key, tensor in state_of("rna-km", rna_km.ADAPTER).items()}
    torch.save({"state_dict": state}, folder / "weight.pth")


def write_rinalmo(folder):
    """Queries, keys and values packed into one."""
    state = state_of("rinalmo-micro", rinalmo.ADAPTER)
    for layer in range(2):
        names = [f"transformer.blocks.{layer}.mh_attn.{part}.weight" for part in ("query", "key", "value")]
        state[names[0].replace("query", "Wqkv")] = torch.cat([state.pop(name) for name in names])
    torch.save(state, folder / "rinalmo_micro_pretrained.pt")


def write_aido(folder):
    """With the letter head's own bias, and its table, which is that of the letters, once more."""
    state = state_of("aido-rna-1.6b", aido_rna.ADAPTER)
    state["cls.predictions.decoder.weight"] = state["bert.embeddings.word_embeddings.weight"]
    state["cls.predictions.bias"] = torch.randn(16, generator=torch.Generator().manual_seed(3)) * 0.2
    torch.save(state, folder / "pytorch_model.bin")
    settings = {**SIZED["aido-rna-1.6b"], "normalization_type": "LayerNorm", "model_type": "rnabert"}
    (folder / "config.json").write_text(json.dumps(settings))


def write_splicebert(folder):
    write_bert(folder, list("NACGU"), max_position_embeddings=1026)


def write_utrbert(folder):
    write_bert(folder, ["".join(word) for word in product("AUCG", repeat=3)], max_position_embeddings=512)


def write_structrfm(folder):
    """A BERT whose tokenizer puts nothing round a sequence: its authors write [CLS] and [SEP] into the text."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokens = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]", *"AUCGN"]
    write_bert(folder, list("AUCGN"), max_position_embeddings=514)
    (folder / "vocab.txt").unlink()
    vocabulary = {token: at for at, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    names = {
        name: f"[{name[:-6].upper()}]" for name in ("cls_token", "sep_token", "unk_token", "mask_token", "pad_token")
    }
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
    assert len(SPECIAL["bert"]) == 5


WRITERS = {
    "rna-msm": write_rna_msm,
    "rna-fm": write_rna_fm,
    "ernie-rna": write_ernie_rna,
    "rna-km": write_rna_km,
    "splicebert": write_splicebert,
    "3utrbert-3mer": write_utrbert,
    "calm": write_calm,
    "resm-150m": write_resm,
    "rinalmo-micro": write_rinalmo,
    "aido-rna-650m": write_aido,
    "structrfm": write_structrfm,
    "rfamllama-base": write_decoder,
    "ribospan-1k-15": partial(write_ribospan, layers=2, heads=3),
    "uni-rna": partial(write_uni_rna, layers=2, heads=3),
}


def members_of(folder, below=""):
    return {f"{below}{path.name}": path.read_bytes() for path in folder.iterdir() if path.is_file()}


def packed(path, members):
    """An archive with these members, bytes by name."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
            for name, data in members.items():
                zipped.writestr(name, data)
        return path
    with tarfile.open(path, "w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def publish(web, source, folder):
    """Put a folder of such files where a source of the catalogue says its copy is."""
    (first, *_) = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix != ".json")
    if source.kind == "hub":
        web.hub[source.hub_id] = folder
    elif source.kind == "url":
        web.links[source.address] = (
            packed(folder.with_suffix(".tar.gz"), members_of(folder, "checkpoint/"))
            if source.address.endswith(".tar.gz")
            else first
        )
    elif source.kind == "drive":
        where = source.address.removeprefix("gdrive:")
        if where.startswith("folder/"):
            web.drive_folders[where.removeprefix("folder/")] = {source.file: "1" * 33}
            where = "1" * 33
        web.drive[where] = first
    else:
        publish_record(web, source, folder, first)


def publish_record(web, source, folder, first):
    """In a record an archive by its pattern's name, or the file itself."""
    doi = source.address.removeprefix("doi:")
    pattern = source.file or ""
    if pattern.endswith((".tar.gz", ".zip")):
        below = f"models/{source.member}/" if source.member else "folder/"
        name = pattern.replace("*", "archive")
        archive = packed(
            folder.with_name(f"{folder.name}{'.zip' if name.endswith('.zip') else '.tar.gz'}"),
            members_of(folder, below),
        )
        web.records[doi] = {name: archive}
    else:
        web.records[doi] = {first.name: first}
