"""The cost of forwarding a packet. `python -m loadtests.bench --help`."""
