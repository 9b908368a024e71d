"""The models that ship with the package: trained by `rnaexp pretrain` on Rfam rows, and nothing else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnaexp.errors import InputError
from rnaexp.models import rnamsm
from rnaexp.models import weights as files
from rnaexp.models.msa_encoder import MsaEncoder
from rnaexp.models.nano_catalog import ROWS, SHIPPED
from rnaexp.models.spec import Encoder, ModelSpec


def load(
    spec: ModelSpec, *, weights: Path | None, config: Mapping[str, Any] | None, device: str, seed: int | None
) -> Encoder:
    """The shipped weights, those of a folder that `rnaexp pretrain` wrote, or (with a seed) random ones.

    `config`: `max_rows`, how many rows of an alignment are read; a model of single sequences reads one.

    Raises: InputError (altered weights, keys that do not fit, unknown settings).
    """
    settings = dict(config or {})
    max_rows = int(settings.pop("max_rows", 1 if spec.reads == "sequence" else rnamsm.MAX_ROWS))
    if settings:
        message = f"{spec.name}: unknown setting {sorted(settings)[0]!r}; it has max_rows"
        raise InputError(message)
    shipped = weights or (Path(spec.source) if spec.source else _shipped(spec.name.rpartition(":")[2]))
    if weights is None and seed is None and spec.sha256 is not None:
        files.verify(shipped / rnamsm.OURS, spec.sha256)
    if seed is None:
        network = rnamsm.trained(shipped, {})
    else:
        network = rnamsm.random_network(rnamsm.saved_sizes(shipped / rnamsm.OURS), seed)
    return MsaEncoder(
        network.to(device),
        spec=spec,
        letters=rnamsm.LETTERS,
        max_rows=min(max_rows, network.config.max_rows),
        fingerprint=files.fingerprint_of_network(network),
    )


def _shipped(name: str) -> Path:
    """Raises: InputError for a name that ships nothing: of a lab's own row `like` one that does."""
    if Path(name).is_absolute():
        return Path(name)  # an untrained control of a folder
    if name not in {row.name for row in ROWS}:
        message = (
            f"{name}: no weights ship under that name; give its row a source, a folder that `rnaexp pretrain` wrote"
        )
        raise InputError(message)
    return SHIPPED / name
