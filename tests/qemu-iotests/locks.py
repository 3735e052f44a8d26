#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Locks on image files: programs keep each other from what would harm.

Every test that needs two programs runs with Debian's QEMU on either side:
the one under test refuses QEMU's images, and QEMU refuses its.
"""

import fcntl
import os
import struct
import subprocess

from lib import case, images, tools
from lib.exports import Server
from lib.images import MIB

OFD_GETLK, OFD_SETLK = 36, 37
QSD, IO, IMG = (f'/usr/bin/qemu-{name}'
                for name in ('storage-daemon', 'io', 'img'))

# (which program holds the image, which one comes; None: the one under test)
PAIRS = ((None, QSD), (QSD, None), (None, None))

READ, WRITE, RESIZE = 100, 101, 103
NO_READ, NO_WRITE, NO_RESIZE = 200, 201, 203


def lock(kind, byte):
    return struct.pack('hhqqi4x', kind, os.SEEK_SET, byte, 1, 0)


def held(path):
    """The bytes that anybody has locked."""
    out = []
    fd = os.open(path, os.O_RDWR)
    for byte in (*range(96, 110), *range(196, 210)):
        answer = fcntl.fcntl(fd, OFD_GETLK, lock(fcntl.F_WRLCK, byte))
        if struct.unpack_from('h', answer)[0] != fcntl.F_UNLCK:
            out.append(byte)
    os.close(fd)
    return out


class Held:
    """Some bytes, locked by this process."""

    def __init__(self, path, *lock_bytes, kind=fcntl.F_RDLCK):
        self.fd = os.open(path, os.O_RDWR)
        for byte in lock_bytes:
            fcntl.fcntl(self.fd, OFD_SETLK, lock(kind, byte))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)


class Locks(case.Case):

    def setUp(self):
        super().setUp()
        self.image = images.make(self.path('a.img'), MIB, [(0, MIB, 7)])

    def storage(self, binary=None, **options):
        """A daemon with a node `f` on the image and an NBD server."""
        vm = self.daemon(binary=binary)
        self.add(vm, 'f', **options)
        vm.server = Server(vm, name=f'{vm.name}.sock')
        return vm

    def add(self, vm, name, **options):
        vm.cmd('blockdev-add', {
            'driver': 'file', 'node-name': name, 'filename': self.image,
            **{k.replace('_', '-'): v for k, v in options.items()}})

    def backup_held(self, vm, source='f', target='sink'):
        """A full backup that stands still after its first step."""
        null = target if target != 'f' else source
        vm.cmd('blockdev-add', {'driver': 'null-co', 'node-name': null,
                                'size': MIB})
        vm.cmd('blockdev-backup', {
            'job-id': 'j', 'device': source, 'target': target,
            'sync': 'full', 'speed': 1,
            'x-perf': {'max-workers': 1, 'max-chunk': 65536}})

    @staticmethod
    def cancel(vm):
        vm.cmd('block-job-cancel', device='j', force=True)
        vm.qmp.event('JOB_STATUS_CHANGE', id='j', status='null')

    def assert_export_fails(self, vm, text, writable=True):
        self.assert_error(
            vm, 'block-export-add',
            {'type': 'nbd', 'id': 'f', 'node-name': 'f',
             'writable': writable}, text)

    # -- which bytes

    def test_bytes_of_an_export(self):
        vm = self.storage()
        self.assertEqual(held(self.image), [])
        for writable, expected in ((False, [READ, NO_RESIZE]),
                                   (True, [READ, WRITE, NO_RESIZE])):
            vm.server.add('f', writable=writable)
            self.assertEqual(held(self.image), expected)
            vm.cmd('block-export-del', id='f')
            self.assertEqual(held(self.image), [])

    def test_bytes_of_several_users(self):
        vm = self.storage(auto_read_only=True)
        vm.server.add('f', 'one', writable=False)
        vm.server.add('f', 'two', writable=True)
        self.assertEqual(held(self.image), [READ, WRITE, NO_RESIZE])
        vm.cmd('block-export-del', id='two')
        self.assertEqual(held(self.image), [READ, NO_RESIZE])

    def test_bytes_below_a_format(self):
        vm = self.storage()
        vm.cmd('blockdev-add', {'driver': 'raw', 'node-name': 'r',
                                'file': 'f'})
        self.assertEqual(held(self.image), [])
        vm.server.add('r')
        self.assertEqual(held(self.image), [READ, WRITE, NO_RESIZE])

    def test_force_share(self):
        """It counts for the file that has it, below another node."""
        vm = self.storage(read_only=True)
        for node, below, expected in (
                ('a', 'f', [READ, NO_RESIZE]),
                ('b', {'driver': 'file', 'filename': self.image}, [READ])):
            vm.cmd('blockdev-add', {
                'driver': 'raw', 'node-name': node, 'file': below,
                'read-only': True, 'force-share': True})
            vm.server.add(node, writable=False)
            self.assertEqual(held(self.image), expected)
            vm.cmd('block-export-del', id=node)

    def test_locking_option(self):
        for locking, expected in (('on', [READ, WRITE, NO_RESIZE]),
                                  ('auto', [READ, WRITE, NO_RESIZE]),
                                  ('off', [])):
            vm = self.storage(locking=locking)
            vm.server.add('f')
            self.assertEqual(held(self.image), expected)
            vm.end()

    def test_bytes_of_a_backup_target(self):
        vm = self.storage()
        self.backup_held(vm, source='null', target='f')
        self.assertEqual(held(self.image), [WRITE, NO_RESIZE])
        self.cancel(vm)
        self.assertEqual(held(self.image), [])

    def test_bytes_go_with_a_killed_process(self):
        vm = self.storage()
        vm.server.add('f')
        vm.expect_crash = True
        vm.popen.kill()
        vm.popen.wait()
        self.assertEqual(held(self.image), [])

    # -- refusals

    def test_texts(self):
        """Whatever byte is in the way, with its text; nothing stays held."""
        vm = self.storage()
        for byte, read, write in (
                (NO_READ, 'Failed to get "consistent read" lock',
                 'Failed to get "consistent read" lock'),
                (NO_WRITE, None, 'Failed to get "write" lock'),
                (RESIZE, 'Failed to get shared "resize" lock',
                 'Failed to get shared "resize" lock'),
                (READ, None, None), (WRITE, None, None),
                (NO_RESIZE, None, None)):
            with Held(self.image, byte):
                for writable, text in ((False, read), (True, write)):
                    if text:
                        self.assert_export_fails(vm, text, writable)
                    else:
                        vm.server.add('f', writable=writable)
                        vm.cmd('block-export-del', id='f')
                self.assertEqual(held(self.image), [byte])

    def test_order_of_texts(self):
        vm = self.storage()
        with Held(self.image, WRITE, RESIZE, NO_READ, NO_WRITE):
            self.assert_export_fails(vm,
                                     'Failed to get "consistent read" lock')
        with Held(self.image, RESIZE, NO_WRITE):
            self.assert_export_fails(vm, 'Failed to get "write" lock')
            self.assert_export_fails(
                vm, 'Failed to get shared "resize" lock', writable=False)

    def test_byte_locked_for_writing(self):
        vm = self.storage()
        for byte in (READ, WRITE, NO_RESIZE):
            with Held(self.image, byte, kind=fcntl.F_WRLCK):
                self.assert_export_fails(vm, f'Failed to lock byte {byte}')
        self.assertEqual(held(self.image), [])
        vm.server.add('f')

    def test_source_of_a_backup_has_no_other_writer(self):
        for holder, other in PAIRS:
            vm, peer = self.storage(holder), self.storage(other)
            self.backup_held(vm)
            self.assert_export_fails(peer, 'Failed to get "write" lock')
            peer.server.add('f', writable=False)
            peer.cmd('block-export-del', id='f')
            self.cancel(vm)
            peer.server.add('f')
            vm.end()
            peer.end()

    def test_no_backup_while_another_writes(self):
        for holder, other in PAIRS:
            vm, peer = self.storage(holder), self.storage(other)
            vm.server.add('f')
            before = held(self.image)
            peer.cmd('blockdev-add', {'driver': 'null-co', 'size': MIB,
                                      'node-name': 'sink'})
            self.assert_error(
                peer, 'blockdev-backup',
                {'job-id': 'j', 'device': 'f', 'target': 'sink',
                 'sync': 'full'}, 'Failed to get shared "write" lock')
            self.assertEqual(held(self.image), before)
            vm.end()
            peer.end()

    def test_writers_who_share(self):
        for holder, other in PAIRS:
            vm, peer = self.storage(holder), self.storage(other)
            vm.server.add('f')
            peer.server.add('f')
            vm.end()
            self.assertEqual(held(self.image), [READ, WRITE, NO_RESIZE])
            peer.end()

    def test_two_nodes_of_one_daemon(self):
        vm = self.storage()
        self.add(vm, 'g')
        self.backup_held(vm, source='g')
        self.assert_export_fails(vm, 'Failed to get "write" lock')
        self.cancel(vm)
        vm.server.add('f')

    def test_locking_off_is_kept_from_nothing(self):
        vm, peer = self.storage(), self.storage(locking='off')
        self.backup_held(vm)
        peer.server.add('f')

    def test_first_writer_of_an_auto_read_only_node(self):
        vm = self.storage(auto_read_only=True)
        vm.server.add('f', 'reader', writable=False)
        with Held(self.image, NO_WRITE):
            self.assert_export_fails(vm, 'Failed to get "write" lock')
            self.assertEqual(held(self.image), [READ, NO_WRITE, NO_RESIZE])
        vm.server.add('f', 'writer')
        handle = vm.server.connect('writer')
        handle.pwrite(b'\1' * 512, 0)
        handle.shutdown()
        self.assertEqual(images.read(self.image, 0, 512), b'\1' * 512)

    # -- tools

    def hold(self, binary, *options):
        """qemu-io with the image open, at its prompt."""
        popen = subprocess.Popen(
            [binary, *options, 'a.img'], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, cwd=self.dir)
        popen.stdin.write(b'length\n')
        popen.stdin.flush()
        popen.stdout.readline()
        return popen

    def test_bytes_of_the_shell(self):
        for options, expected in ((('-f', 'raw'), [READ, WRITE]),
                                  (('-f', 'raw', '-r'), [READ]),
                                  (('-f', 'raw', '-r', '-U'), [READ])):
            popen = self.hold(tools.program.find('qemu-io'), *options)
            self.assertEqual(held(self.image), expected)
            popen.communicate()

    def test_shell_is_refused(self):
        for holder in (None, QSD):
            vm = self.storage(holder)
            self.backup_held(vm)
            done = tools.io('a.img', 'length', check=False, cwd=self.dir)
            self.assertEqual(
                (done.stdout, done.stderr, done.returncode),
                ('', "qemu-io: can't open device a.img: Failed to get "
                 '"write" lock\nIs another process using the image '
                 '[a.img]?\n', 1))
            for options in (('-r',), ('-r', '-U')):
                done = tools.io('a.img', 'length', cwd=self.dir,
                                options=('-f', 'raw', *options))
                self.assertEqual(done.stdout, '1 MiB\n')
            vm.end()

    def test_foreign_tools_are_refused(self):
        vm = self.storage()
        self.backup_held(vm)
        done = tools.run([IO, '-f', 'raw', '-c', 'length', 'a.img'],
                         check=False, cwd=self.dir)
        self.assertIn('Failed to get "write" lock', done.stderr)
        self.cancel(vm)
        vm.server.add('f')
        for args in (('convert', '-f', 'raw', '-O', 'raw', 'a.img', 'b.img'),
                     ('resize', '-f', 'raw', 'a.img', '2M'),
                     ('create', '-f', 'raw', 'a.img', '1M')):
            done = tools.run([IMG, *args], check=False, cwd=self.dir)
            self.assertIn('Is another process using the image [a.img]?',
                          done.stderr)
        self.assertEqual(images.read(self.image), b'\7' * MIB)

    def test_create_does_not_empty_an_image_in_use(self):
        for holder in (None, QSD):
            vm = self.storage(holder)
            vm.server.add('f')
            done = tools.img('create', '-q', '-f', 'raw', 'a.img', '2M',
                             check=False, cwd=self.dir)
            self.assertEqual(
                (done.stderr, done.returncode),
                ('qemu-img: a.img: Failed to get "resize" lock\nIs another '
                 'process using the image [a.img]?\n', 1))
            self.assertEqual(images.read(self.image), b'\7' * MIB)
            vm.end()
        tools.img('create', '-q', '-f', 'raw', 'a.img', '2M', cwd=self.dir)
        self.assertEqual(os.stat(self.image).st_size, 2 * MIB)

    def test_info_needs_no_lock(self):
        with Held(self.image, NO_READ, NO_WRITE, NO_RESIZE):
            done = tools.img('info', '-f', 'raw', 'a.img', cwd=self.dir)
            self.assertIn('virtual size: 1 MiB', done.stdout)
            done = tools.img('map', '-f', 'raw', 'a.img', check=False,
                             cwd=self.dir)
            self.assertEqual(
                (done.stderr, done.returncode),
                ("qemu-img: Could not open 'a.img': Failed to get "
                 '"consistent read" lock\nIs another process using the '
                 'image [a.img]?\n', 1))


if __name__ == '__main__':
    case.main()
