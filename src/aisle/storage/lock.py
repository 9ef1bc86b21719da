"""One server per shop folder: a lock that the system releases when its holder dies, however it dies."""

import fcntl
import os
from pathlib import Path
from typing import IO

from aisle.errors import HomeLocked, Misconfigured


def hold(path: Path) -> IO[str]:
    """Take the lock and keep it as long as the returned file is open.

    Raises HomeLocked naming the holder, Misconfigured where the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")
    except OSError as error:
        raise Misconfigured(
            f"{path.parent} cannot be written ({error.strerror}): check the folder's owner and permissions"
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise HomeLocked(
            f"another `aisle serve` (process {holder}) works on {path.parent}: stop it, or use another folder with --home"
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
