#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon as a service: readiness, the end by a signal."""

import os
import signal
import socket

from lib import case, tools
from lib.case import ours_only
from lib.program import TIMEOUT_S

NULL = '--blockdev', 'null-co,node-name=n,size=1048576'


class Manager:
    """A service manager's end of the notification socket."""

    def __init__(self, address):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.settimeout(TIMEOUT_S)
        self.sock.bind(address)

    def next(self):
        return self.sock.recv(4096).decode()

    def heard_more(self):
        self.sock.setblocking(False)
        try:
            return self.next()
        except BlockingIOError:
            return None


@ours_only('does not know NOTIFY_SOCKET')
class Notify(case.Case):

    def setUp(self):
        super().setUp()
        self.where = self.path('notify')
        self.manager = self.listen(self.where)

    def listen(self, address):
        manager = Manager(address)
        self.addCleanup(manager.sock.close)
        return manager

    def start(self, *args, where=None, **kwargs):
        return self.daemon(*args, env={'NOTIFY_SOCKET': where or self.where},
                           **kwargs)

    def assert_life(self, manager, end, **kwargs):
        """READY=1 means that clients of all kinds are served."""
        nbd, qmp = self.path('nbd'), self.path('qmp')
        vm = self.start(
            *NULL, '--nbd-server', f'addr.type=unix,addr.path={nbd}',
            '--export', 'nbd,id=e,node-name=n', '--pidfile',
            self.path('pid'), '--chardev',
            f'socket,id=q,path={qmp},server=on,wait=off', '--monitor', 'q',
            monitor=False, **kwargs)
        self.assertEqual(manager.next(), 'READY=1')
        self.assertTrue(os.path.exists(self.path('pid')))
        self.assertEqual(tools.nbdinfo(
            '--size', f'nbd+unix:///n?socket={nbd}').stdout, '1048576\n')
        client = vm.connect(qmp)
        self.assertIsNone(manager.heard_more())
        manager.sock.settimeout(TIMEOUT_S)
        end(vm, client)
        self.assertEqual(manager.next(), 'STOPPING=1')
        self.assertEqual(vm.wait(), 0)
        client.close()
        self.assertIsNone(manager.heard_more())
        self.assertEqual(vm.stderr(), '')

    def test_quit(self):
        self.assert_life(self.manager, lambda vm, qmp: qmp.cmd('quit'))

    def test_signal(self):
        self.assert_life(self.manager,
                         lambda vm, qmp: os.kill(vm.pid, signal.SIGTERM))

    def test_abstract(self):
        name = f'iotest-{os.getpid()}-notify'
        self.assert_life(self.listen('\0' + name),
                         lambda vm, qmp: qmp.cmd('quit'), where='@' + name)

    def test_failed_start(self):
        """Says nothing: the manager sees the exit code."""
        vm = self.start('--blockdev', 'nosuch', monitor=False)
        self.assertEqual(vm.wait(), 1)
        self.assertIsNone(self.manager.heard_more())

    def test_help(self):
        vm = self.start('--object', 'help', monitor=False)
        self.assertEqual(vm.wait(), 0)
        self.assertIsNone(self.manager.heard_more())

    def test_unreachable(self):
        """A manager that cannot be told is no reason to end."""
        gone = self.path('gone')
        long = '/' + 'x' * 108
        for where, desc in (
                (gone, "Failed to send '{}' to '" + gone +
                 "': No such file or directory"),
                ('vsock:2:1', "'vsock:2:1' is neither a path nor an abstract "
                 'name'),
                ('', "'' is neither a path nor an abstract name"),
                (long, f"UNIX socket path '{long}' is too long")):
            vm = self.daemon(*NULL, env={'NOTIFY_SOCKET': where})
            self.assertEqual(len(vm.cmd('query-named-block-nodes')), 1)
            vm.quit()
            for state in 'READY=1', 'STOPPING=1':
                self.assertIn(
                    'qemu-storage-daemon: warning: NOTIFY_SOCKET: ' +
                    desc.format(state) + '\n', vm.stderr())


if __name__ == '__main__':
    case.main()
