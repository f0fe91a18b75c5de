"""Door one over real HTTP."""
