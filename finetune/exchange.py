"""Two folders change places in one step, where the system can do that."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

# linux/fs.h and fcntl.h; macOS: sys/stdio.h
_HERE, _LINUX_EXCHANGE, _MACOS_SWAP = -100, 2, 2


def exchange(first: Path, second: Path) -> bool:
    """True once they have changed places; False where this system or file system cannot, and nothing has changed.

    `renameat2` of Linux 3.15 (glibc 2.28) and `renamex_np` of macOS 10.12; Windows has no such call.
    """
    if sys.platform not in ("linux", "darwin"):
        return False
    library = ctypes.CDLL(None, use_errno=True)
    one, other = os.fsencode(first), os.fsencode(second)
    try:
        if sys.platform == "darwin":
            return bool(library.renamex_np(one, other, _MACOS_SWAP) == 0)
        return bool(library.renameat2(_HERE, one, _HERE, other, _LINUX_EXCHANGE) == 0)
    except AttributeError:  # an older C library
        return False
