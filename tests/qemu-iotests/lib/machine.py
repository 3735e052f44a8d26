# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine of one test: `qemu-system-x86_64`, which runs no guest."""

import subprocess

from . import case, program
from .daemon import Daemon


class Machine(Daemon):
    """Starts it with a monitor in front, stopped: a guest of QEMU's is not to
    begin. `machine=` is its kind."""

    program = 'qemu-system-x86_64'
    first_args = ('-nodefaults', '-display', 'none', '-S')

    @staticmethod
    def monitor_args(fd):
        return ['-chardev', f'socket,id=iotest,fd={fd}',
                '-mon', 'chardev=iotest,mode=control']


class MachineCase(case.Case):

    def machine(self, *args, **kwargs):
        """A machine that is ended, and its end checked, after the test."""
        machine = Machine(self.dir, *args, **kwargs)
        self.addCleanup(machine.end)
        return machine

    def refused(self, *args):
        """What a machine says that does not start, without its name; its
        exit code must be 1."""
        done = run(*args, '-display', 'none', '-nodefaults', cwd=self.dir)
        self.assertEqual(done.returncode, 1, done.stderr)
        lines = [line for line in done.stderr.splitlines()
                 if line.startswith('qemu-system-x86_64: ')]
        self.assertTrue(lines, done.stderr)
        return lines[-1].removeprefix('qemu-system-x86_64: ')


def run(*args, cwd=None, stdin='', text=True, pass_fds=()):
    """Runs it to its end. Without TEXT what it prints stays bytes."""
    return subprocess.run([program.find('qemu-system-x86_64'), *args],
                          input=stdin if text else stdin.encode(),
                          capture_output=True, text=text,
                          timeout=program.TIMEOUT_S, cwd=cwd, check=False,
                          pass_fds=pass_fds)
