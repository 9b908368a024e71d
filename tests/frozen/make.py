"""Writes tests/frozen/files again: python -m tests.frozen.make. A change of behaviour that is meant is then a diff.

All commands run in this one process, through `python -m rnaexp`'s own entry, in a fresh folder.
"""

import contextlib
import io
import json
import os
import re
import resource
import runpy
import shutil
import sys
import tempfile
import time
from pathlib import Path

FILES = Path(__file__).parent / "files"
MACHINE, FAILED = "machine.txt", "failed.txt"
_KINDS_ALONE = {"doctor"}  # of these only names and types are the same everywhere


def clean_environment(home: Path) -> None:
    """No user's settings, no network, no accelerator, one thread; to be called before numpy is imported."""
    fonts = Path.home() / ".cache" / "matplotlib"  # or they would be searched for again
    for name in list(os.environ):
        if name.startswith(("MLFLOW_", "RNAEXP_", "HF_", "GITHUB_", "FORCE_COLOR", "TYPER_", "_TYPER", "PYTEST_")):
            del os.environ[name]
    os.environ |= {
        "HOME": str(home),
        "MPLCONFIGDIR": str(fonts),
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "HF_HUB_OFFLINE": "1",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "COLUMNS": "100",
        "TERMINAL_WIDTH": "100",
    }


def draw_nothing() -> None:
    """Of pictures only the names are frozen, and drawing them would take a third of the time."""
    from matplotlib.figure import Figure

    def save(figure, place, **how):
        if hasattr(place, "write"):
            place.write(b"a picture")
        else:
            Path(place).write_bytes(b"a picture")

    Figure.savefig = save


def call(words):
    """(exit code, stdout, stderr) of `python -m rnaexp WORDS`."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    sys.argv = ["rnaexp", *words]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            runpy.run_module("rnaexp", run_name="__main__", alter_sys=True)
        except SystemExit as done:
            code = done.code
    return code, out.getvalue(), err.getvalue()


def helps(words=()):
    """{words: help} of the program, of each verb, and of each verb's verbs."""
    code, out, err = call([*words, "--help"])
    assert code == 0, err
    found = {" ".join(("rnaexp", *words)): out}
    for title, panel in re.findall(r"^╭─ (.+?) ─+╮$(.*?)^╰", out, re.MULTILINE | re.DOTALL):
        if title not in ("Options", "Arguments"):
            for verb in re.findall(r"^│ (\S+)", panel, re.MULTILINE):
                found |= helps((*words, verb))
    return found


def write_all(target: Path, folder: Path) -> None:
    """Each command's files, in a folder of its name."""
    from tests.frozen import facts
    from tests.frozen.steps import STEPS, prepare

    prepare(folder)
    draw_nothing()
    with contextlib.chdir(folder):
        for name, text in helps().items():
            _write(target / "help" / f"{name.replace(' ', '_')}.txt", text)
        _write(target / "refusals.json", facts.written(_refused(folder)))
        tracked, run_ids, keys = facts.Tracked(folder), {}, set()
        # One that is refused on the way leaves a run that failed.
        _write(target / "refusals_mlflow.json", facts.written(tracked.new()[0]))
        for step in STEPS:
            begin = time.process_time()
            done = call(step.words(run_ids))
            _said(step, done, target / step.name, run_ids)
            _left(step, target / step.name, tracked)
            now = facts.store_keys(folder / ".rnaexp")
            if now - keys:
                _write(target / step.name / "store_keys.txt", "\n".join(sorted(now - keys)) + "\n")
            keys = now
            sys.stderr.write(f"{step.name}: {time.process_time() - begin:.1f} s\n")
        _write(target / MACHINE, facts.machine() + "\n")
        _write(target / "registered.json", facts.written(tracked.versions()))


def _refused(folder):
    from tests.frozen import facts
    from tests.frozen.steps import REFUSALS

    found = {}
    for command in REFUSALS:
        code, out, err = call(command.split())
        found[command] = {"code": code, "stdout": out, "stderr": facts.hide(err, folder).splitlines()}
    return found


def _said(step, done, place, run_ids):
    """What was printed as JSON; where a step ends otherwise than it did, how it ended."""
    from tests.frozen import facts

    code, out, err = done
    if code != step.code:
        _write(place / FAILED, f"exit {code}, not {step.code}\n{facts.hide(err, Path.cwd())}")
        return
    if "--json" in step.command and code == 0:
        answers = [json.loads(line) for line in out.splitlines()]
        run_ids[step.name] = answers[0].get("run_id") or ""
        answer = answers[0] if len(answers) == 1 else answers
        shown = facts.kinds(answer) if step.name in _KINDS_ALONE else facts.plain(answer, Path.cwd())
        _write(place / "answer.json", facts.written(shown))


def _left(step, place, tracked):
    """The files and MLflow runs that are there since."""
    from tests.frozen import facts

    for pattern in step.files:
        for path in sorted(Path.cwd().glob(pattern)):
            if path.is_file():
                text = facts.hide(facts.table(path), Path.cwd())
                _write(place / "files" / path.relative_to(Path.cwd()), text)
    runs, texts = tracked.new()
    if runs:
        _write(place / "mlflow.json", facts.written(runs))
    for name, text in texts.items():
        _write(place / "artifacts" / name, text)


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert not path.exists(), f"written twice: {path}"
    path.write_text(text)


def main() -> None:
    target = Path(sys.argv[1]).absolute() if sys.argv[1:] else FILES
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home).resolve() / "work"
        folder.mkdir()
        clean_environment(folder.parent)
        shutil.rmtree(target, ignore_errors=True)
        write_all(target, folder)
    for path in sorted(target.rglob(FAILED)):
        sys.stderr.write(f"{path.parent.name}: {path.read_text()}\n")
    used = resource.getrusage(resource.RUSAGE_SELF)
    sys.stderr.write(f"{used.ru_utime + used.ru_stime:.0f} s of processor time\n")


if __name__ == "__main__":
    main()
