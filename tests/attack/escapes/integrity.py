"""The host's own process, the pool of warm ones, and the execution that comes next."""

from collections.abc import Mapping

from tests.attack.escapes.attack import Attack, Judge, Need
from tests.attack.escapes.judges import broke, either, hurt_host, overran, second_is_hurt

RAW: tuple[Need, ...] = ("x86-64",)
FINE = "result('fine')"
LATER = either(broke, second_is_hurt)


def _harm(
    name: str,
    code: str,
    *,
    seen: Judge = LATER,
    then: str = FINE,
    wants: tuple[str, ...] = (),
    needs: tuple[Need, ...] = (),
    unsafe_on_bare: bool = False,
    files: Mapping[str, bytes] | None = None,
) -> Attack:
    """The host stumbles over what comes back, or over what it must put away."""
    return Attack(
        name, "integrity", code, seen, then=then, wants=wants, needs=needs, unsafe_on_bare=unsafe_on_bare, files=files or {}
    )


ATTACKS: tuple[Attack, ...] = (
    _harm(
        "a signal to the parent",
        """
import os
os.kill(os.getppid(), $parent_signal)
""",
        seen=either(hurt_host, LATER),
        unsafe_on_bare=True,
    ),
    _harm(
        "a result file that nobody fills",
        """
import os
os.mkfifo('out')
""",
        wants=("out",),
        seen=either(broke, overran),
    ),
    _harm(
        "a result file larger than the host's memory",
        """
import os
os.truncate(os.open('out', os.O_CREAT | os.O_RDWR), 2**43)
""",
        wants=("out",),
    ),
    _harm(
        "a result file that is a folder",
        """
import os
os.mkdir('out')
""",
        wants=("out",),
    ),
    _harm(
        "a result file behind links in a circle",
        """
import os
os.mkdir('sub')
os.symlink('.', 'sub/sub')
os.symlink('../out', 'sub/out')
os.mkdir('out')
""",
        wants=("sub/sub/sub/out",),
    ),
    _harm(
        "a result file that nobody may read",
        """
import os
open('out', 'w').close()
os.chmod('out', 0)
os.remove('out')
os.symlink('/proc/self/mem', 'out')
""",
        wants=("out",),
    ),
    _harm(
        "a given file made a folder",
        """
import os
os.remove('in')
os.mkdir('in')
""",
        files={"in": b"1"},
        then="result(open('in').read())",
        seen=either(broke, second_is_hurt),
    ),
    _harm(
        "output that is no text",
        """
import os
os.write(1, b'\\xff\\xfe\\x80')
""",
    ),
    _harm(
        "errors that are no text",
        """
import os
os.write(2, b'\\xed\\xa0\\x80')
os._exit(1)
""",
    ),
    _harm(
        "a result as deep as the sea",
        """
import os
os.write(1, b'{"result": ' + b'[' * 100_000 + b']' * 100_000 + b'}\\n')
""",
    ),
    _harm(
        "a number as long as a book",
        """
import os
os.write(1, b'{"result": ' + b'9' * 100_000 + b'}\\n')
""",
    ),
    _harm(
        "half a surrogate",
        """
result('\\ud800')
print(1)
import os
os.write(1, b'{"result": "\\xed\\xa0\\x80"}\\n')
""",
    ),
    _harm(
        "a broken report",
        """
import os
os.write(1, b'{"result": \\n')
""",
    ),
    _harm(
        "a broken report on every descriptor",
        """
import os
for number in (*range(1, 2), *range(3, 40)):
    try: os.write(number, b'{"result": {"key":\\n') if number == 1 or number != $given and number != $host_file else 0
    except OSError: pass
""",
    ),
)
