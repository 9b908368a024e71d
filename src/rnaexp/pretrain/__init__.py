"""Our own checkpoints: hidden letters, families and a teacher's pairs of Rfam rows, and no known structure."""
