"""Lucky draws that anybody can verify."""
