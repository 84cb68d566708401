"""Raised hands, and who is on stage."""
