"""`rnaexp models ...`: the rows of the comparison and their weights. Bodies are imported when a verb runs."""

from pathlib import Path
from typing import Annotated, Any

import typer

from rnaexp.cli.options import Config, Json, Weights
from rnaexp.cli.settings import with_settings
from rnaexp.reading.loading import Loading

ModelName = Annotated[str, typer.Argument(help="A model's name (`rnaexp models list`), a folder, or hf:org/name.")]


class _VerbOrName(typer.core.TyperGroup):
    """`rnaexp models NAME` is `rnaexp models show NAME`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """A word that is no verb is a model's name."""
        return super().resolve_command(ctx, args if args[0] in self.commands else ["show", *args])


models_app = typer.Typer(cls=_VerbOrName)


@models_app.callback(invoke_without_command=True)
def models(context: typer.Context, json: Json = False) -> None:
    """The models of the comparison, and where each one's weights are. `rnaexp models NAME` shows one."""
    if context.invoked_subcommand is None:
        models_list(json=json)


@models_app.command("list")
def models_list(json: Json = False) -> None:
    """All models: sizes, proof, and where the weights are or why they cannot be had."""
    from rnaexp.report import listings

    listings.models("", json=json)


@models_app.command("show")
def models_show(name: ModelName, json: Json = False) -> None:
    """Everything known of one model."""
    from rnaexp.report import listings

    listings.models(name, json=json)


@models_app.command("fetch", epilog="Example: rnaexp models fetch rna-msm --source hub")
def models_fetch(
    name: ModelName,
    source: Annotated[
        str,
        typer.Option(
            help="Which source: hub, url, doi, drive; authors, multimolecule; or an address. Default: in turn."
        ),
    ] = "",
    json: Json = False,
) -> None:
    """Download a model's weights, check them, and write what they are to models.lock."""
    from rnaexp.experiment import model_verbs

    model_verbs.fetch(name, source=source, json=json)


@models_app.command("pack", epilog="Example: rnaexp models pack rna-msm rna-fm --out bundle; then RNAEXP_MODELS=bundle")
def models_pack(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Models to take along.")],
    out: Annotated[Path, typer.Option(help="Folder to write to; models that are in it stay.")],
    json: Json = False,
) -> None:
    """Collect weights into one folder for a machine without a network, where RNAEXP_MODELS names it."""
    from rnaexp.experiment import model_verbs

    model_verbs.pack(names, out, json=json)


@models_app.command("check", epilog="Example: rnaexp models check rnabert")
@with_settings
def models_check(name: ModelName, loading: Loading, json: Json = False) -> None:
    """Load a model, read one short RNA with it, and say what it is and what it needs."""
    from rnaexp.experiment import model_verbs

    model_verbs.check(loading.of(name), json=json)


@models_app.command("convert", epilog="Example: rnaexp models convert rna-fm --weights RNA-FM.pth --out rna-fm")
def models_convert(
    name: ModelName,
    out: Annotated[Path, typer.Option(help="Folder for model.safetensors and config.json.")],
    weights: Weights = "",
    config: Config = "",
    json: Json = False,
) -> None:
    """Write a checkpoint of the authors' layout as safetensors, which then loads without --config."""
    from rnaexp.experiment import model_verbs

    model_verbs.convert(Loading(weights=weights, config=config, device="cpu").of(name), out, json=json)
