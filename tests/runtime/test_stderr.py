"""Writing to stderr never waits for a reader."""

import subprocess
import sys

from pi_drivers.runtime.stderr import say

FLOOD = "from pi_drivers.runtime.stderr import say; say('x' * 1_000_000); print('done')"


def test_a_pipe_that_nobody_reads_holds_nobody_up():
    with subprocess.Popen([sys.executable, "-c", FLOOD], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.wait(10) == 0
        assert child.stdout is not None
        assert child.stdout.read() == b"done\n"


def test_a_pipe_that_nobody_holds_any_more_is_no_reason_to_raise():
    code = f"input(); {FLOOD}"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=pipe) as child:
        assert child.stderr is not None
        child.stderr.close()
        child.stderr = None
        assert child.communicate(b"\n", timeout=10)[0] == b"done\n"


def test_the_text_arrives_whole(capfd):
    say("é" * 5000)
    assert capfd.readouterr().err == "é" * 5000
