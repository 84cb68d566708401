"""What is shown of the queue to whom: from its words to those of the wire.

There are three kinds of readers: members, staff, and the person whom it concerns. `entities.py` has an entity as each of
them sees it, `entries.py` an event of the log, `snapshots.py` the whole state.
"""
