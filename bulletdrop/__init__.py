"""BulletDrop: take a screenshot, and its link is on the clipboard; the bytes follow, safely, to a server of your own."""

# Baked in, never read from package metadata: a frozen binary carries none.
__version__ = "0.1.0"
