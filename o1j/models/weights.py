"""Which weights a folder holds, as far as the store must know."""

import hashlib
from pathlib import Path

from o1j.errors import Unavailable


def fingerprint(name: str, kind: str) -> str:
    """Names, sizes and times of a folder's files: a student trained anew under an old name is another model.

    A name that is no folder is a hub's, and its own fingerprint (""). `kind` is for the error messages.
    """
    folder = Path(name)
    if not folder.is_dir():
        if folder.exists() or name.startswith((".", "/", "~")) or name.count("/") > 1:
            raise Unavailable(f"{kind}:{name}: there is no such folder")
        return ""
    files = sorted(file for file in folder.iterdir() if file.is_file())
    if not any(file.name in ("config.json", "adapter_config.json") for file in files):
        raise Unavailable(f"{kind}:{name}: the folder holds no model (no config.json)")
    told = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]
