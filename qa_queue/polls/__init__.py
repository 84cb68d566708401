"""Polls: ballots and their counts, and what is to be tried next."""
