# SPDX-License-Identifier: GPL-2.0-or-later
"""qemu-nbd, the program under test: as a server with a life, or run once."""

import subprocess

from . import case, process, program, tools


class Server:
    """`qemu-nbd -k SOCKET ARGS`, from its socket to its end."""

    def __init__(self, test, *args, sock=None, **kwargs):
        self.sock = sock or test.path('nbd.sock')
        self.proc = subprocess.Popen(
            [program.find('qemu-nbd'), '-k', self.sock, *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, cwd=test.dir, **kwargs)
        self.out = self.err = ''
        test.addCleanup(self.kill)
        if not program.wait_listening(self.proc, self.sock):
            self.wait()
            raise AssertionError(f'no socket: {self.err}')

    def uri(self, export=''):
        return f'nbd+unix:///{export}?socket={self.sock}'

    def wait(self):
        """Its exit code, when it ends by itself."""
        self.out, self.err = self.proc.communicate(timeout=program.TIMEOUT_S)
        process.check_exit('qemu-nbd', self.proc.returncode, self.err)
        return self.proc.returncode

    def end(self, signal=15):
        self.proc.send_signal(signal)
        return self.wait()

    def kill(self):
        if self.proc.poll() is None:
            self.proc.kill()
        if not self.proc.stdout.closed:
            self.proc.communicate()

    @property
    def alive(self):
        return self.proc.poll() is None


class NbdToolCase(case.Case):

    def serve(self, *args, **kwargs):
        return Server(self, *args, **kwargs)

    def tool(self, *args, check=False, **kwargs):
        """Runs it until it ends."""
        kwargs.setdefault('cwd', self.dir)
        return tools.run([program.find('qemu-nbd'), *args], check=check,
                         **kwargs)

    def listed(self, server):
        return self.tool('-L', '-k', server.sock, check=True).stdout

    def make(self, name, fmt='raw', size='1M', *more):
        tools.run(['/usr/bin/qemu-img', 'create', '-q', '-f', fmt, *more,
                   self.path(name), size])
        return self.path(name)

    def client(self, server, *commands, export='', options=(), check=True):
        return tools.run(
            ['/usr/bin/qemu-io', '-f', 'raw', *options,
             *(word for c in commands for word in ('-c', c)),
             server.uri(export)], check=check)
