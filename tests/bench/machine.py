"""What the machine says about a process: the CPU time it has used, and where it may run."""

import os
import platform
import time
from importlib.metadata import version
from pathlib import Path

SERVER_CPU = 0
LOAD_CPU = 1
BOTH_CPUS = "0,1"


def tree(pid: int) -> list[int]:
    """The process and all its descendants that live now."""
    pids = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in children:
            pids += tree(int(child))
    return pids


def cpu_s(pid: int) -> float:
    """CPU seconds used so far by the process, with the threads that have ended, and its live children."""
    return sum(map(own_cpu_s, tree(pid)))


def own_cpu_s(pid: int) -> float:
    """The same, without children.

    Linux's CPU clock of a process, by its number (clock_getcpuclockid): nanoseconds, where `times` counts ticks.
    """
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:  # it has just ended
        return 0.0


def resident_bytes(pid: int) -> int:
    """Memory of the process and its live children."""
    pages = sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in tree(pid))
    return pages * os.sysconf("SC_PAGE_SIZE")


def written_bytes(pid: int) -> int:
    """Bytes the process and its live children have caused to be written to disk."""
    total = 0
    for one in tree(pid):
        try:
            lines = Path(f"/proc/{one}/io").read_text().splitlines()
        except OSError:  # it has just ended
            continue
        total += next(int(line.split()[1]) for line in lines if line.startswith("write_bytes:"))
    return total


def describe() -> dict[str, str]:
    """The machine and the versions that matter for a figure."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    packages = ("starlette", "uvicorn", "uvloop", "httptools", "msgspec", "itsdangerous", "aioboto3", "aiohttp")
    return {
        "cpu": f"{os.cpu_count()} x {model}",
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }
