"""The bench: every promise of speed and size as one row, each beside a floor measured in the same run."""
