"""isal's C modules import one another, which PyInstaller cannot see."""

hiddenimports = ["isal.igzip_lib", "isal.isal_zlib", "isal._isal"]
