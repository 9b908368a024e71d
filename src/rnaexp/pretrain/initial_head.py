"""A first head that pairs letters before any training: bonds summed along a stack, with a fitted kernel's numbers.

The kernel (`models/kernel.py`) reads known pairs of rfam-vl through nine numbers, so a model that begins with it has
seen structure, and its card says so. What has no place in one head is left out: covariation, the kernel's outermost
neighbours where the head is too narrow, and its rule that no bond of a stack lies within a loop of three.
"""

import torch
from torch import Tensor

from rnaexp.errors import InputError
from rnaexp.models.kernel import Kernel, shipped
from rnaexp.models.msa_transformer import MsaTransformer
from rnaexp.models.rnamsm import LETTERS

_NEAR, _FORBIDDEN = 3, -30.0  # what is so near is no partner: its logit
_BONDING = 5  # codes that can bond: A C G U and the gap; two more for the special token and all others
_FIRST, _OTHER = 5, 6


@torch.no_grad()
def set_initial_head(network: MsaTransformer, name: str) -> None:
    """Layer 0, head 0 reads stacks as the kernel of this name does; everything else stays as it is.

    Of the width the first channels hold each letter once for each neighbour that is read.

    Raises: InputError where the network has no room for it.
    """
    kernel, reach = shipped(name), reach_in(network, shipped(name))
    block = network.layers[0].row_self_attention
    taps, inner = 2 * reach + 1, block.layer.head_width
    _write_letters(network, taps)
    channels = (_OTHER + 1) * taps
    mean, eps = taps / network.config.hidden_size, network.config.layer_norm_eps
    variance = mean * (1 - mean)
    spread = (variance + eps * (variance + eps)) ** 0.5  # normed twice: below the layers, and in this one
    block.layer_norm.weight[:channels], block.layer_norm.bias[:channels] = spread, mean  # indicators: 1 or 0
    convolution = block.layer.neighbours.convolution
    for tap in range(taps):
        own = slice(tap * (_OTHER + 1), (tap + 1) * (_OTHER + 1))
        convolution.weight[own], convolution.bias[own] = 0.0, 0.0
        convolution.weight[own, 0, convolution.kernel_size[0] // 2 + tap - reach] = 1.0
    query, key = block.layer.q_proj, block.layer.k_proj
    for projection in (query, key):
        projection.weight[:inner], projection.bias[:inner] = 0.0, 0.0
    bonds = _bonds(kernel) * kernel.beta * inner**0.5
    for tap in range(taps):
        at, mirrored = tap * (_OTHER + 1), (taps - 1 - tap) * (_OTHER + 1)
        for code in range(_BONDING):
            row = tap * _BONDING + code
            query.weight[row, at + code] = kernel.decay ** abs(tap - reach)
            key.weight[row, mirrored : mirrored + _BONDING] = bonds[code]
    query.bias[taps * _BONDING] = kernel.none * inner**0.5
    key.weight[taps * _BONDING, reach * (_OTHER + 1) + _FIRST] = 1.0
    apart = block.separation.steps
    for side in (0, apart):
        block.separation.bias[0, side : side + _NEAR + 1] = _FORBIDDEN


def reach_in(network: MsaTransformer, kernel: Kernel) -> int:
    """How many neighbours on either side there is room for. Raises: InputError for less than one."""
    block, config = network.layers[0].row_self_attention, network.config
    room: list[int] = [
        kernel.reach,
        (config.local_width - 1) // 2,
        ((block.layer.head_width - 1) // _BONDING - 1) // 2,
        (config.hidden_size // (_OTHER + 1) - 1) // 2,
    ]
    if min(room) < 1 or config.column_positions != "relative" or config.row_positions != "none":
        message = (
            "initial_head: needs local_width 3, heads of 16 and a width of 21 at least, column_positions relative and "
            "row_positions none"
        )
        raise InputError(message)
    return min(room)


def _write_letters(network: MsaTransformer, taps: int) -> None:
    """Each token is a 1 in the channels of its code, one for each tap, and 0 in all others."""
    table: Tensor = network.embed_tokens.weight
    table.zero_()
    codes = dict.fromkeys(range(len(table)), _OTHER)
    bonding = [*LETTERS.letters[:4], LETTERS.letters[5]]
    codes |= {token: code for code, token in enumerate(bonding)} | {LETTERS.first: _FIRST}
    for token, code in codes.items():
        table[token, [tap * (_OTHER + 1) + code for tap in range(taps)]] = 1.0


def _bonds(kernel: Kernel) -> Tensor:
    """What a pair of codes is worth: A C G U and the gap."""
    worth = torch.full((_BONDING, _BONDING), kernel.mismatch)
    worth[4, :], worth[:, 4], worth[4, 4] = kernel.gap, kernel.gap, 0.0
    for (one, other), value in {(1, 2): 1.0, (0, 3): kernel.au, (2, 3): kernel.gu}.items():
        worth[one, other] = worth[other, one] = value
    return worth
