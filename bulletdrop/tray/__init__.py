"""Door two: the tray, a guest that watches a folder and knocks over HTTP; imports neither core nor web."""
