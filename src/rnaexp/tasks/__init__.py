"""What can be measured of a model: a task is one object with its settings, its metrics and how it is run."""
