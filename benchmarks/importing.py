"""What `import purpose_agent` costs: CPU time beyond a bare interpreter, and modules."""

import resource
import subprocess
import sys

from benchmarks.figures import Figure, Figures, spread

TIMES = 30
BARE = "pass"
IMPORT = "import purpose_agent"
COUNTED = """
import sys
before = set(sys.modules)
import purpose_agent
new = set(sys.modules) - before
foreign = {name.partition(".")[0] for name in new} - set(sys.stdlib_module_names) - {"purpose_agent"}
print(len(new), len(foreign))
"""


def measure(times: int = TIMES) -> Figures:
    """Pairs of interpreters, one with the import and one without, taking turns."""
    _run(IMPORT)  # the first one may write bytecode files
    differences = [1000 * (_cpu_seconds(IMPORT) - _cpu_seconds(BARE)) for _ in range(times)]
    modules, foreign = map(int, _run(COUNTED).split())
    return {
        "import_cpu_ms": spread("CPU ms of the import beyond a bare interpreter", differences),
        "import_third_party": Figure(f"third-party packages it pulls in ({modules} modules in all)", foreign),
    }


def _cpu_seconds(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run(code)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _run(code: str) -> str:
    return subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True).stdout
