"""The numbers of the system calls we speak of, and the error of a lockdown that failed.

In:  the name of a machine, as `os.uname().machine` has it.
Out: numbers by name, as the kernel's headers have them: asm/unistd_64.h for x86_64, asm-generic/unistd.h for aarch64. A name that a
     machine does not have is left out of its table.

Standard library only: it runs where this package can't be imported.
"""

import ctypes
import os
import sys
from collections.abc import Callable, Mapping
from functools import cache, partial


class LockdownError(Exception):
    """A step of giving something up failed, so nothing may run.

    Attributes:
        errno: What the kernel answered; 0 if it was not asked.
    """

    def __init__(self, said: str, errno: int = 0) -> None:
        super().__init__(said)
        self.errno = errno


def _table(text: str) -> Mapping[str, int]:
    return {name: int(number) for name, _, number in (entry.partition("=") for entry in text.split())}


TABLES: Mapping[str, Mapping[str, int]] = {
    "x86_64": _table("""
        read=0 write=1 open=2 close=3 stat=4 fstat=5 lstat=6 poll=7 lseek=8 mmap=9 mprotect=10 munmap=11 brk=12 rt_sigaction=13
        rt_sigprocmask=14 rt_sigreturn=15 ioctl=16 pread64=17 pwrite64=18 readv=19 writev=20 access=21 pipe=22 select=23
        sched_yield=24 mremap=25 msync=26 madvise=28 dup=32 dup2=33 pause=34 nanosleep=35 getitimer=36 alarm=37 setitimer=38
        getpid=39 sendfile=40 sendto=44 recvfrom=45 shutdown=48 socketpair=53 clone=56 exit=60
        wait4=61 kill=62 uname=63 fcntl=72 flock=73 fsync=74 fdatasync=75 truncate=76 ftruncate=77 getcwd=79 chdir=80 fchdir=81
        rename=82 mkdir=83 rmdir=84 creat=85 link=86 unlink=87 symlink=88 readlink=89 chmod=90 fchmod=91 umask=95
        gettimeofday=96 getrlimit=97 getrusage=98 sysinfo=99 times=100 getuid=102 getgid=104 geteuid=107 getegid=108 getppid=110
        getpgrp=111 getgroups=115 getpgid=121 getsid=124 rt_sigpending=127 rt_sigtimedwait=128 rt_sigsuspend=130 sigaltstack=131
        utime=132 statfs=137 fstatfs=138 pivot_root=155 prctl=157 arch_prctl=158 gettid=186 getxattr=191 lgetxattr=192
        fgetxattr=193 listxattr=194 llistxattr=195 flistxattr=196 time=201 futex=202 sched_getaffinity=204 epoll_create=213
        getdents64=217 set_tid_address=218 restart_syscall=219 fadvise64=221 clock_gettime=228 clock_getres=229
        clock_nanosleep=230 exit_group=231 epoll_wait=232 epoll_ctl=233 tgkill=234 utimes=235 waitid=247 openat=257 mkdirat=258
        futimesat=261 newfstatat=262 unlinkat=263 renameat=264 linkat=265 symlinkat=266 readlinkat=267 fchmodat=268
        faccessat=269 pselect6=270 ppoll=271 unshare=272 set_robust_list=273 get_robust_list=274 utimensat=280 epoll_pwait=281
        fallocate=285 eventfd2=290 epoll_create1=291 dup3=292 pipe2=293 preadv=295 pwritev=296 prlimit64=302 getcpu=309
        renameat2=316 seccomp=317 getrandom=318 membarrier=324 copy_file_range=326 preadv2=327 pwritev2=328 statx=332 rseq=334
        clone3=435 close_range=436 faccessat2=439 mount_setattr=442 landlock_create_ruleset=444 landlock_add_rule=445
        landlock_restrict_self=446 fchmodat2=452
    """),
    "aarch64": _table("""
        getxattr=8 lgetxattr=9 fgetxattr=10 listxattr=11 llistxattr=12 flistxattr=13 getcwd=17 eventfd2=19 epoll_create1=20
        epoll_ctl=21 epoll_pwait=22 dup=23 dup3=24 fcntl=25 ioctl=29 flock=32 mkdirat=34 unlinkat=35 symlinkat=36 linkat=37
        renameat=38 pivot_root=41 statfs=43 fstatfs=44 truncate=45 ftruncate=46 fallocate=47 faccessat=48 chdir=49 fchdir=50
        fchmod=52 fchmodat=53 openat=56 close=57 pipe2=59 getdents64=61 lseek=62 read=63 write=64 readv=65 writev=66 pread64=67
        pwrite64=68 preadv=69 pwritev=70 sendfile=71 pselect6=72 ppoll=73 readlinkat=78 newfstatat=79 fstat=80 fsync=82
        fdatasync=83 utimensat=88 exit=93 exit_group=94 waitid=95 set_tid_address=96 unshare=97 futex=98 set_robust_list=99
        get_robust_list=100 nanosleep=101 getitimer=102 setitimer=103 clock_gettime=113 clock_getres=114 clock_nanosleep=115
        sched_getaffinity=123 sched_yield=124 restart_syscall=128 kill=129 tgkill=131 sigaltstack=132 rt_sigsuspend=133
        rt_sigaction=134 rt_sigprocmask=135 rt_sigpending=136 rt_sigtimedwait=137 rt_sigreturn=139 times=153 getpgid=155
        getsid=156 getgroups=158 uname=160 getrlimit=163 getrusage=165 umask=166 prctl=167 getcpu=168 gettimeofday=169
        getpid=172 getppid=173 getuid=174 geteuid=175 getgid=176 getegid=177 gettid=178 sysinfo=179 socketpair=199 sendto=206
        recvfrom=207 shutdown=210 brk=214 munmap=215 mremap=216 clone=220 mmap=222 fadvise64=223
        mprotect=226 msync=227 madvise=233 wait4=260 prlimit64=261 renameat2=276 seccomp=277 getrandom=278 membarrier=283
        copy_file_range=285 preadv2=286 pwritev2=287 statx=291 rseq=293 clone3=435 close_range=436 faccessat2=439
        mount_setattr=442 landlock_create_ruleset=444 landlock_add_rule=445 landlock_restrict_self=446 fchmodat2=452
    """),
}
ARCHES: Mapping[str, int] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""AUDIT_ARCH_* of linux/audit.h: how a seccomp filter is told which table a number belongs to."""
NO_NEW_PRIVS = 38

_libc = ctypes.CDLL(None, use_errno=True)


def numbers(machine: str) -> Mapping[str, int]:
    """Numbers by name.

    Raises:
        LockdownError: We have no table of this machine.
    """
    try:
        return TABLES[machine]
    except KeyError:
        raise LockdownError(f"the system calls of {machine!r} are not known, only those of {' and '.join(TABLES)}") from None


@cache
def here() -> Mapping[str, int]:
    """Numbers of this process.

    Raises:
        LockdownError: We have no table for it.
    """
    if sys.platform != "linux" or sys.maxsize < 2**32:
        raise LockdownError(f"this is no 64-bit Linux ({sys.platform})")
    return numbers(os.uname().machine)


def prepared(name: str, *arguments: object) -> Callable[[], int]:
    """A system call that can be made again and again. It gives -1 for an error; `ctypes.get_errno` has which.

    Args:
        arguments: As ctypes takes them; a number that isn't an int of C must be wrapped.

    Raises:
        LockdownError: It can't be made here.
    """
    return partial(_libc.syscall, ctypes.c_long(here()[name]), *arguments)


def call(step: str, name: str, *arguments: object) -> int:
    """Make a system call that must succeed.

    Args:
        step: What it is for, in words of the error.
        arguments: See `prepared`.

    Raises:
        LockdownError: It failed, or can't be made here.
    """
    found = prepared(name, *arguments)()
    if found < 0:
        number = ctypes.get_errno()
        raise LockdownError(f"{step}: {os.strerror(number)}", number)
    return found


def no_new_privileges() -> None:
    """What this process and its children start never has more rights than they. Unprivileged lockdowns need it.

    Raises:
        LockdownError: The kernel does not know it.
    """
    if _libc.prctl(NO_NEW_PRIVS, ctypes.c_ulong(1), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)):
        number = ctypes.get_errno()
        raise LockdownError(f"no new privileges: {os.strerror(number)}", number)
