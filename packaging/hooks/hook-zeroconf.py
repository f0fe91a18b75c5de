"""zeroconf's C modules import one another, which PyInstaller sees only as far as their Python twins lie beside them."""

from PyInstaller.utils.hooks import collect_submodules

hiddenimports = collect_submodules("zeroconf")
