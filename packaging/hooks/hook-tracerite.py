"""Sanic imports tracerite, which reads its style sheet while it is imported."""

from PyInstaller.utils.hooks import collect_data_files

datas = collect_data_files("tracerite")
