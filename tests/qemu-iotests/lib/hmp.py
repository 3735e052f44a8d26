# SPDX-License-Identifier: GPL-2.0-or-later
"""HMP: through human-monitor-command, and as the monitor echoes it, in a
machine that has nothing. (QEMU's storage daemon has no HMP.)"""

import re
import socket

from . import program
from .qmp import QMP

EMPTY_MACHINE = ['-display', 'none', '-nodefaults', '-machine', 'none']


def start(case, *args, more_fds=(), **kwargs):
    """A program of the test CASE, with QMP to give it commands by."""
    ours, theirs = socket.socketpair()
    ours.settimeout(program.TIMEOUT_S)
    vm = case.daemon(*EMPTY_MACHINE, '-chardev',
                     f'socket,id=iotest,fd={theirs.fileno()}', '-mon',
                     'chardev=iotest,mode=control', *args, monitor=False,
                     binary=program.find('qemu-system-x86_64'),
                     pass_fds=(theirs.fileno(), *more_fds), **kwargs)
    theirs.close()
    vm.qmp = QMP(ours)
    vm.qmp.negotiate()
    return vm


def run(vm, line):
    """What LINE prints, with plain line ends."""
    text = vm.cmd('human-monitor-command', {'command-line': line})
    assert '\n' not in text.replace('\r\n', ''), repr(text)
    return text.replace('\r\n', '\n')


def echo(line, prompt='(qemu) '):
    """What the line editor sends back for LINE, typed byte by byte, and the
    line end."""
    out = prompt
    for i in range(len(line)):
        out += '\x1b[D' * i + line[:i + 1] + '\x1b[K'
    return out + '\r\n'


def without_rates(text):
    return re.sub(r'(, \d+ ops); .*', r'\1', text)
