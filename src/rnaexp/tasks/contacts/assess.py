"""What a score of contacts is worth: controls on the same chains, and precision by separation."""

from collections import Counter

import pandas as pd

from rnaexp.reading.store import Store
from rnaexp.structure.contacts import breakdown_by_range, precision_by_range
from rnaexp.tasks.contacts.settings import CONTROLS, UNPROVEN
from rnaexp.tasks.pairs.assess import chosen_head, evaluations, of_controls, retuning
from rnaexp.tasks.pairs.diagnosis import diagnose
from rnaexp.tasks.pairs.result import Assessment, Result


def assess(result: Result, store: Store) -> Assessment:
    """Of proteins: no ceilings of base pairs, no shuffled bases, no folding; the ranges of their own papers instead."""
    evidence = dict(Counter("3d" for _ in result.test.scored))
    facts = {"depth": 1, "neff": 1.0, "f1_ceiling": 1.0}
    one, threshold = chosen_head(result)
    controls = of_controls(result, store, CONTROLS)
    return Assessment(
        retuning=retuning(result),
        about=pd.DataFrame([{"rna": chain.id, **facts} for chain in result.test.rnas]),
        breakdown=breakdown_by_range(one, threshold),
        shuffled_calls=None,
        shuffled=0,
        evidence=evidence,
        seen=None,
        tags=(UNPROVEN, *diagnose(result, evaluations(controls), evidence, None)),
        contacts=precision_by_range(one) if one.complete else None,
        controls=controls,
    )
