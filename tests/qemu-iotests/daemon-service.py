#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon as a service: readiness, passed sockets, ends by signals."""

import fcntl
import os
import select
import shlex
import signal
import socket
import time

from lib import case, program, tools
from lib.case import ours_only
from lib.program import TIMEOUT_S
from lib.qmp import QMP

NAME = 'qemu-storage-daemon'
FIRST_FD = 3
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


class Activated(case.Case):
    """What starts a daemon on sockets that are there already."""

    def setUp(self):
        super().setUp()
        self.nbd = self.path('nbd')
        self.sock = self.bound(self.nbd)

    def bound(self, path, listens=True):
        sock = socket.socket(socket.AF_UNIX)
        self.addCleanup(sock.close)
        sock.bind(path)
        if listens:
            sock.listen()
        return sock

    def size(self):
        return tools.nbdinfo(
            '--size', f'nbd+unix:///n?socket={self.nbd}').stdout

    def options(self, text):
        return [*NULL, '--nbd-server', f'addr.type=fd,addr.str={text}',
                '--export', 'nbd,id=e,node-name=n']

    def activate(self, *args, socks=None, names='nbd', pid=None, count=None):
        """As a service manager starts it: sockets from 3 on."""
        socks = [self.sock] if socks is None else socks
        # Copies far up, so that none is overwritten on its way down.
        copies = [fcntl.fcntl(s, fcntl.F_DUPFD_CLOEXEC, 100) for s in socks]

        def in_child():
            for i, fd in enumerate(copies):
                os.dup2(fd, FIRST_FD + i)
            os.environ['LISTEN_PID'] = str(pid or os.getpid())
            os.environ['LISTEN_FDS'] = str(
                len(socks) if count is None else count)
            os.environ.pop('LISTEN_FDNAMES', None)
            if names is not None:
                os.environ['LISTEN_FDNAMES'] = names
            os.execv(program.find(NAME), [NAME, *args])

        child = os.fork()
        if not child:
            try:
                err = os.open(self.path('err'),
                              os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                os.dup2(err, 2)
                in_child()
            finally:
                os._exit(99)
        for fd in copies:
            os.close(fd)
        # A descriptor, so that no other process can be meant.
        pidfd = os.pidfd_open(child)
        self.addCleanup(os.close, pidfd)
        self.addCleanup(self.kill, pidfd)
        return child

    @staticmethod
    def kill(pidfd):
        """Whatever became of the test, no process stays behind."""
        if not select.select([pidfd], [], [], 0)[0]:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            os.waitid(os.P_PIDFD, pidfd, os.WEXITED)

    def finish(self, child, number=signal.SIGTERM):
        """Ends it; exit code and standard error."""
        if number:
            os.kill(child, number)
        status = os.waitpid(child, 0)[1]
        with open(self.path('err'), encoding='utf-8') as f:
            return os.waitstatus_to_exitcode(status), f.read()


class Passed(Activated):
    """Listening sockets that others made, and keep."""

    def test_by_number(self):
        """The socket outlives the daemon; the next one serves it again."""
        for _ in range(2):
            vm = self.daemon(*self.options(self.sock.fileno()),
                             pass_fds=[self.sock.fileno()])
            self.assertEqual(self.size(), '1048576\n')
            vm.quit()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(self.nbd)

    @ours_only('removes the file of the socket')
    def test_nbd_server_stop(self):
        vm = self.daemon(*self.options(self.sock.fileno()),
                         pass_fds=[self.sock.fileno()])
        vm.cmd('nbd-server-stop')
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(self.nbd)
            self.sock.accept()[0].close()

    @ours_only('takes numbers only')
    def test_by_name(self):
        other = self.bound(self.path('other'))
        for socks, names in (([self.sock], 'nbd'),
                             ([other, self.sock], 'other:nbd'),
                             ([other, other, self.sock], 'x:x:nbd')):
            child = self.activate(*self.options('nbd'), socks=socks,
                                  names=names)
            self.assertEqual(self.size(), '1048576\n')
            self.assertEqual(self.finish(child), (0, ''))

    @ours_only('takes numbers only')
    def test_without_names(self):
        child = self.activate(*self.options('unknown'), names=None)
        self.assertEqual(self.size(), '1048576\n')
        self.assertEqual(self.finish(child), (0, ''))

    @ours_only('takes numbers only')
    def test_taken(self):
        """A socket has one owner: its number may be another's later."""
        chardev = '--chardev', 'socket,id=q,fd=nbd,server=on,wait=off'
        child = self.activate(*self.options('nbd'), *chardev)
        self.assertEqual(self.finish(child, 0), (
            1, f'{NAME}: --nbd-server addr.type=fd,addr.str=nbd: '
            "Socket 'nbd' was taken already\n"))

    @ours_only('takes numbers only')
    def test_monitor_by_name(self):
        path = self.path('qmp')
        child = self.activate(
            '--chardev', 'socket,id=q,fd=qmp,server=on,wait=off', '--monitor',
            'q', *self.options('nbd'), socks=[self.sock, self.bound(path)],
            names='nbd:qmp')
        client = QMP.unix(path)
        client.negotiate()
        self.assertEqual(self.size(), '1048576\n')
        client.cmd('quit')
        client.close()
        self.assertEqual(self.finish(child, 0), (0, ''))

    def test_bound_only(self):
        """A socket that nobody listens on yet is listened on."""
        path = self.path('qmp')
        child = self.activate(
            '--chardev', 'socket,id=q,fd=3,server=on,wait=off', '--monitor',
            'q', socks=[self.bound(path, listens=False)])
        client = self.dial(path)
        client.negotiate()
        client.cmd('quit')
        client.close()
        self.assertEqual(self.finish(child, 0), (0, ''))

    @staticmethod
    def dial(path):
        """Waits until somebody listens there."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            try:
                return QMP.unix(path)
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def test_monitor_by_number(self):
        path = self.path('qmp')
        child = self.activate(
            '--chardev', 'socket,id=q,fd=3,server=on,wait=off', '--monitor',
            'q', socks=[self.bound(path)])
        client = QMP.unix(path)
        client.negotiate()
        client.cmd('quit')
        client.close()
        self.assertEqual(self.finish(child, 0), (0, ''))

    def assert_fails(self, desc, text='nbd', prefix=True, **kwargs):
        child = self.activate(*self.options(text), **kwargs)
        if prefix:
            desc = f'--nbd-server addr.type=fd,addr.str={text}: {desc}'
        self.assertEqual(self.finish(child, 0), (1, f'{NAME}: {desc}\n'))

    def test_not_passed(self):
        """For another process, or none: names are no numbers."""
        desc = 'Unable to parse FD number nbd'
        self.assert_fails(desc, pid=1)
        self.assert_fails(desc, count=0)
        self.assert_fails("File descriptor '99' is not a socket", '99')

    @ours_only('takes numbers only')
    def test_wrong_name(self):
        self.assert_fails("No socket named 'nosuch' was passed", 'nosuch')
        self.assert_fails("No socket named 'nbd' was passed", names=None)
        self.assert_fails("2 sockets named 'nbd' were passed: give a number",
                          socks=[self.sock] * 2, names='nbd:nbd')
        self.assert_fails("No socket named '' was passed", '')

    @ours_only('takes numbers only')
    def test_contradictions(self):
        for desc, kwargs in (
                ("LISTEN_FDNAMES: 'nbd' does not name 2 sockets",
                 {'socks': [self.sock] * 2}),
                ("LISTEN_FDNAMES: 'a:b' does not name 1 sockets",
                 {'names': 'a:b'}),
                ("LISTEN_FDS: 'x' is not a number of sockets",
                 {'count': 'x'}),
                ("LISTEN_FDS: '-1' is not a number of sockets",
                 {'count': '-1'}),
                ('LISTEN_FDS: descriptor 4 is not open',
                 {'count': 2000000000})):
            self.assert_fails(desc, prefix=False, **kwargs)


@ours_only('takes numbers only')
class Units(Activated):
    """The units in the documentation do what they say."""

    def unit(self, name):
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                            '..', '..', 'docs', 'tools', 'systemd', name)
        out = {}
        with open(path, encoding='utf-8') as f:
            text = f.read().replace('\\\n', ' ')
        for line in text.splitlines():
            if line and line[0] not in '#[':
                key, value = line.split('=', 1)
                self.assertNotIn(key, out)
                out[key] = value.strip()
            elif line.startswith('['):
                self.assertTrue(line.endswith(']'))
        return out

    def test_units(self):
        service = self.unit('tidemark.service')
        sockets = [self.unit(name) for name in service['Requires'].split()]
        for key in 'After', 'Also':
            self.assertEqual(service[key], service['Requires'])
        self.assertEqual([s['Service'] for s in sockets],
                         ['tidemark.service'] * 2)
        argv = shlex.split(service['ExecStart'])
        self.assertEqual(argv[:2], ['/usr/bin/tidemark', 'daemon'])
        with open(self.path('disk.img'), 'wb') as f:
            f.truncate(1 << 20)
        args = [a.replace('/var/lib/tidemark', self.dir) for a in argv[2:]]
        # Not the one of setUp, in a directory as systemd would make it.
        paths = [self.path(os.path.basename(s['ListenStream']))
                 for s in sockets]
        child = self.activate(
            *args, socks=[self.bound(path) for path in paths],
            names=':'.join(s['FileDescriptorName'] for s in sockets))
        self.assertEqual(tools.nbdinfo(
            '--size', f'nbd+unix:///disk?socket={paths[0]}').stdout,
            '1048576\n')
        client = QMP.unix(paths[1])
        client.negotiate()
        self.assertEqual(client.cmd('query-block-exports')[0]['id'], 'disk')
        client.close()
        code, err = self.finish(child)
        self.assertEqual(code, 0)
        self.assertIn('info: ready', err)


if __name__ == '__main__':
    case.main()
