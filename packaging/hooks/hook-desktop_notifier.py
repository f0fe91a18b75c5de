"""desktop-notifier opens its resources as a package of its own."""

from PyInstaller.utils.hooks import collect_data_files

datas = collect_data_files("desktop_notifier")
hiddenimports = ["desktop_notifier.resources"]
