"""Which form of an answer a client prefers (RFC 9110 section 12.5.1)."""


def prefers_html(accept: str) -> bool:
    """Whether `Accept` puts `text/html` before `application/json`: browsers do, programs do not, and nothing else is asked for.

    Args:
        accept: the header's value; empty where there is none. What of it cannot be read counts as not there.
    """
    ranges = _ranges(accept)
    return _quality(ranges, "text/html") > _quality(ranges, "application/json")


def _ranges(accept: str) -> dict[str, float]:
    """Media ranges and their quality."""
    found: dict[str, float] = {}
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weights = [value.strip() for key, _, value in (p.partition("=") for p in parameters) if key.strip() == "q"]
        try:
            found[name] = min(1.0, max(0.0, float(weights[0]))) if weights else 1.0
        except ValueError:
            continue
    return found


def _quality(ranges: dict[str, float], media_type: str) -> float:
    """That of the most specific range that the type is in."""
    for name in (media_type, f"{media_type.split('/')[0]}/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return 0.0
