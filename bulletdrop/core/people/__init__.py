"""Accounts, sessions, keys: who is asking, and what they may do."""
