# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line tools: those under test, and those of libnbd.

Every call returns a subprocess.CompletedProcess with text; a crash or a
sanitizer report fails the test whatever the caller expects.
"""

import os
import subprocess

from . import process, program
from .program import TIMEOUT_S


def run(argv, check=True, text=True, **kwargs):
    """Runs ARGV; with `check`, a non-zero exit code is a failure. With `text`
    bytes that are no UTF-8 are replaced."""
    # (nbdsh runs the `python3` of PATH, which must be the one with libnbd)
    path = '/usr/bin:' + os.environ.get('PATH', '/bin')
    env = dict(os.environ, LC_ALL='C.UTF-8', PATH=path,
               **kwargs.pop('env', {}))
    if 'input' not in kwargs and 'stdin' not in kwargs:
        kwargs['stdin'] = subprocess.DEVNULL
    done = subprocess.run(
        [str(arg) for arg in argv], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=text, timeout=TIMEOUT_S, check=False,
        errors='replace' if text else None, env=env, **kwargs)
    err = done.stderr if text else done.stderr.decode(errors='replace')
    process.check_exit(os.path.basename(str(argv[0])), done.returncode, err)
    if check and done.returncode != 0:
        raise AssertionError(
            f'{argv}: exit code {done.returncode}\n{done.stdout}\n{err}')
    return done


def img(*args, **kwargs):
    """qemu-img ARGS, of the programs under test."""
    return run([program.find('qemu-img'), *args], **kwargs)


def io(image, *commands, options=('-f', 'raw'), **kwargs):
    """qemu-io: the COMMANDS one after the other on IMAGE (path or URI)."""
    argv = [program.find('qemu-io'), *options]
    for command in commands:
        argv += ['-c', command]
    if image is not None:
        argv.append(image)
    return run(argv, **kwargs)


def nbdinfo(*args, **kwargs):
    return run([program.find_foreign('nbdinfo'), *args], **kwargs)


def nbdcopy(*args, **kwargs):
    return run([program.find_foreign('nbdcopy'), *args], **kwargs)


def nbdsh(*args, **kwargs):
    return run([program.find_foreign('nbdsh'), *args], **kwargs)


def foreign_img(*args, **kwargs):
    """Debian's qemu-img, as a client that is certainly not ours."""
    return run(['/usr/bin/qemu-img', *args], **kwargs)
