"""Bytes by key; nobody above asks which backend it is."""
