"""What can go wrong in the store, by whose fault.

StoreError
├── StoreConfigurationError   the operator's: a wrong URL, refused credentials, a data directory that cannot be used
│   └── DataDirectoryInUse    another process works in the data directory
├── StoreUnavailable          the moment's: unreachable, loading, out of memory or disk; the same call may be made again
├── StoreDefect               ours: a script failed, or a reply or a stored value is not what this code writes
├── LogRewound                the server's: the log is shorter than what was already read from it
└── SessionExists             the caller's: the session id is taken

No exception of redis-py leaves this package; it is the `__cause__` of these.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import exceptions as redis_errors


class StoreError(Exception):
    """Base of all errors of this package."""


class StoreConfigurationError(StoreError):
    """The store cannot be opened as configured. The message says what to change."""


class DataDirectoryInUse(StoreConfigurationError):
    """Another process holds the data directory. Two servers on one append-only file would destroy it."""


class StoreUnavailable(StoreError):
    """The server could not carry out the call now.

    Whether it did is unknown when the connection broke after sending, so repeat with the same command id: the first
    result comes back if there is one.
    """


class StoreDefect(StoreError):
    """A script failed, or something stored or answered has a shape that this code never writes."""


class LogRewound(StoreError):
    """The server lost log entries that it had already given out; readers must start again from a snapshot."""


class SessionExists(StoreError):
    """A session with this id, but other contents, is there already."""


_UNAVAILABLE = (
    redis_errors.ConnectionError,
    redis_errors.TimeoutError,
    redis_errors.OutOfMemoryError,
    redis_errors.ReadOnlyError,
    redis_errors.ClusterError,
    redis_errors.TryAgainError,
    redis_errors.RedisClusterException,
    TimeoutError,
    OSError,
)

# Replies that redis-py has no class for. The server is there, but cannot write now.
_UNAVAILABLE_REPLIES = ("MISCONF", "NOREPLICAS", "BUSY")


@contextmanager
def translated() -> Iterator[None]:
    """Turn what redis-py raises inside the block into the errors above."""
    try:
        yield
    except StoreError:
        raise
    except (redis_errors.AuthenticationError, redis_errors.AuthorizationError, redis_errors.NoPermissionError) as error:
        raise StoreConfigurationError(f"Redis refuses these credentials: {error}") from error
    except _UNAVAILABLE as error:
        raise StoreUnavailable(f"Redis is unavailable: {error or type(error).__name__}") from error
    except redis_errors.ResponseError as error:
        if str(error).startswith(_UNAVAILABLE_REPLIES):
            raise StoreUnavailable(f"Redis refuses the command now: {error}") from error
        raise StoreDefect(f"Redis rejected the command: {error}") from error
    except redis_errors.RedisError as error:
        raise StoreDefect(f"Redis and this program do not understand each other: {error}") from error
