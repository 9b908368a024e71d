"""Base pairs read from attention maps: scored, tuned on one set, tested on another."""
