"""`rnaexp doctor`: what works here, what does not, and what to do about it."""

import os
import shutil
import sys
from collections.abc import Callable, Collection
from importlib.metadata import version
from pathlib import Path

from rnaexp.reading.store import Store, key_of


def doctor(*, with_models: bool = False, only: Collection[str] = (), json: bool = False) -> int:
    """Print one line a check, of all or `only` some; 0 if all is well, 69 if something is missing."""
    if with_models:
        from rnaexp.report.listings import needs_of_models

        needs_of_models(json=json)
        return 0
    failed: list[str] = []
    for name in only or _CHECKS:
        try:
            line, mark = _CHECKS[name](), "ok  "
        except Exception as error:  # whatever is wrong is the answer
            line, mark = " ".join(f"{type(error).__name__}: {error}".split()), "FAIL"
            failed.append(name)
        sys.stdout.write(f"{mark} {name:9} {line}\n")
    steps = [f"{name}: {_REMEDIES[name]}" for name in failed] or [_NEXT]
    sys.stdout.write("\n" + "".join(f"{'To do' if failed else 'Next'}: {step}\n" for step in steps))
    return 69 if failed else 0


def _versions() -> str:
    names = ("rnaexp", "torch", "transformers", "lightning", "mlflow", "optuna", "biotite", "ViennaRNA")
    return f"Python {sys.version.split()[0]}, " + ", ".join(f"{name} {version(name)}" for name in names)


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name(0)}, torch built for CUDA {torch.version.cuda}"
    return f"CPU, {torch.get_num_threads()} threads; no GPU is visible to torch"


def _store() -> str:
    store = Store()
    key = key_of({"doctor": os.getpid()})
    store.put(key, {})
    if store.get(key) is None:
        message = f"{store.root}: what was written could not be read back"
        raise OSError(message)
    (store.root / "results" / key[:2] / key).unlink()
    return f"{store.root} can be written"


def _tracking() -> str:
    from rnaexp.track.store import connect, target

    experiment = connect()
    return f"{target().public_uri}, experiment {experiment}"


def _mirror() -> str:
    mirror = os.environ.get("RNAEXP_MIRROR")
    if mirror is None:
        return "RNAEXP_MIRROR is not set: sets and weights are downloaded when first used"
    if not Path(mirror).is_dir():
        message = f"RNAEXP_MIRROR={mirror} is not a folder"
        raise FileNotFoundError(message)
    return f"{mirror} stands in for downloads"


def _hub() -> str:
    """Whether a model hub answers; it need not, since weights may be cached or given."""
    endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    if os.environ.get("HF_HUB_OFFLINE"):
        return f"{endpoint} is not tried: HF_HUB_OFFLINE is set"
    import requests

    try:
        code = requests.head(endpoint, timeout=3, allow_redirects=False).status_code
    except requests.RequestException as error:
        return f"{endpoint} does not answer ({type(error).__name__}): cached weights and --weights only"
    return f"{endpoint} answers ({code})"


def _models() -> str:
    """What is installed besides the package, and what lies in the cache."""
    from rnaexp import models
    from rnaexp.models.fetch import is_cached

    known = [models.spec(name) for name in models.names()]
    cached = [entry.name for entry in known if is_cached(entry)]
    infernal = "installed" if shutil.which("cmsearch") else "not installed (only msa --family-model needs it)"
    state = f"cached and locked here: {', '.join(cached) or 'none'}; Infernal is {infernal}"
    return f"{state}; rnaexp doctor --models says what each would need"


def _main_job() -> str:
    from rnaexp.data.sets import load_set
    from rnaexp.models import load

    rna = min(load_set("builtin-vl").rnas, key=len)
    maps = next(iter(load("viennarna").attention(rna)))
    return f"viennarna reads {rna.id}: {maps.shape[-1]} bases"


_NEXT = "rnaexp run (the models that come with the package, against controls), or rnaexp for other first steps"
# What to do about a check that failed.
_REMEDIES = {
    "versions": "install rnaexp again in a fresh environment, with the versions of constraints.txt",
    "device": "reinstall torch for this machine (make GPU=1 for CUDA); --device cpu works without a GPU",
    "store": "set RNAEXP_STORE to a folder that can be written",
    "tracking": "set MLFLOW_TRACKING_URI to a server that answers, or unset it to track in this folder",
    "mirror": "point RNAEXP_MIRROR at a folder, or unset it to download",
    "hub": "set HF_ENDPOINT to a hub that answers, or HF_HUB_OFFLINE=1 to use cached weights only",
    "models": "remove what is damaged in the cache; it is downloaded again when next used",
    "main job": "install viennarna again, then rnaexp --debug predict --model viennarna FILE shows the traceback",
}

_CHECKS: dict[str, Callable[[], str]] = {
    "versions": _versions,
    "device": _device,
    "store": _store,
    "tracking": _tracking,
    "mirror": _mirror,
    "hub": _hub,
    "models": _models,
    "main job": _main_job,
}
