"""Slugs and links: what things are called and where they are found."""
