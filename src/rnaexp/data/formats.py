"""The entry to reading: any file or folder of RNAs to a list of `Rna`."""

from pathlib import Path

from rnaexp.data.folder import read_folder
from rnaexp.data.letters import Unknown
from rnaexp.data.readers import read_file
from rnaexp.rna import Rna


def read_rnas(path: Path | str, *, unknown: Unknown = "reject") -> list[Rna]:
    """All RNAs of a file, or of the readable files of a folder in sorted order.

    FASTA (with dot-bracket lines), Stockholm, A2M, A3M, CT, BPSEQ, CSV of the public sets, SPOT-RNA labels, PDB and
    mmCIF, each also gzipped. A letter other than A C G U T N is refused, or read as N and counted: IUPAC's codes by
    `unknown="ambiguous"`, any by `unknown="mask"`. An alignment file (Stockholm, A2M, A3M) is one RNA, its first row,
    with that alignment.

    Raises: InputError naming file and line.

    >>> import pathlib, tempfile
    >>> import rnaexp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "my.fasta"
    ...     _ = file.write_text(">hairpin\\nGGGAAATCCC\\n(((....)))\\n")
    ...     (rna,) = rnaexp.read_rnas(file)
    >>> rna.id, rna.sequence, rna.pairs
    ('hairpin', 'GGGAAAUCCC', ((0, 9), (1, 8), (2, 7)))
    """
    path = Path(path)
    return read_folder(path, unknown=unknown).rnas if path.is_dir() else read_file(path, unknown=unknown)
