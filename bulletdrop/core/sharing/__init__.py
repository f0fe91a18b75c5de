"""Sharing: who may look at what, how often, and until when; links, requests for files, short links, secrets."""
