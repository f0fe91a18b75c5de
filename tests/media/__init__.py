"""Tests of files from strangers: containers, stripping, decoding."""
