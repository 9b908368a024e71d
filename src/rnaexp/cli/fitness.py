"""The verb about measured fitness."""

from pathlib import Path
from typing import Annotated

import typer

from rnaexp.cli.options import Json, several
from rnaexp.cli.settings import with_settings
from rnaexp.reading.loading import Loading
from rnaexp.tasks.fitness.settings import FitnessSettings
from rnaexp.track.words import RunWords


def register(app: typer.Typer) -> None:
    """Give the program the verb."""
    app.command(epilog="Example: rnaexp fitness --model rnabert --set dms_trna")(fitness)


@with_settings
def fitness(
    model: Annotated[
        list[str],
        typer.Option(
            "--model",
            help="A model (see `rnaexp models`), untrained:MODEL, or a baseline: mutations, gc, conservation, potts, "
            "viennarna, defect, random; repeat for several.",
        ),
    ],
    settings: FitnessSettings,
    loading: Loading,
    words: RunWords,
    csv: Annotated[Path | None, typer.Option(help="Write the rows of the table to a CSV file as well.")] = None,
    json: Json = False,
) -> None:
    """Measure how well likelihoods rank measured variants (Spearman), compared with counting mutations and folding."""
    from rnaexp.experiment.ready import refuse_fitness

    names = several(model, weights=loading.weights, config=loading.config, run_name=words.run_name)
    # Before anything that takes seconds to import: a bad table is reported at once.
    refuse_fitness(names, settings, loading)
    from rnaexp.experiment import verbs
    from rnaexp.experiment.conclude import Output
    from rnaexp.experiment.runner import labels_of
    from rnaexp.tasks.fitness.job import FitnessJob

    tasks = [task for name in names for task in settings.tasks(name, loading, silent=True)]
    jobs = [FitnessJob(task=task) for task in tasks]
    verbs.fitness(jobs, Output(csv=csv, json=json), labels_of(words))
