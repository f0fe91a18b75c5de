"""Tests of the tray: its parts alone, and together against a real server and a real desktop."""
