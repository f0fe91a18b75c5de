"""The tray in German. Keys are the English texts of the code; a test keeps both in step."""

GERMAN: dict[str, str] = {}
