"""A network link in user space between browser and server: the Rust program in `src/`, and what drives it and reads its log.

async with Link.start(Path(delay_ms=50), Path(delay_ms=50), listeners=[...]) as link: ...
"""
