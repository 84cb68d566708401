"""A token bucket."""


class TokenBucket:
    """Allows `rate_per_s` on average and `burst` at once. Time is an argument, in seconds of any steady clock."""

    def __init__(self, *, rate_per_s: float, burst: int, now: float) -> None:
        self._rate_per_s = rate_per_s
        self._burst = float(burst)
        self._tokens = float(burst)
        self._at = now

    def take(self, now: float) -> float:
        """Take one token. Returns 0 when there was one, else the seconds until there is."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate_per_s)
        self._at = now
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self._rate_per_s
