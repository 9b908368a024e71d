"""Under which heading of `rnaexp --help` each verb stands."""

import typer

PANELS = {
    "Measure models": ("run", "structure", "classify", "fitness", "score", "search", "questions", "models", "data"),
    "Use a model": ("predict", "embed", "msa", "explore", "serve"),
    "Train": ("pretrain", "watch"),
    "Runs in MLflow": ("compare", "ui", "reproduce", "export", "import", "delete", "sync", "reap"),
    "Registered models": ("register", "history", "rollback", "verify"),
    "This installation": ("doctor", "store", "backup", "restore", "relocate", "transfer", "upgrade"),
}


def arranged(app: typer.Typer) -> None:
    """Put each verb under its heading, headings in the order above.

    Raises: KeyError for a verb without one.
    """
    heading = {verb: panel for panel, verbs in PANELS.items() for verb in verbs}
    order = list(heading)
    for command in app.registered_commands:
        command.rich_help_panel = heading[_name(command)]
    for group in app.registered_groups:
        group.rich_help_panel = heading[str(group.name)]
    app.registered_commands.sort(key=lambda command: order.index(_name(command)))


def _name(command: typer.models.CommandInfo) -> str:
    return command.name or str(getattr(command.callback, "__name__", ""))
