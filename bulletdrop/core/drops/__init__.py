"""Uploads: how bytes come in, what is made of them, and how they are taken back."""
