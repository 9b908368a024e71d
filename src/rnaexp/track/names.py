"""Names that came from data (RNA ids, models, users) as artifact paths and keys: never a way out, never HTML."""

import hashlib
import math
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

MAX_METRICS = 40  # more metric columns than this freeze the runs table of MLflow's UI
MAX_TEXTS = 90  # MLflow takes 100 in one call; its own tags need some
MAX_VALUE = 6000  # MLflow's limit for a parameter; tags may have 8000
EARLIER = "rnaexp.transferred"  # tag of a run that came from another store: the id that it had there
_KEY = re.compile(r"[\w./ -]{1,250}", re.ASCII)


def safe_name(text: str) -> str:
    """One file name for any text; two texts never get the same one, an ordinary name stays as it is."""
    plain = re.sub(r"[^A-Za-z0-9._=+-]", "_", text).lstrip(".-")[:100]
    if plain and plain == text:
        return plain
    return f"{plain}-{_mark(text)}".lstrip("-")


def model_name(text: str) -> str:
    """As `safe_name`, without dots, which MLflow allows in no model's name."""
    safe = safe_name(text)
    return safe if "." not in safe else f"{safe.replace('.', '_')}-{_mark(text)}"


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]


def titled(*parts: str) -> str:
    """A run's name of what sets it apart; of a file or folder its own name. `rna-msm · spot-rna-ts1 · strict`."""
    return " · ".join(Path(part).name if part and Path(part).exists() else part for part in parts if part)


def artifact_path(name: str) -> str:
    """`folder/file.ext` inside a run's artifacts, each part a safe name.

    Raises: ValueError if the name would leave the run's folder (`..`, absolute, empty).
    """
    parts = PurePosixPath(name).parts
    if not parts or name.endswith("/") or ".." in parts or parts[0] == "/" or "\\" in name or "\0" in name:
        message = f"artifact name {name!r} is not a path inside the run; pass names from data through safe_name"
        raise ValueError(message)
    *folders, file = parts
    stem, dot, extension = file.rpartition(".")
    # The extension survives, for MLflow's UI chooses the viewer by it.
    safe_file = f"{safe_name(stem)}.{safe_name(extension)}" if dot and stem else safe_name(file)
    return "/".join([*map(safe_name, folders), safe_file])


def checked_texts(values: Mapping[str, object]) -> dict[str, str]:
    """Parameters or tags as MLflow takes them: None left out, a value too long cut with a visible mark."""
    texts = {_checked_key(key): _shortened(str(value)) for key, value in values.items() if value is not None}
    if len(texts) > MAX_TEXTS:
        message = f"{len(texts)} parameters or tags in one call, MLflow takes {MAX_TEXTS}: put long lists into a table"
        raise ValueError(message)
    return texts


def checked_metrics(values: Mapping[str, float | None]) -> dict[str, float]:
    """Metrics as MLflow takes them: None left out, what is not a finite number refused by name."""
    metrics = {_checked_key(key): float(value) for key, value in values.items() if value is not None}
    for key, value in metrics.items():
        if not math.isfinite(value):
            message = f"metric {key} is {value}: log only finite numbers, and the reason for a missing one as a tag"
            raise ValueError(message)
    return metrics


def _checked_key(key: str) -> str:
    if not _KEY.fullmatch(key) or key.startswith("/") or str(PurePosixPath(key)) != key or ".." in key.split("/"):
        message = f"{key!r} cannot name a parameter, metric or tag: only letters, digits and . _ - / are allowed"
        raise ValueError(message)
    return key


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"
