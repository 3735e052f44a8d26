# SPDX-License-Identifier: GPL-2.0-or-later
"""A storage daemon of one test, its main monitor, and its end.

The main monitor is an inherited, connected socket: the greeting and the
answer to qmp_capabilities say that start-up is over, so nothing is polled.
"""

import os
import socket
import subprocess

from . import process, program
from .qmp import QMP, Closed, QMPError
from .program import TIMEOUT_S


class StartError(Exception):
    """The daemon ended during its start-up."""

    def __init__(self, returncode, stderr_text):
        self.returncode = returncode
        self.stderr = stderr_text
        super().__init__(f'exit code {returncode}: {stderr_text}')


class Daemon:
    """Starts `qemu-storage-daemon ARGS` with a monitor in front.

    `work_dir` gets its logs and sockets. `qmp` is the negotiated client.
    `binary` is the program to start instead of the one under test.
    """

    count = 0
    program = 'qemu-storage-daemon'
    first_args = ()

    def __init__(self, work_dir, *args, negotiate=True, monitor=True,
                 pass_fds=(), stdin=subprocess.DEVNULL, env=None,
                 preexec_fn=None, binary=None):
        Daemon.count += 1
        self.dir = work_dir
        self.name = f'daemon{Daemon.count}'
        self.expect_crash = False
        self.qmp = None
        argv = [binary or program.find(self.program), *self.first_args]
        theirs = None
        fds = list(pass_fds)
        if monitor:
            ours, theirs = socket.socketpair()
            ours.settimeout(TIMEOUT_S)
            fds.append(theirs.fileno())
            argv += self.monitor_args(theirs.fileno())
        argv += [str(arg) for arg in args]
        self.argv = argv
        full_env = dict(os.environ, **(env or {}))
        with open(self._log('out'), 'wb') as out, \
                open(self._log('err'), 'wb') as err:
            self.popen = subprocess.Popen(
                argv, stdin=stdin, stdout=out, stderr=err, env=full_env,
                pass_fds=fds, cwd=work_dir, preexec_fn=preexec_fn)
        self.pid = self.popen.pid
        if theirs is not None:
            theirs.close()
            self.qmp = QMP(ours)
            if negotiate:
                self._negotiate()

    @staticmethod
    def monitor_args(fd):
        return ['--chardev', f'socket,id=iotest,fd={fd}',
                '--monitor', 'chardev=iotest']

    def _negotiate(self):
        try:
            self.qmp.negotiate()
        except (Closed, BrokenPipeError, ConnectionResetError):
            self.popen.wait(TIMEOUT_S)
            self.check_not_crashed()
            raise StartError(self.popen.returncode, self.stderr()) from None

    def _log(self, kind):
        return os.path.join(self.dir, f'{self.name}.{kind}')

    def stdout(self):
        with open(self._log('out'), encoding='utf-8', errors='replace') as f:
            return f.read()

    def stderr(self):
        with open(self._log('err'), encoding='utf-8', errors='replace') as f:
            return f.read()

    def connect(self, path, negotiate=True):
        """One more monitor client on the unix socket PATH."""
        qmp = QMP.unix(path)
        if negotiate:
            qmp.negotiate()
        return qmp

    # -- shorthands

    def cmd(self, name, args=None, /, **kwargs):
        return self.qmp.cmd(name, args, **kwargs)

    def execute(self, name, args=None, ident=None):
        return self.qmp.execute(name, args, ident)

    def alive(self):
        return self.popen.poll() is None

    # -- the end

    def check_not_crashed(self):
        if not self.expect_crash:
            process.check_exit(self.name, self.popen.returncode,
                               self.stderr())

    def wait(self):
        """Waits for the end; its exit code. A crash is a failure."""
        self.popen.wait(TIMEOUT_S)
        self.check_not_crashed()
        return self.popen.returncode

    def quit(self):
        """Asks over QMP, waits, demands exit code 0."""
        try:
            self.qmp.cmd('quit')
        except (Closed, BrokenPipeError, ConnectionResetError):
            pass
        code = self.wait()
        self.qmp.close()
        assert code == 0, f'{self.name}: exit code {code}: {self.stderr()}'

    def end(self):
        """For clean-ups: whatever the state, no process stays behind."""
        try:
            if self.alive() and self.qmp and self.qmp.sock.fileno() >= 0:
                self.quit()
            elif self.alive():
                self.popen.terminate()
            self.wait()
        except QMPError:
            self.popen.terminate()
            self.wait()
        finally:
            if self.alive():
                self.popen.kill()
                self.popen.wait()
            if self.qmp:
                self.qmp.close()
