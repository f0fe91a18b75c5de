"""Whole lives, from the outside: real programs, real screens."""
