"""Faults made by processes: full and read-only disks, servers, signals, clocks; what each leaves."""
