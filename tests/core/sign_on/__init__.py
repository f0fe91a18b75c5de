"""Tests of what BulletDrop does, without HTTP."""
