"""Break the method one step at a time and show which test notices: `python tests/mutations.py [WORDS OF ONE]`.

Each mutation is one edit of a copy of the source; the whole-job and structure tests then run against the copy. A
mutation that no test notices is a hole in the tests, and the exit status says so.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SUITE = ("tests/test_planted_head.py", "tests/structure")

# (what is broken, file, the code, the broken code)
MUTATIONS = (
    ("no symmetrising", "structure/counts.py", "mirror = 1.0 if symmetrise else 0.0", "mirror = 0.0"),
    ("no APC", "structure/counts.py", "rows *= 1.0 / total if apc else 0.0", "rows *= 0.0"),
    ("> for >= at the threshold", "structure/evaluate.py", "astype(np.float64) >= threshold", "astype(np.float64) > threshold"),
    ("special tokens off by one", "models/planted.py", "first, last = self.config.strip", "first, last = (0, 2)"),
    ("special tokens left in", "models/planted.py", "first, last = self.config.strip", "first, last = (0, 0)"),
    ("edge of the plateau, not its middle", "structure/curve.py", "(scores[first] + lower) / 2", "scores[first]"),
    ("leakage guard gone", "structure/evaluate.py", "    refuse_leakage(scores, tuned, allow_related=allow_related)\n", ""),
    ("guard blind to clusters", "structure/evaluate.py", "elif rna.cluster in tuned.clusters and not allow_related:", "elif False:"),
    ("relatives not dropped", "run/structure.py", 'dropped = set(related) if task.related == "drop" else set()', "dropped = set()"),
    ("minimum separation one too small", "structure/pairs.py", "np.triu(np.ones((n, n), bool), scoring.min_separation)", "np.triu(np.ones((n, n), bool), scoring.min_separation - 1)"),
    ("reference not restricted to candidates", "structure/pairs.py", "for i, j in rna.pairs or () if allowed[i, j]]", "for i, j in rna.pairs or ()]"),
    ("greedy lets a base pair twice", "structure/counts.py", "if not paired[i] and not paired[j]:", "if not paired[i]:"),
    ("bound of short lists too low", "structure/curve.py", "most = 2.0 * known / (calls + missing + known)", "most = before"),
    ("ties of a short list's end taken as known", "structure/curve.py", "if scores[pair] <= end:", "if scores[pair] < end:"),
    ("pooled instead of the mean over RNAs", "structure/curve.py", 'if averaging == "per-rna":', 'if averaging != "per-rna":'),
    ("frozen while another head could win", "structure/tune.py", "if found.uncertain:", "if False:"),
    ("oracle's head instead of the tuned one", "structure/evaluate.py", "layer=tuned.layer, head=tuned.head, threshold=tuned.threshold)", "layer=0, head=0, threshold=tuned.threshold)"),
)  # fmt: skip


def run(mutation):
    what, name, code, broken = mutation
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "src", Path(folder) / "src", ignore=shutil.ignore_patterns("__pycache__"))
        path = Path(folder) / "src" / "rnaexp" / name
        text = path.read_text()
        if text.count(code) != 1:
            return what, f"NOT PLANTED: {name} holds the code {text.count(code)} times"
        path.write_text(text.replace(code, broken))
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *SUITE],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": f"{folder}/src"},
            capture_output=True,
            text=True,
            check=False,
        )
        failed = re.findall(r"^(?:FAILED|ERROR) \S*?::(\w+)", done.stdout, re.MULTILINE)
        if failed:
            return what, failed[0]
        return what, "SURVIVED" if done.returncode == 0 else f"the test process itself died ({done.returncode})"


def main():
    survived = 0
    for mutation in (one for one in MUTATIONS if " ".join(sys.argv[1:]) in one[0]):
        what, test = run(mutation)
        survived += test == "SURVIVED" or test.startswith("NOT")
        sys.stdout.write(f"| {what} | {test} |\n")
        sys.stdout.flush()
    sys.exit(bool(survived))


if __name__ == "__main__":
    main()
