"""The jobs that the command line starts."""
