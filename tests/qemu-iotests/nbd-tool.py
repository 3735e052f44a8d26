#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qemu-nbd: one image served, and the life of the program."""

import os
import signal
import socket
import subprocess
import time

from lib import case, program, tools
from lib.case import ours_only
from lib.nbd_tool import NbdToolCase


class Life(NbdToolCase):

    @case.ours_only('says at times that the pipe to its client is broken')
    def test_ends_with_its_client(self):
        self.make('disk')
        server = self.serve('-f', 'raw', 'disk')
        self.client(server, 'write -P 7 0 64k')
        self.assertEqual(server.wait(), 0)
        self.assertFalse(os.path.exists(server.sock))
        self.assertEqual((server.out, server.err), ('', ''))
        with open(self.path('disk'), 'rb') as f:
            self.assertEqual(f.read(65537), b'\7' * 65536 + b'\0')

    def test_looking_ends_nothing(self):
        self.make('disk')
        server = self.serve('-f', 'raw', 'disk')
        self.listed(server)
        self.client(server, 'read 0 1', export='wrong', check=False)
        self.client(server, 'read 0 1')
        self.assertEqual(server.wait(), 0)

    def test_persistent(self):
        self.make('disk')
        server = self.serve('-t', '-f', 'raw', 'disk')
        for _ in range(3):
            self.client(server, 'read 0 1')
        self.assertTrue(server.alive)
        self.assertEqual(server.end(), 0)
        self.assertFalse(os.path.exists(server.sock))

    def test_signals(self):
        self.make('disk')
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(number):
                server = self.serve('-t', '-f', 'raw', 'disk')
                self.client(server, 'read 0 1')
                self.assertEqual(server.end(number), 0)

    def test_shared(self):
        """The second of two clients comes when there is room."""
        self.make('disk')
        for share, expected in ((('-e', '2'), True), ((), False)):
            with self.subTest(share):
                server = self.serve('-t', *share, '-f', 'raw', 'disk')
                with socket.socket(socket.AF_UNIX) as one, \
                        socket.socket(socket.AF_UNIX) as two:
                    one.connect(server.sock)
                    self.assertEqual(one.recv(8), b'NBDMAGIC')
                    two.connect(server.sock)
                    if expected:
                        self.assertEqual(two.recv(8), b'NBDMAGIC')
                    else:
                        one.close()
                        self.assertEqual(two.recv(8), b'NBDMAGIC')
                self.assertEqual(server.end(), 0)

    def test_pid_file(self):
        """It stays behind."""
        self.make('disk')
        pid_file = self.path('pid')
        server = self.serve('-t', '-f', 'raw', f'--pid-file={pid_file}',
                            'disk')
        self.client(server, 'read 0 1')
        with open(pid_file, encoding='ascii') as f:
            self.assertEqual(f.read(), f'{server.proc.pid}\n')
        self.assertEqual(server.end(), 0)
        self.assertTrue(os.path.exists(pid_file))

    def test_tcp(self):
        self.make('disk')
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            port = str(probe.getsockname()[1])
        proc = subprocess.Popen(
            [program.find('qemu-nbd'), '-b', '127.0.0.1', '-p', port, '-f',
             'raw', 'disk'], cwd=self.dir)
        self.addCleanup(proc.wait)
        self.addCleanup(proc.kill)
        deadline = time.monotonic() + program.TIMEOUT_S
        while self.tool('-L', '-b', '127.0.0.1', '-p', port).returncode:
            self.assertLess(time.monotonic(), deadline)
        tools.run(['/usr/bin/qemu-io', '-f', 'raw', '-c', 'read 0 1',
                   f'nbd://127.0.0.1:{port}'])
        self.assertEqual(proc.wait(program.TIMEOUT_S), 0)


class Fork(NbdToolCase):

    def start(self, *args):
        pid_file = self.path('pid')
        done = self.tool('--fork', '-t', '-k', self.path('nbd.sock'),
                         f'--pid-file={pid_file}', *args)
        if os.path.exists(pid_file):
            with open(pid_file, encoding='ascii') as f:
                self.pid = int(f.read())
            self.addCleanup(self.end)
        return done

    def end(self):
        try:
            os.kill(self.pid, signal.SIGTERM)
            while True:
                os.kill(self.pid, 0)
                time.sleep(0.01)
        except ProcessLookupError:
            pass

    def test_serves_when_it_returns(self):
        self.make('disk')
        done = self.start('-f', 'raw', 'disk')
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, '', ''))
        self.assertEqual(os.readlink(f'/proc/{self.pid}/cwd'), '/')
        for fd in range(3):
            self.assertTrue(os.path.samefile(
                f'/proc/{self.pid}/fd/{fd}', '/dev/null'))
        self.assertEqual(os.getsid(self.pid) == os.getsid(0), False)
        text = self.tool('-L', '-k', self.path('nbd.sock')).stdout
        self.assertIn('exports available: 1', text)

    def test_errors_come_out_of_the_parent(self):
        done = self.start('nosuch')
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, (
            "qemu-nbd: Failed to blk_new_open 'nosuch': Could not open "
            "'nosuch': No such file or directory\n"))

    def test_a_warning_is_an_error(self):
        """But it serves, as QEMU's does."""
        self.make('disk')
        done = self.start('disk')
        self.assertEqual(done.returncode, 1)
        self.assertIn('WARNING: Image format was not specified', done.stderr)
        self.assertEqual(
            self.tool('-L', '-k', self.path('nbd.sock')).returncode, 0)


class Activation(NbdToolCase):
    """systemd passes the socket."""

    def run_with(self, count, *args):
        socks = []
        for i in range(count):
            sock = socket.socket(socket.AF_UNIX)
            self.addCleanup(sock.close)
            sock.bind(self.path(f'sock{i}'))
            sock.listen()
            socks.append(sock)
        words = ' '.join(f'{3 + i}<&{s.fileno()}' for i, s in
                         enumerate(socks))
        script = (f'export LISTEN_FDS={count} LISTEN_PID=$$\n'
                  f'exec "$0" "$@" {words}')
        proc = subprocess.Popen(
            ['bash', '-c', script, program.find('qemu-nbd'), *args],
            pass_fds=[s.fileno() for s in socks], cwd=self.dir,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.reap, proc)
        return proc

    @staticmethod
    def reap(proc):
        proc.kill()
        proc.communicate()

    def test_serves(self):
        self.make('disk')
        proc = self.run_with(1, '-t', '-f', 'raw', 'disk')
        sock = self.path('sock0')
        done = self.tool('-L', '-k', sock, check=True)
        self.assertIn(" export: ''", done.stdout)
        proc.terminate()
        self.assertEqual(proc.wait(program.TIMEOUT_S), 0)
        self.assertTrue(os.path.exists(sock))

    def test_refused(self):
        self.make('disk')
        disk = ('-f', 'raw', 'disk')
        for count, args, text in (
                (2, disk, 'qemu-nbd does not support socket activation with '
                          'LISTEN_FDS > 1'),
                (1, ('-p', '3', *disk), "TCP port number can't be set when "
                                        'using socket activation'),
                (1, ('-b', 'x', *disk), "The interface can't be set when "
                                        'using socket activation'),
                (1, ('-k', '/x', *disk), "Unix socket can't be set when "
                                         'using socket activation'),
                (1, ('-L',), 'List mode is incompatible with socket '
                             'activation')):
            with self.subTest(args):
                proc = self.run_with(count, *args)
                self.assertEqual(proc.wait(program.TIMEOUT_S), 1)
                self.assertEqual(proc.stderr.read(), f'qemu-nbd: {text}\n')
                for i in range(count):
                    os.unlink(self.path(f'sock{i}'))


class Image(NbdToolCase):

    def content(self, server, offset, byte, size='4k', **kwargs):
        done = self.client(server, f'read -P {byte} {offset} {size}',
                           options=('-r',), **kwargs)
        self.assertNotIn('Pattern verification failed', done.stdout)

    def test_offset(self):
        self.make('disk')
        tools.io(self.path('disk'), 'write -P 9 64k 4k')
        server = self.serve('-t', '-o', '65536', '-f', 'raw', 'disk')
        self.content(server, 0, 9)
        self.client(server, 'write -P 5 4k 4k')
        self.assertIn('size:  983040\n', self.listed(server))
        server.end()
        tools.io(self.path('disk'), 'read -P 5 68k 4k')

    def test_temporary_layer(self):
        """What is written is seen, and gone with the server."""
        for fmt in ('raw', 'qcow2'):
            disk = self.make(f'disk.{fmt}', fmt)
            tools.io(disk, 'write -P 9 64k 4k', options=('-f', fmt))
            with open(disk, 'rb') as f:
                before = f.read()
            env = dict(os.environ, TMPDIR=self.dir)
            names = sorted(os.listdir(self.dir))
            server = self.serve('-t', '-s', '-f', fmt, disk, env=env)
            self.client(server, 'write -P 5 64k 2k')
            self.content(server, '64k', 5, '2k')
            self.content(server, '66k', 9, '2k')
            self.assertEqual(sorted(set(os.listdir(self.dir)) -
                                    {'nbd.sock'}), names)
            self.assertEqual(server.end(), 0)
            with open(disk, 'rb') as f:
                self.assertEqual(f.read(), before)

    def test_snapshot_inside(self):
        disk = self.make('disk', 'qcow2')
        tools.io(disk, 'write -P 1 0 4k', options=('-f', 'qcow2'))
        tools.run(['/usr/bin/qemu-img', 'snapshot', '-c', 'first', disk])
        tools.io(disk, 'write -P 2 0 4k', options=('-f', 'qcow2'))
        for name in ('first', '1', 'snapshot.id=1',
                     'snapshot.name=first', 'snapshot.id=1,'
                                            'snapshot.name=first'):
            with self.subTest(name):
                server = self.serve('-t', '-l', name, disk)
                self.content(server, 0, 1)
                self.assertIn('readonly', self.listed(server))
                self.assertEqual(server.end(), 0)

    def test_bitmaps_and_depth(self):
        disk = self.make('disk', 'qcow2')
        tools.run(['/usr/bin/qemu-img', 'bitmap', '--add', disk, 'b0'])
        tools.run(['/usr/bin/qemu-img', 'bitmap', '--add', disk, 'b1'])
        server = self.serve('-t', '-r', '-A', '-B', 'b1', '-B', 'b0', disk)
        self.assertTrue(self.listed(server).endswith(
            '  available meta contexts: 4\n'
            '   base:allocation\n'
            '   qemu:allocation-depth\n'
            '   qemu:dirty-bitmap:b0\n'
            '   qemu:dirty-bitmap:b1\n'), self.listed(server))
        server.end()

    def test_json_and_options(self):
        disk = self.make('disk', 'qcow2')
        for args in (
                ('json:{"driver":"qcow2","file":{"driver":"file",'
                 f'"filename":"{disk}"}}}}',),
                ('--image-opts', f'driver=qcow2,file.filename={disk}'),
                (f'file:{disk}',)):
            with self.subTest(args):
                server = self.serve('-t', *args)
                self.assertIn('size:  1048576\n', self.listed(server))
                self.assertEqual(server.end(), 0)

    def test_detect_zeroes(self):
        disk = self.make('disk', 'qcow2')
        server = self.serve('--discard=unmap', '--detect-zeroes=unmap',
                            '-f', 'qcow2', disk)
        self.client(server, 'write -P 0 0 64k')
        self.assertEqual(server.wait(), 0)
        text = tools.img('map', '--output=json', disk).stdout
        self.assertIn('"zero": true, "data": false}]', text)


class Listing(NbdToolCase):

    def test_flags(self):
        self.make('disk')
        tail = ('  min block: 1\n  opt block: 4096\n'
                '  max block: 33554432\n'
                '  available meta contexts: 1\n   base:allocation\n')
        rw = 'flush fua trim zeroes df cache fast-zero'
        for args, flags in (
                ((), f'0xced ( {rw} )'),
                (('-r',), '0x48f ( readonly flush fua df cache )'),
                (('-e', '5'), '0xded ( flush fua trim zeroes df multi cache '
                              'fast-zero )'),
                (('-e', '0', '-r'), '0x58f ( readonly flush fua df multi '
                                    'cache )')):
            with self.subTest(args):
                server = self.serve('-t', '-x', 'n', '-D', 'some words',
                                    *args, '-f', 'raw', 'disk')
                self.assertEqual(self.listed(server), (
                    "exports available: 1\n export: 'n'\n"
                    '  description: some words\n  size:  1048576\n'
                    f'  flags: {flags}\n' + tail))
                server.end()

    def test_other_servers(self):
        """Old and new ones, and one that has several."""
        for words, expected in (
                (('null', '1M'), ' multi cache fast-zero )\n  available '
                                 'meta contexts: 1\n   base:allocation\n'),
                (('-o', 'null', '1M'), ' multi cache fast-zero )\n'),
                (('--no-sr', 'null', '1M'), ' multi cache fast-zero )\n'),
                (('--filter=exportname', 'memory', '1M',
                  'exportname-list=explicit', 'exportname=a',
                  'exportname=b', 'exportdesc=fixed:hello'),
                 ' fast-zero )\n  available meta contexts: 1\n'
                 '   base:allocation\n')):
            with self.subTest(words):
                done = tools.run(['nbdkit', '-U', '-', *words, '--run',
                                  program.find('qemu-nbd') +
                                  ' -L -k $unixsocket'])
                self.assertTrue(done.stdout.endswith(expected), done.stdout)
        self.assertIn(" export: 'a'\n  description: hello\n", done.stdout)
        self.assertIn(" export: 'b'\n  description: hello\n", done.stdout)


class Words(NbdToolCase):

    @case.ours_only('leaves --tls-hostname out of its help')
    def test_version_and_help(self):
        out = self.tool('--version').stdout
        self.assertRegex(out, r'^\S*qemu-nbd 7\.2\.22 \(')
        out = self.tool('--help').stdout
        self.assertRegex(out, r'^Usage: \S*qemu-nbd \[OPTIONS\] FILE\n'
                              r'  or:  \S*qemu-nbd -L \[OPTIONS\]\n')
        for word in ('-A, --allocation-depth', '-L, --list', '--fork',
                     '--tls-hostname', '--image-opts', '--detect-zeroes'):
            self.assertIn(word, out)

    @ours_only('opens the device')
    def test_kernel_devices_are_refused(self):
        for args, letter in ((('-c', '/dev/nbd0', 'disk'), 'c'),
                             (('-d', '/dev/nbd0'), 'd')):
            done = self.tool(*args)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"-{letter}: the kernel's NBD devices are not "
                          'supported', done.stderr)

    def test_refused(self):
        """The same words and status as Debian's."""
        self.make('raw')
        self.make('qcow2', 'qcow2')
        sock = self.path('sock')
        for line in REFUSED.splitlines():
            args = [w.replace('SOCK', sock) for w in line.split()]
            with self.subTest(line):
                both = [tools.run([path, *args], check=False, cwd=self.dir)
                        for path in (program.find('qemu-nbd'),
                                     '/usr/bin/qemu-nbd')]
                self.assertEqual(
                    *[(d.returncode, d.stdout,
                       d.stderr.replace('/usr/bin/', '')) for d in both])


REFUSED = '''
a b
-p x raw
-e x raw
-e -1 raw
--cache=foo raw
-n --cache=none raw
--cache=none --cache=none raw
--aio=foo raw
--aio=io_uring --aio=native raw
--aio=native -k SOCK raw
--discard=x raw
--discard=on --discard=off raw
--detect-zeroes=x raw
--detect-zeroes=unmap raw
-o x raw
-o -1 -k SOCK -f raw raw
-o 2M raw
-o 2097152 -f raw -k SOCK raw
-k relative raw
-k relative -Z
-Z
--foo
-p
-f nope -k SOCK raw
-f qcow2 -k SOCK raw
-k SOCK nosuch
-k SOCK -B nob qcow2
-k SOCK -f raw -B b0 raw
-k SOCK -l foo qcow2
-k SOCK -l snapshot.id=3 qcow2
-k SOCK -l snapshot.foo=1 qcow2
-k SOCK -l foo -f raw raw
-k SOCK -l foo -s qcow2
-k SOCK -f qcow2 -o 512 -l foo qcow2
-k SOCK -s -f nosuch raw
--tls-creds=foo -k SOCK raw
--tls-authz=foo -k SOCK raw
--tls-hostname=foo -k SOCK raw
--tls-creds=a --tls-hostname=b -k SOCK raw
-k SOCK --object foo raw
-k SOCK --object secret,id=a raw
--object foo a b
--object foo --tls-authz=x raw
-k SOCK --image-opts -f raw raw
--image-opts -k SOCK driver=nope
--image-opts -k SOCK raw
--image-opts -k SOCK driver=qcow2,file.filename=nosuch
-k /no/such raw
--pid-file=/no/such -k SOCK -f raw raw
--fork -k SOCK nosuch
-L raw
-L -x foo
-L -o 1
-L -A
-L -B b
-L -D x
-L -f raw
-L --fork -k SOCK
-L --fork foo
-L -e x
-L -k SOCK
-L -k relative
-L --tls-authz=x -k SOCK
-L --tls-authz=x --tls-creds=foo -k SOCK
-L --tls-creds=foo -k SOCK
-L -p 1
'''

if __name__ == '__main__':
    case.main()
