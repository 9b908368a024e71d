"""Pages of the site that are made when it is built (`make docs`), so that none of them can fall behind the program.

Start, contributing, questions, team server, examples and changelog are files of the project; the reference is read from
the program itself, and notebooks are shown with the outputs of their last run.
"""

import re
from os.path import relpath
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from notebooks import as_page  # mkdocs puts the folder of a hook on the path while it loads it

ROOT = Path(__file__).parents[1]
OF_THE_PROJECT = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "questions.md": "experiments/README.md",
    "examples.md": "examples/README.md",
    "tracking.md": "tracking/README.md",
    "team_server.md": "tracking/server/README.md",
    "benchmarks.md": "benchmarks/README.md",
    "changelog.md": "CHANGELOG.md",
}
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]*)(#[^)]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that have no file in docs/."""
    made = {name: (ROOT / source).read_text(encoding="utf-8") for name, source in OF_THE_PROJECT.items()}
    made |= {
        "reference/command_line.md": command_line(),
        "reference/python.md": python_face(),
        "reference/question_file.md": question_file(),
        "reference/metrics.md": metrics(),
    }
    pictures: dict[str, bytes] = {}
    for path in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")):
        files.remove(files.get_file_from_path(f"notebooks/{path.name}"))
        made[f"notebooks/{path.stem}.md"], shown = as_page(path)
        pictures |= {f"notebooks/{name}": content for name, content in shown.items()}
    for name, content in (made | pictures).items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links to files of the project that are no page of the site become their paths."""
    here = PurePosixPath(OF_THE_PROJECT.get(page.file.src_uri, f"docs/{page.file.src_uri}"))
    return _LINK.sub(lambda link: _linked(link, here, page.file.src_uri), markdown)


def _linked(link: re.Match[str], here: PurePosixPath, page: str) -> str:
    mark, text, address, anchor = link.groups()
    if not address or "://" in address or page.startswith("reference/"):
        return link.group()
    path = _plain(here.parent / address)
    pages = {source: name for name, source in OF_THE_PROJECT.items()}
    if path in pages or path.startswith("docs/"):
        there = pages.get(path, path.removeprefix("docs/")).replace(".ipynb", ".md")
        return f"{mark}[{text}]({relpath(there, PurePosixPath(page).parent)}{anchor or ''})"
    return text if text.strip("`/ ") == path.strip("/") else f"{text} (`{path}`)"


def _plain(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def command_line() -> str:
    """Every verb with its options, as typer writes it."""
    import typer.main
    from typer.cli import get_docs_for_click

    from rnaexp.cli.app import app

    command = typer.main.get_command(app)
    return get_docs_for_click(
        obj=command, ctx=command.make_context("rnaexp", ["--help"], resilient_parsing=True), name="rnaexp"
    )


def python_face() -> str:
    """Whatever `import rnaexp` offers, and the probe that rides along with training."""
    import rnaexp
    from rnaexp import callbacks

    functions_first = sorted(
        rnaexp._PLACES.items(), key=lambda one: (one[0] != "evaluate", one[0][0].isupper(), one[0])
    )
    named = [f"{place}.{name}" for name, place in functions_first]
    named += [
        f"rnaexp.callbacks.{name}"
        for name in (*callbacks.__all__, "lightning.LightningProbe", "transformers.TrainerProbe")
    ]
    return "# Python\n\n" + "\n".join(f"::: {name}\n" for name in named)


def question_file() -> str:
    """Each key of a question file, with its type and default."""
    from rnaexp.experiment.question_file import QuestionWords

    schema = QuestionWords.model_json_schema()
    parts = [f"# Question files\n\n{_text(schema)}\n\n{_keys(schema)}"]
    for name, part in schema.get("$defs", {}).items():
        if "properties" in part:
            parts.append(f"## {name.removesuffix('Words')}\n\n{_text(part)}\n\n{_keys(part)}")
    return "\n\n".join(parts) + "\n"


def _text(schema: dict) -> str:
    return " ".join(schema.get("description", "").split())


def _keys(schema: dict) -> str:
    rows = ["| key | type | default |", "|---|---|---|"]
    for name, about in schema["properties"].items():
        default = _shown(about["default"]) if "default" in about else "needed"
        rows.append(f"| `{name}` | {_type(about)} | {default} |")
    return "\n".join(rows)


def _shown(default: object) -> str:
    return "nothing" if default in ("", None, [], {}) else f"`{default!r}`"


def _type(about: dict) -> str:
    if "$ref" in about:
        return about["$ref"].rpartition("/")[2].removesuffix("Words")
    if "enum" in about:
        return " or ".join(f"`{value}`" for value in about["enum"])
    if "const" in about:
        return f"`{about['const']}`"
    if "anyOf" in about:
        return " or ".join(_type(one) for one in about["anyOf"])
    if about.get("type") == "array":
        return f"list of {_type(about.get('items', {}))}"
    return {"null": "nothing", "string": "text", "object": "table"}.get(about.get("type", ""), about.get("type", "any"))


def metrics() -> str:
    """Each number of each task, as it is declared."""
    from rnaexp.tasks.families import metrics as families
    from rnaexp.tasks.fitness import metrics as fitness
    from rnaexp.tasks.pairs import metrics as pairs

    parts = ["# Metrics\n\nAs they are called in MLflow. A number with a title is a column of some table."]
    for title, task in (("Base pairs and contacts", pairs), ("Families", families), ("Fitness", fitness)):
        rows = ["| metric | interval | title | better |", "|---|---|---|---|"]
        for one in task.METRICS:
            if hasattr(one, "better"):
                ends = f"`{task.PREFIX}{one.low}`, `{task.PREFIX}{one.high}`" if one.low else ""
                rows.append(f"| `{task.PREFIX}{one.name}` | {ends} | {one.title} | {one.better if one.title else ''} |")
        parts.append(f"## {title}\n\n" + "\n".join(rows))
    return "\n\n".join(parts) + "\n"
