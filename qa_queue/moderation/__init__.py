"""Settings, sanctions, roles, blocked words, and hiding what was written."""
