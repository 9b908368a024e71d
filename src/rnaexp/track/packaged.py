"""Names of the files that a run and a registered model keep: the configuration and, if wanted, the weights."""

CONFIGURATION = "configuration.json"  # also the name of a run's artifact
STANDING = "standing.json"  # of a run: its head against the best control on the validation set
WEIGHTS = "weights"
