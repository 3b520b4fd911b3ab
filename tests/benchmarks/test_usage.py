"""What commands take, measured on commands that take known amounts."""

import os
import select
import subprocess
import sys
import textwrap

import pytest

from benchmarks import usage


@pytest.fixture
def run(tmp_path):
    """Runs a Python script on one core; what it took and what it said."""

    def run_script(script):
        log = tmp_path / "log"
        cores = sorted(os.sched_getaffinity(0))[-1:]
        command = [sys.executable, "-c", textwrap.dedent(script)]
        return usage.run(command, cores=cores, log=log), log.read_text()

    return run_script


BURN = "import time\nwhile time.process_time() < 0.5: pass"


def test_processor_time_of_children_counts(run):
    used, _ = run(
        f"""
        import subprocess, sys
        for _ in range(2):
            subprocess.run([sys.executable, "-c", {BURN!r}], check=True)
        """
    )

    assert 1 <= used.cpu_seconds < 3
    assert used.wall_seconds >= used.cpu_seconds


def test_memory_is_the_sum_of_processes_and_the_largest_of_them(run):
    # The child says that it has its memory before the parent ends both.
    child = "data = bytearray(100 << 20); print(flush=True); input()"
    used, _ = run(
        f"""
        import subprocess, sys, time
        child = subprocess.Popen(
            [sys.executable, "-c", {child!r}], stdin=-1, stdout=-1)
        child.stdout.readline()
        data = bytearray(200 << 20)  # not before: until it runs, a child has them too
        time.sleep(0.5)  # what is sampled ten times a second has to last
        child.communicate(b"\\n")
        """
    )

    assert 200 << 20 < used.peak_process_bytes < 290 << 20
    assert used.peak_process_bytes + (100 << 20) < used.peak_bytes < 390 << 20


def test_a_command_stays_on_its_core(run):
    _, said = run("import os; print(len(os.sched_getaffinity(0)))")

    assert said == "1\n"


def test_a_failure_is_raised(run):
    with pytest.raises(subprocess.CalledProcessError, match="exit status 3"):
        run("raise SystemExit(3)")


def test_what_a_command_leaves_running_is_ended(run):
    _, said = run(
        """
        import subprocess, sys
        print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)"]).pid)
        """
    )

    try:
        left = os.pidfd_open(int(said))
    except ProcessLookupError:
        return  # ended, and reaped too
    ended, _, _ = select.select([left], [], [], 20)
    os.close(left)
    assert ended
