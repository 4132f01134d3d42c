"""Looking for the kernel's files: what this user may not see is not there, and no reason to end a whole look."""

import os
from glob import glob
from pathlib import Path


def is_there(path: Path) -> bool:
    """Whether there is such a file that this user can see. Unlike `Path.exists` never raises."""
    return os.path.exists(path)  # noqa: PTH110 - see above


def found(folder: Path, pattern: str) -> list[Path]:
    """The files below a folder that fit, in no order. Unlike `Path.glob` never raises."""
    return [folder / name for name in glob(pattern, root_dir=folder)]  # noqa: PTH207 - see above


def is_link(path: Path) -> bool:
    """Whether it is a link that this user can see. Unlike `Path.is_symlink` never raises."""
    return os.path.islink(path)  # noqa: PTH114 - see above
