"""The tests: sentences over the real thing."""
