"""Pictures of a run: drawn once, and not again while their numbers and the code that draws them are the same."""

import hashlib
import io
from functools import cache
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rnaexp.reading.cached import cached
from rnaexp.reading.entry import Arrays
from rnaexp.reading.store import Store, key_of

_FIGURES = "rnaexp.tasks.pairs.figures"
_PACKED = {"compress_level": 3}  # a seventh less time for a tenth more bytes than Pillow's own


def picture(store: Store, draw: str, *arguments: Any) -> bytes:
    """The PNG that a function of `report.figures` draws of these arguments: tables, arrays and plain values.

    Its words must have their room: nothing is cropped or laid out when it is saved.

    Matplotlib is imported only where the picture is not in the store.
    """
    key = key_of({"picture": draw, "of": [_content(one) for one in arguments], "code": _code()})

    def drawn() -> Arrays:
        from rnaexp.track.artifacts import DOTS_AN_INCH

        png = io.BytesIO()
        figure = getattr(import_module(_FIGURES), draw)(*arguments)
        figure.savefig(png, format="png", dpi=DOTS_AN_INCH, pil_kwargs=_PACKED)
        return {"png": np.frombuffer(png.getvalue(), np.uint8)}

    return cached(store, key, drawn)["png"].tobytes()


def _content(value: Any) -> Any:
    if isinstance(value, pd.DataFrame):
        return value.to_csv()
    if isinstance(value, np.ndarray):
        return [str(value.dtype), value.shape, hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()]
    return repr(value)


@cache
def _code() -> list[str]:
    """Hash of the source of `report.figures` and of this file, and the version of Matplotlib."""
    found = find_spec(_FIGURES)
    assert found is not None
    assert found.origin is not None
    sources = [hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in (found.origin, __file__)]
    return [*sources, version("matplotlib")]
