"""Tests of the backends that keep bytes."""
