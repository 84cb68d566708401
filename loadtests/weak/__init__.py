"""Weak networks: what a real browser gets through the test link, case by case: `python -m loadtests.weak`."""
