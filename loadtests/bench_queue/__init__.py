"""The live queue in front of a large audience: how fast, how many octets, and what it costs."""
