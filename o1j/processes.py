"""What o1j asks the operating system about other processes."""

import os


def alive(pid: int) -> bool:
    """Whether a process of this number runs, whoever owns it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
