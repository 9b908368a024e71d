"""A published masked-letter model that training goes on with: any network of transformers that reads single letters."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from rnaexp.errors import InputError
from rnaexp.models.msa_transformer import MsaTransformer
from rnaexp.models.rnamsm import LETTERS
from rnaexp.models.spec import Encoder
from rnaexp.models.streaming import IMPLEMENTATION
from rnaexp.models.tokens import Vocabulary
from rnaexp.pretrain.recipe import Recipe

_CODES = (*LETTERS.letters[:5], LETTERS.mask)


class Continued(nn.Module):
    """The network behind the two verbs that training uses, in the tokens and places of our recipes.

    The network itself is called `module`, as in other wrappers, so that a probe finds it.

    Raises: InputError for a network whose letters or head cannot be trained so.
    """

    def __init__(self, network: Any, tokens: Vocabulary) -> None:
        super().__init__()
        self.module, self.tokens = network, tokens
        heads = [name for name, child in network.named_children() if child is not network.base_model]
        if len(heads) != 1 or tokens.k != 1 or tokens.mask is None:
            message = f"{tokens.model}: only a model of single letters, a mask and one masked-letter head is continued"
            raise InputError(message)
        self.head = heads[0]
        own = list(tokens.base_ids() or ())
        ids = torch.full((max(_CODES) + 1,), tokens.pad)
        ids[list(_CODES)] = torch.tensor([*own, tokens.ids.get("N", tokens.mask), tokens.mask])
        self.register_buffer("ids", ids, persistent=False)
        self.own = own
        self._prove()

    @property
    def letters(self) -> dict[str, Any]:
        """As `rnaexp.wrap` wants them."""
        tokens = self.tokens
        around = {"before": tokens.before, "after": tokens.after, "pad": tokens.pad, "mask": tokens.mask}
        return {**tokens.ids, **around}

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        where: torch.device = next(self.module.parameters()).device
        return where

    def encoded(self, ids: Int[Tensor, "b 1 t"]) -> tuple[Int[Tensor, "b u"], Int[Tensor, "b u"]]:
        """Its own ids of rows behind our special token, and which of them are real."""
        rows, tokens = ids[:, 0, 1:], self.tokens
        lengths = (rows != LETTERS.pad).sum(1)
        before, after = len(tokens.before), len(tokens.after)
        own = torch.full((len(rows), before + rows.shape[1] + after), tokens.pad, device=ids.device)
        own[:, :before] = torch.tensor(tokens.before, device=ids.device)
        own[:, before : before + rows.shape[1]] = self.ids[rows]  # type: ignore[index]
        for at, token in enumerate(tokens.after):
            own[torch.arange(len(rows)), before + lengths + at] = token
        real = torch.arange(own.shape[1], device=ids.device) < (before + lengths + after)[:, None]
        return own, real.long()

    def hidden_states(self, ids: Int[Tensor, "b 1 t"]) -> Float[Tensor, "b 1 t d"]:
        """Last states at the places of our tokens; zero at the special one."""
        own, real = self.encoded(ids)
        hidden = self.module.base_model(input_ids=own, attention_mask=real).last_hidden_state
        first = len(self.tokens.before)
        found: Tensor = torch.cat([torch.zeros_like(hidden[:, :1]), hidden[:, first : first + ids.shape[2] - 1]], 1)
        return found[:, None]

    def lm_head(self, hidden: Float[Tensor, "m d"]) -> Float[Tensor, "m v"]:
        """Logits of A C G U at the places of our tokens."""
        logits = getattr(self.module, self.head)(hidden)[:, self.own]
        found: Tensor = logits.new_zeros(len(logits), max(_CODES) + 1)
        return found.index_copy(1, torch.tensor(LETTERS.letters[:4], device=logits.device), logits)

    def at_rest(self) -> Any:
        """The network as it is read: no dropout, and the attention that gives its maps."""
        self.module.set_attn_implementation(IMPLEMENTATION)
        return self.module.eval()

    @torch.no_grad()
    def _prove(self) -> None:
        """Refuse a head that is not simply put upon the last states."""
        ids = torch.tensor([[[LETTERS.first, *LETTERS.letters[:4], *LETTERS.letters[:4]]]], device=self.device)
        was_training = self.module.training
        self.module.eval()
        own, real = self.encoded(ids)
        whole = self.module(input_ids=own, attention_mask=real).logits[0, len(self.tokens.before) :][:8, self.own]
        parts = self.lm_head(self.hidden_states(ids)[0, 0, 1:])[:, list(LETTERS.letters[:4])]
        self.module.train(was_training)
        if not torch.allclose(whole, parts, atol=1e-4):
            message = f"{self.tokens.model}: its masked-letter head reads more than the last states; not continued"
            raise InputError(message)


Network = MsaTransformer | Continued


def network_of(encoder: Encoder, recipe: Recipe) -> Network:
    """What training goes on with: an MSA transformer itself, another network behind `Continued`.

    Raises: InputError where the recipe wants of it what it has not, or transformers cannot train it.
    """
    network, name = getattr(encoder, "network", None), encoder.spec.name
    if isinstance(network, MsaTransformer):
        network.requires_grad_(True)
        return network
    tokens = getattr(encoder, "tokens", None)
    if not (isinstance(network, nn.Module) and hasattr(network, "base_model") and isinstance(tokens, Vocabulary)):
        message = f"{name}: no masked-letter network of single letters that transformers trains"
        raise InputError(message)
    if recipe.architecture != "sequence" or recipe.distillation.weight or recipe.initial_head:
        message = f'{name} reads single rows: the recipe must say architecture = "sequence", and no distillation'
        raise InputError(message)
    wanted = max(recipe.crops.lengths[-1], recipe.contrast.max_bases if recipe.contrast.weight else 0)
    if (longest := getattr(encoder, "longest", None)) is not None and wanted > longest:
        message = f"{name} reads at most {longest} bases; the recipe's crops have up to {wanted}"
        raise InputError(message)
    network.set_attn_implementation("sdpa")  # type: ignore[operator]  # ours has no dropout
    return Continued(network.requires_grad_(True), tokens)
