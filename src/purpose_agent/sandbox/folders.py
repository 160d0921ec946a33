"""The folder an execution works in: what is put there, what comes back, and that nothing is left.

Links are never followed, neither on the way in nor out. Standard library only: it runs where this package can't be imported.
"""

import base64
import contextlib
import fnmatch
import os
import stat
from collections.abc import Iterator, Mapping, Sequence

MOST_ENTRIES = 20_000
MOST_REASONS, MOST_NAME = 20, 200


def put(folder: str, files: Mapping[str, str]) -> None:
    """Write files, given as base64 by their names inside `folder`."""
    for name, data in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "xb") as file:
            file.write(base64.b64decode(data))


def take(folder: str, wanted: Sequence[str], most: int) -> tuple[dict[str, str], list[str]]:
    """The files that match one of the patterns, as base64, and what was left out and why.

    Only ordinary files of one name each, `most` bytes all together. Nobody may be writing there any more.
    """
    found: dict[str, str] = {}
    left_out: list[str] = []
    room, matched = most, set[str]()
    for name, is_file, size in sorted(_entries(folder)) if wanted else ():
        fitting = {pattern for pattern in wanted if fnmatch.fnmatchcase(name, pattern)}
        if not fitting:
            continue
        matched |= fitting
        why = "" if is_file else "not an ordinary file"
        why = why or (f"{size} bytes, more than may come back" if size > room else "")
        why = why or ("a name that is no text" if not _is_text(name) else "")
        data = None if why else _read(folder, name, room)
        if data is not None:
            room -= len(data)
            found[name] = base64.b64encode(data).decode("ascii")
        elif len(left_out) < MOST_REASONS:
            shown = name if _is_text(name) else ascii(name)
            left_out.append(f"{shown[:MOST_NAME]}: {why or 'it cannot be read'}")
    return found, [*(f"{pattern}: no file has such a name" for pattern in wanted if pattern not in matched), *left_out]


def used(folder: str, most: int) -> tuple[int, int]:
    """Bytes on the disk, and how many files and folders; it looks no further than one more than `most`.

    What is open and has no name any more is not seen.

    Raises:
        OSError: Something can't be looked at.
    """
    waiting, size, count = [folder], 0, 0
    while waiting and count <= most:
        with os.scandir(waiting.pop()) as found:
            for entry in found:
                count += 1
                with contextlib.suppress(FileNotFoundError):
                    about = entry.stat(follow_symlinks=False)
                    size += about.st_blocks * 512
                    if stat.S_ISDIR(about.st_mode):
                        waiting.append(entry.path)
    return size, count


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _entries(folder: str) -> Iterator[tuple[str, bool, int]]:
    """What is in it, but folders: name, whether it is an ordinary file with one name, bytes in it."""
    waiting, seen = [""], 0
    while waiting and seen < MOST_ENTRIES:
        below = waiting.pop()
        with contextlib.suppress(OSError), os.scandir(os.path.join(folder, below)) as found:
            for entry in found:
                seen += 1
                name = os.path.join(below, entry.name)
                with contextlib.suppress(OSError):
                    about = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(about.st_mode):
                        waiting.append(name)
                    else:
                        yield name, stat.S_ISREG(about.st_mode) and about.st_nlink == 1, about.st_size


def _read(folder: str, name: str, most: int) -> bytes | None:
    """The file's bytes, each folder on the way opened by itself, so that none can be a link."""
    fds: list[int] = []
    try:
        fds.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY))
        *folders, last = name.split("/")
        for part in folders:
            fds.append(os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fds[-1]))
        fds.append(os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=fds[-1]))
        about = os.fstat(fds[-1])
        if not stat.S_ISREG(about.st_mode) or about.st_nlink != 1 or about.st_size > most:
            return None
        with open(fds.pop(), "rb") as file:
            return file.read(most)
    except OSError:
        return None
    finally:
        for fd in fds:
            os.close(fd)


def remove_folder(folder: str) -> None:
    """Remove `folder` with all that is in it, however deep, as far as this user may.

    Deep trees are flattened instead of walked down: neither recursion nor open descriptors grow with the depth.
    Call it when nothing lives in the folder any more.
    """
    token = os.urandom(8).hex()
    count = 0
    try:
        while found := list(os.scandir(folder)):
            for entry in found:
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.path)
                    continue
                os.chmod(entry.path, 0o700)
                for below in list(os.scandir(entry.path)):
                    if below.is_dir(follow_symlinks=False):
                        os.chmod(below.path, 0o700)
                        count += 1
                        os.rename(below.path, os.path.join(folder, f"{token}.{count}"))
                    else:
                        os.unlink(below.path)
                os.rmdir(entry.path)
        os.rmdir(folder)
    except OSError:  # already gone, or something only another user may remove
        pass
