"""Executes a command that gets SIGTERM when the process that started it dies, even by `kill -9`.

Run as a script: `python die_with_parent.py <parent pid> <program> [argument …]`.

The request to the kernel must be made in the child, between fork and exec. Doing that in a `preexec_fn` runs Python
in a forked copy of a process with threads, which can deadlock; a program of its own cannot. The process id stays the
same across exec. The signal is tied to the *thread* that started the child: here the one that runs the event loop.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(parent: int, command: list[str]) -> None:
    """Ask for the signal, then become `command`. Elsewhere than on Linux only the latter."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0) != 0:
            sys.exit(f"prctl(PR_SET_PDEATHSIG): {os.strerror(ctypes.get_errno())}")
        if os.getppid() != parent:  # it died before the request was made, so no signal will come
            sys.exit("The parent process has ended.")
    os.execv(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
