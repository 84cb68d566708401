"""Reactions: counted, told at most five times a second."""
