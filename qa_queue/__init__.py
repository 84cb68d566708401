"""The live queue: questions, votes, and which question is being answered.

Look first at `queue.py` (`LiveQueue`) and `scripts/prelude.lua`; the words are those of `signaling/PROTOCOL.md`.
"""
