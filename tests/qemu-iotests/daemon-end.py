#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon's end: signals while it works, disks that hang, exit codes; and
what it says of its life."""

import os
import signal
import socket
import subprocess
import threading
import time

from lib import case, exports, images, program, tools
from lib.case import ours_only
from lib.program import TIMEOUT_S
from lib.images import MIB
from lib.nbdwire import Wire

NAME = 'qemu-storage-daemon'
SIGNALS = signal.SIGTERM, signal.SIGINT, signal.SIGHUP


class Work(case.Case):

    def start(self, *args, **kwargs):
        self.source = images.make_patterned(self.path('s.img'), 4 * MIB)
        self.target = images.make(self.path('t.img'), 4 * MIB)
        self.vm = self.daemon('--pidfile', self.path('pid'), *args, **kwargs)
        for name in 's', 't':
            self.vm.cmd('blockdev-add', driver='file', node_name=name,
                        filename=self.path(f'{name}.img'))
        self.vm.cmd('block-dirty-bitmap-add', node='s', name='b')
        self.server = exports.Server(self.vm)
        self.server.add('s')

    def backup(self, target='t', **args):
        self.vm.cmd('blockdev-backup', {
            'job-id': 'j', 'device': 's', 'target': target, 'sync': 'full',
            'x-perf': {'max-chunk': 65536, 'max-workers': 1}, **args})

    def read_to_the_end(self):
        """The names of the events until the daemon closes."""
        events = self.vm.qmp.events
        try:
            while True:
                events.append(self.vm.qmp.recv())
        except Exception as end:  # the end of the stream, or half a line
            self.assertEqual(type(end).__name__, 'Closed')
        return [e['event'] for e in events]

    def assert_gone(self):
        # (QEMU leaves the file of its NBD server's socket behind.)
        for name in ['pid'] if program.is_oracle() else ['pid', 'nbd']:
            self.assertFalse(os.path.exists(self.path(name)), name)

    def test_signal_with_a_job(self):
        """It is cancelled, as everybody is told."""
        for number in SIGNALS:
            self.start()
            self.backup(speed=65536)
            os.kill(self.vm.pid, number)
            self.assertIn('BLOCK_JOB_CANCELLED', self.read_to_the_end())
            self.assertEqual(self.vm.wait(), 0)
            self.assert_gone()
            # Both images can be opened again: no lock stayed.
            tools.io(self.path('t.img'), 'write 0 512')

    def test_signal_with_a_paused_job(self):
        self.start()
        self.backup(speed=65536)
        self.vm.cmd('job-pause', id='j')
        os.kill(self.vm.pid, signal.SIGTERM)
        self.assertEqual(self.vm.wait(), 0)
        self.assert_gone()

    def test_signal_with_clients(self):
        """Readers, writers and the silent: nobody keeps it."""
        self.start()
        silent = [Wire(self.server.path) for _ in range(3)]
        silent[0].greet()
        silent[1].go('s')
        stop = threading.Event()

        def work(offset):
            handle = self.server.connect('s')
            try:
                while not stop.is_set():
                    handle.pwrite(b'w' * 4096, offset)
                    handle.pread(65536, 0)
            except exports.nbd.Error:
                pass

        threads = [threading.Thread(target=work, args=[i * 4096])
                   for i in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.1)
        os.kill(self.vm.pid, signal.SIGTERM)
        self.assertEqual(self.vm.wait(), 0)
        stop.set()
        for thread in threads:
            thread.join()
        for wire in silent:
            wire.close()
        self.assert_gone()

    def test_more_signals(self):
        """Those after the first one change nothing."""
        self.start()
        self.backup(speed=65536)
        try:
            for i in range(50):
                os.kill(self.vm.pid, SIGNALS[i % 3])
        except ProcessLookupError:
            pass
        self.assertEqual(self.vm.wait(), 0)
        self.assert_gone()

    def test_sigpipe(self):
        self.start()
        os.kill(self.vm.pid, signal.SIGPIPE)
        self.assertEqual(len(self.vm.cmd('query-block-exports')), 1)

    @ours_only('waits for ever')
    def test_disk_that_hangs(self):
        """After a while it gives up, and says so."""
        for end in (lambda: os.kill(self.vm.pid, signal.SIGTERM),
                    lambda: self.vm.qmp.send_raw('{"execute": "quit"}\n')):
            self.start('--stop-timeout', '1')
            self.vm.cmd('blockdev-add', driver='null-co', node_name='hangs',
                        size=4 * MIB, latency_ns=3600 * 10**9)
            self.backup('hangs')
            end()
            self.assertEqual(self.vm.wait(), 1)
            self.assertEqual(self.vm.stderr().splitlines()[-1],
                             f'{NAME}: not ended within 1 seconds: giving up, '
                             'images are not closed')
            self.assert_gone()
            # What the kernel holds for a process is free again.
            tools.io(self.path('s.img'), 'write 0 512')


@ours_only('has no --log-level')
class Log(case.Case):

    def lines(self, vm):
        return [line.split(': ', 1)[1]
                for line in vm.stderr().splitlines()]

    def life(self, *args, **kwargs):
        vm = self.daemon(
            '--blockdev', 'null-co,node-name=n,size=1048576', '--nbd-server',
            f"addr.type=unix,addr.path={self.path('nbd')}", '--export',
            'nbd,id=e,node-name=n,name=a\x1bb', *args, **kwargs)
        wire = Wire(self.path('nbd'))
        wire.go('a\x1bb')
        wire.request(2)
        wire.recv_until_closed()
        wire.close()
        vm.quit()
        return vm

    def test_levels(self):
        for level in 'error', 'warning':
            self.assertEqual(self.life('--log-level', level).stderr(), '')
        self.assertEqual(self.life().stderr(), '')
        vm = self.life('--log-level', 'info')
        life = [f'info: starting as process {vm.pid}',
                f"info: listening for NBD clients on {self.path('nbd')}",
                'info: ready', 'info: ending: a client has sent quit',
                'info: ended']
        self.assertEqual(self.lines(vm), life)
        vm = self.life('--log-level', 'debug')
        self.assertEqual(
            self.lines(vm)[3:5],
            ["debug: an NBD client uses export 'a\\x1bb'",
             'debug: an NBD client has gone'])

    def test_flood(self):
        """10 lines a second of a kind; the others are counted."""
        vm = self.daemon('--log-level', 'debug')
        server = exports.Server(vm)
        start = time.monotonic()
        for _ in range(500):
            Wire(server.path).close()
        vm.quit()
        seconds = int(time.monotonic() - start) + 2
        lines = self.lines(vm)
        said = [x for x in lines if x.startswith('debug: an NBD client has')]
        self.assertLessEqual(len(said), 10 * seconds)
        self.assertEqual(lines[-2].split()[2:6],
                         ['more', 'messages', 'like', "'an"])
        self.assertEqual(lines[-1], 'info: ended')

    def test_journal(self):
        """Levels are what journald reads, if it is the journal."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            st = os.fstat(theirs.fileno())
            for stream, prefixes in (
                    (f'{st.st_dev}:{st.st_ino}', ['<6>', '<3>']),
                    ('1:1', [NAME[:3]] * 2), ('nonsense', [NAME[:3]] * 2)):
                done = subprocess.run(
                    [program.find(NAME), '--log-level', 'info', '--blockdev',
                     'nosuch'], stderr=theirs, check=False,
                    env=dict(os.environ, JOURNAL_STREAM=stream),
                    timeout=TIMEOUT_S)
                self.assertEqual(done.returncode, 1)
                lines = ours.recv(65536).decode().splitlines()
                self.assertEqual([lines[0][:3], lines[1][:3]], prefixes)

    def test_bad_options(self):
        for args, desc in (
                (['--log-level', 'x'], "--log-level x: Must be 'error', "
                 "'warning', 'info' or 'debug'"),
                (['--stop-timeout', '-1'], '--stop-timeout -1: Must be a '
                 'number of seconds between 0 and 86400'),
                (['--stop-timeout', 'x'], '--stop-timeout x: Must be a '
                 'number of seconds between 0 and 86400')):
            done = tools.run([program.find(NAME), *args], check=False)
            self.assertEqual((done.returncode, done.stderr),
                             (1, f'{NAME}: {desc}\n'))


class ExitCodes(case.Case):
    """What scripts look at."""

    def code(self, tool, *args):
        return tools.run([program.find(tool), *args], check=False).returncode

    def test_all_tools(self):
        for tool in NAME, 'qemu-img', 'qemu-io':
            for word in '--help', '-h', '--version', '-V':
                done = tools.run([program.find(tool), word], check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ''),
                                 (tool, word))
                self.assertTrue(done.stdout)
            self.assertEqual(self.code(tool, '--nosuch'), 1, tool)

    def test_img(self):
        a = images.make(self.path('a.img'), MIB)
        b = images.make_patterned(self.path('b.img'), MIB)
        raw = '-f', 'raw', '-F', 'raw'
        self.assertEqual(self.code('qemu-img'), 1)
        self.assertEqual(self.code('qemu-img', 'nosuch'), 1)
        self.assertEqual(self.code('qemu-img', 'info', '/no/such'), 1)
        self.assertEqual(self.code('qemu-img', 'compare', *raw, a, a), 0)
        self.assertEqual(self.code('qemu-img', 'compare', *raw, a, b), 1)
        self.assertEqual(
            self.code('qemu-img', 'compare', *raw, a, '/no/such'), 2)
        self.assertEqual(self.code('qemu-img', 'compare', a), 1)

    def test_io(self):
        a = images.make(self.path('a.img'), MIB)
        io = 'qemu-io', '-f', 'raw'
        self.assertEqual(self.code(*io, '-c', 'read 0 512', a), 0)
        self.assertEqual(self.code(*io, '-c', 'read -P 9 0 512', a), 1)
        self.assertEqual(self.code(*io, '-c', 'read 2M 512', a), 1)
        self.assertEqual(self.code(*io, '-c', 'nosuch', a), 1)
        self.assertEqual(self.code(*io, '/no/such'), 1)

    @ours_only('does not have the program')
    def test_tidemark(self):
        tool = os.path.join(program.build_dir(), 'tools', 'tidemark')
        for args, code in (([], 1), (['nosuch'], 1), (['--help'], 0),
                           (['--version'], 0), (['daemon', '--help'], 0),
                           (['img', '--version'], 0), (['io', '-h'], 0)):
            self.assertEqual(tools.run([tool, *args], check=False).returncode,
                             code, args)


if __name__ == '__main__':
    case.main()
