"""Kills server and store at random moments, and holds what was acknowledged against what is there afterwards."""
