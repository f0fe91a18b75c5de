"""Jobs that keep the house: sweeping, emptying the trash, verifying."""
