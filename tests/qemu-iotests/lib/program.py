# SPDX-License-Identifier: GPL-2.0-or-later
"""Which programs are under test: those of a build, or Debian's QEMU.

The choice is made once, by environment variables that run.py (or a test
started by hand) sets:
  IOTEST_ORACLE=1     test Debian's QEMU
  IOTEST_BUILD=DIR    test DIR/compat/qemu-storage-daemon and its friends
"""

import os
import shutil
import time

# Far above what any step needs: reaching it means that something hangs.
TIMEOUT_S = float(os.environ.get('IOTEST_TIMEOUT', '60'))

# Of the kernel's list of sockets: this one waits for clients.
SO_ACCEPTCON = 0x10000

ORACLE_PATH = '/usr/bin:/usr/local/bin'


def is_oracle():
    """True when the tests run against Debian's QEMU."""
    return os.environ.get('IOTEST_ORACLE') == '1'


def build_dir():
    """The build under test (a path)."""
    here = os.path.dirname(os.path.abspath(__file__))
    return os.environ.get('IOTEST_BUILD') or os.path.join(
        here, '..', '..', '..', 'build')


def find(name):
    """The path of the program called NAME in QEMU's world.

    A missing one is an error of the set-up, never a reason to skip.
    """
    if is_oracle():
        path = shutil.which(name, path=ORACLE_PATH)
    else:
        path = os.path.join(build_dir(), 'compat', name)
        path = path if os.access(path, os.X_OK) else None
    if path is None:
        raise RuntimeError(f'{name} not found: build first, or install QEMU')
    return os.path.abspath(path)


def find_foreign(name):
    """The path of a program that is neither ours nor under test (nbdinfo)."""
    path = shutil.which(name, path=ORACLE_PATH)
    if path is None:
        raise RuntimeError(f'{name} not found: install libnbd-bin')
    return path


def listens(path):
    """Whether somebody listens on the unix socket PATH: it is a file from
    bind() on, and refuses its clients until listen(). Nobody is called to
    find out: some servers end with their first client, or complain of it."""
    with open('/proc/net/unix', encoding='utf-8', errors='replace') as file:
        next(file)
        for line in file:
            words = line.rstrip('\n').split(' ', 7)
            if int(words[3], 16) & SO_ACCEPTCON and words[-1].endswith(path):
                return True
    return False


def wait_listening(child, path):
    """Waits until CHILD (a Popen) listens on the unix socket PATH; False:
    it ended, or time is over."""
    deadline = time.monotonic() + TIMEOUT_S
    while not listens(path):
        if child.poll() is not None or time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
