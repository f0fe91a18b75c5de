"""Faults on purpose: kills, power cuts, races and full disks against the real server, and the ledger that judges it."""
