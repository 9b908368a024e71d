"""An RNA from plain values, as another program hands them over: checked as strictly as a file."""

from rnaexp.data.alignments import read_a2m, read_a3m
from rnaexp.data.fasta import fasta_records
from rnaexp.data.letters import normalise
from rnaexp.data.text import source
from rnaexp.errors import InputError
from rnaexp.rna import Alignment, Rna


def rna_of(sequence: object, id: object = None, alignment: object = None, *, default_id: str) -> Rna:
    """`alignment`: aligned FASTA text (rows equally long) or A3M, the RNA itself its first row; None or "": none.

    Raises: InputError naming the RNA and, in an alignment, the line.
    """
    name = default_id if id is None or id == "" else id
    if not isinstance(name, str):
        message = f"id {name!r}: must be text"
        raise InputError(message)
    if not isinstance(sequence, str) or not sequence.strip():
        message = f"{name}: empty sequence" if isinstance(sequence, str) else f"{name}: sequence must be text"
        raise InputError(message)
    if not (alignment is None or isinstance(alignment, str)):
        message = f"{name}: alignment must be aligned FASTA or A3M as one text"
        raise InputError(message)
    try:
        letters, changed = normalise(sequence.strip(), name=name)
        rows = _alignment(name, alignment) if alignment else None
        return Rna(id=name, sequence=letters, alignment=rows, letters_changed=changed)
    except ValueError as error:
        raise InputError(str(error)) from error


def _alignment(name: str, text: str) -> Alignment | None:
    lines = source(text.encode(), path=f"alignment of {name}")
    widths = {len(record.sequence) for record in fasta_records(lines, structures=False)}
    # Rows of one length have no insertions, so that the case of their letters means nothing.
    read = read_a2m if len(widths) == 1 else read_a3m
    return read(lines)[0].alignment
