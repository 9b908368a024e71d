"""One of torchrun's processes: verbs one after another, each one's output in a file of its own.

python one_rank.py VERBS (a JSON list of argument lists); shards are small, so that there are several.
"""

import contextlib
import json
import os
import sys
from pathlib import Path

from rnaexp.__main__ import _run
from rnaexp.experiment import embed_verb
from rnaexp.reading import embeddings, likelihoods

embeddings.SHARD = embed_verb.SHARD = 4
likelihoods.SHARD = 8

for at, words in enumerate(json.loads(Path(sys.argv[1]).read_text())):
    with Path(f"said_{at}_{os.environ['RANK']}").open("w") as out, contextlib.redirect_stdout(out):
        code = _run(words)
    if code:
        sys.exit(code)
