"""BulletDrop: take a screenshot, and its link is on the clipboard; the bytes follow, safely, to your own server."""

# Baked in, never read from package metadata: a frozen binary carries none.
__version__ = "0.1.0"
