"""The verb `search`; `cli.py` adds it to the others."""

from typing import Annotated

import typer

from rnaexp.cli.options import Json
from rnaexp.cli.settings import with_settings
from rnaexp.reading.loading import Loading
from rnaexp.tasks.pairs.settings import SearchSettings
from rnaexp.track.words import RunWords


def register(app: typer.Typer) -> None:
    """Give the program the verb."""
    app.command(epilog="Example: rnaexp search --model msm-nano --validation rfam-vl --test rfam-ts")(search)


@with_settings
def search(
    model: Annotated[str, typer.Option("--model", help="Name (see `rnaexp models`), checkpoint folder, or hf:...")],
    settings: SearchSettings,
    loading: Loading,
    words: RunWords,
    json: Json = False,
) -> None:
    """Search beyond one head: read-out, decoder and means of several heads, compared with the single head."""
    task = settings.task(model, loading)
    from rnaexp.experiment import search_verb

    search_verb.search(
        task, trials=settings.trials, storage=settings.storage, seed=loading.seed, words=words, json=json
    )
