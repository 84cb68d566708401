"""The live queue: everything that people say and choose in a session, as commands on one ordered log.

Look first at `queue.py` (`LiveQueue`) and `scripts/prelude.lua`. Each mechanism has a folder: its commands as scripts, its
entities (`model.py`), and the table of what a command takes (`commands.py`). `state.py` is the state as a pure function of
the log. The words are those of `signaling/PROTOCOL.md`.
"""
