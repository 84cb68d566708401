"""Load tests and measurements. They need a machine to themselves to mean anything."""
