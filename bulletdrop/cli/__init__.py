"""Every command of the program; each opens its door inside its function, so that `--version` stays fast."""
