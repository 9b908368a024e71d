"""Base pairs: a head is tuned on one set, frozen, and tested on another."""
