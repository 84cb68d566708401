"""Chat and announcements."""
