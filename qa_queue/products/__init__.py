"""Product cards, and who is interested."""
