"""Redis: connection, embedded server, key names, scripts and the session log.

Look first at `connection.py` (`open_store`), then at `log.py` (what everything else derives from).
"""
