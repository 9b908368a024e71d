"""Small files in the layout that the record's pickles are read by."""

import pickle

import numpy as np


def contacts(n, pairs):
    matrix = np.zeros((n, n), np.int64)
    for i, j in pairs:
        matrix[i, j] = matrix[j, i] = 1
    return matrix


def hairpin(rng, stem=5, loop=5):
    letters = rng.choice(list("ACGU"), stem)
    partner = {"A": "U", "U": "A", "G": "C", "C": "G"}
    right = [partner[x] for x in letters[::-1]]
    sequence = "".join([*letters, *rng.choice(list("ACGU"), loop), *right])
    return sequence, [(at, len(sequence) - 1 - at) for at in range(stem)]


def write(path, value, protocol=4):
    path.write_bytes(pickle.dumps(value, protocol))
    return path


def write_record(folder, seed=0, protocol=4):
    """All six files: a few hairpins each, families whose members share most letters."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    sets = {"VL_40_key_seq_contact_idx": 6, "TS_70_key_seq_contact_idx": 7}
    for name, count in sets.items():
        items = []
        for at in range(count):
            sequence, pairs = hairpin(rng, stem=4 + at, loop=4)
            items.append((f"{name[:2]}{at}", sequence, contacts(len(sequence), pairs), at))
        write(folder / f"{name}.pkl", items, protocol)
    for name in ("casp14", "casp15"):
        sequence, pairs = hairpin(rng, 6, 6)
        items = [(f"{name}R{at}", sequence[at:], contacts(len(sequence) - at, []), 0)[:3] for at in (1, 2)]
        items.append((f"{name}R0", sequence, contacts(len(sequence), pairs)))
        write(folder / f"{name}_key_seq_contact.pkl", items, protocol)
    rfam, archive = [], []
    for family in range(5):
        parent = rng.choice(list("ACGU"), 40 + 3 * family)
        for member in range(4):
            child = parent.copy()
            child[rng.choice(len(child), 5, replace=False)] = rng.choice(list("ACGU"), 5)
            rfam.append((len(rfam), f"RF{family:05d}_X{member}.1/1-{len(child)}", "".join(child)))
            archive.append((f"fam{family}", f"fam{family}_X{member}", "".join(child).replace("U", "T")))
    write(folder / "random_sample_max10_n24607_rf4170.pkl", rfam, protocol)
    write(folder / "archivell_n3864_dataset.pkl", archive, protocol)
    return folder


def write_embeddings(path, keys, rows, labels=None):
    """As the released code stores them: one dictionary."""
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = list(range(len(keys))) if labels is None else labels
    return write(path, {"labels": labels, "keys": list(keys), "seqs": ["A"] * len(keys), "seq_repr": rows})
