"""Names of the files that a run and a registered model keep: the configuration and, if wanted, the weights."""

CONFIGURATION = "configuration.json"  # also the name of a run's artifact
STANDING = "standing.json"  # of a run: its head against the best control on the validation set
WEIGHTS = "weights"
VALIDATION_F1 = "validation_f1.csv"  # of a run: its head's F1 on each validation RNA
