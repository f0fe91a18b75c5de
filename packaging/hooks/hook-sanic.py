"""Sanic rewrites hot functions from their source at start; without the sources it runs at half the speed."""

module_collection_mode = {"sanic": "pyz+py"}
