"""Questions: asked, voted for, merged, answered."""
