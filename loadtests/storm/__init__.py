"""A storm of joins on a server of its own: `python -m loadtests.storm`."""

from loadtests.storm.run import run

__all__ = ["run"]
