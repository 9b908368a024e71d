"""Contacts of proteins, a reference task: tuned and tested as base pairs are, on chains."""
