"""Door one: HTTP in, HTTP out."""
