"""A parent for the module that a test can kill: starts what it is told and sleeps."""

import subprocess
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    child = subprocess.Popen(sys.argv[2:], process_group=0)
    pending = Path(sys.argv[1] + ".new")
    pending.write_text(str(child.pid))
    pending.rename(sys.argv[1])
    while True:
        time.sleep(60)
