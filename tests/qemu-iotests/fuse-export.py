#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Exports that are files: mounting, attributes, data, space, holes, the end."""

import ctypes
import errno
import json
import os
import stat
import threading

from lib import case, images, tools
from lib.case import ours_only
from lib.images import KIB, MIB

KEEP, PUNCH, ZERO = 1, 2, 0x10
LIBC = ctypes.CDLL(None, use_errno=True)


def why_not():
    """Why files cannot be mounted here; None if they can."""
    if os.geteuid():
        return 'needs root'
    if not os.access('/dev/fuse', os.R_OK | os.W_OK):
        return 'needs /dev/fuse'
    with open('/proc/self/status', encoding='utf-8') as f:
        caps = next(int(l.split()[1], 16) for l in f if l.startswith('CapEff'))
    return None if caps >> 21 & 1 else 'needs CAP_SYS_ADMIN'


def mounted(path):
    with open('/proc/self/mounts', encoding='utf-8') as f:
        return [line.split()[3].split(',') for line in f
                if line.split()[1] == path]


def fallocate(fd, mode, offset, length):
    if LIBC.fallocate(fd, mode, ctypes.c_long(offset), ctypes.c_long(length)):
        raise OSError(ctypes.get_errno(), 'fallocate')


class FuseCase(case.Case):
    """Node `disk`, 1 MiB, sparse; the file `mp` to mount on."""

    size_bytes = MIB

    def setUp(self):
        super().setUp()
        if why_not():
            self.skipTest(why_not())
        self.image = images.make(self.path('disk.img'), self.size_bytes)
        self.mp = images.make(self.path('mp'), 0)
        # Before the folder goes: what a failure left mounted.
        self.addCleanup(self.unmount_all)
        self.vm = self.daemon(
            '--blockdev', f'driver=file,node-name=disk,filename={self.image}')

    def unmount_all(self):
        for name in os.listdir(self.dir):
            for _ in mounted(self.path(name)):
                LIBC.umount2(self.path(name).encode(), 2)

    def add(self, mountpoint=None, id='e', node='disk', **options):
        self.vm.cmd('block-export-add', {
            'type': 'fuse', 'id': id, 'node-name': node,
            'mountpoint': mountpoint or self.mp,
            **{k.replace('_', '-'): v for k, v in options.items()}})

    def add_fails(self, desc, **args):
        self.assert_error(self.vm, 'block-export-add',
                          {'type': 'fuse', 'id': 'x', 'node-name': 'disk',
                           **args}, desc)

    def fails(self, code, function, *args):
        with self.assertRaises(OSError) as caught:
            function(*args)
        self.assertEqual(errno.errorcode[caught.exception.errno],
                         errno.errorcode[code], args)

    def open(self, flags=os.O_RDWR):
        fd = os.open(self.mp, flags)
        self.addCleanup(self.close, fd)
        return fd

    @staticmethod
    def close(fd):
        try:
            os.close(fd)
        except OSError:
            pass  # of an export that is gone

    def size(self, fd):
        return os.lseek(fd, 0, os.SEEK_END)


class Mounting(FuseCase):

    def test_refused(self):
        none, folder = self.path('none'), self.path('folder')
        os.mkdir(folder)
        self.add_fails("Parameter 'mountpoint' is missing")
        self.add_fails(f"Failed to stat '{none}': No such file or directory",
                       mountpoint=none)
        self.add_fails(f"'{folder}' is not a regular file", mountpoint=folder)
        self.add_fails("'/dev/null' is not a regular file",
                       mountpoint='/dev/null')
        self.add_fails("Parameter 'allow-other' does not accept value 'x'",
                       mountpoint=self.mp, **{'allow-other': 'x'})
        self.add()
        self.add_fails(f"There already is a FUSE export on '{self.mp}'",
                       mountpoint=self.mp)
        self.assertEqual(self.vm.cmd('query-block-exports'), [
            {'id': 'e', 'type': 'fuse', 'node-name': 'disk',
             'shutting-down': False}])

    def test_allow_other(self):
        for allow, shown in (('on', True), ('auto', True), ('off', False)):
            self.add(allow_other=allow, writable=True)
            options, = mounted(self.mp)
            self.assertEqual('allow_other' in options, shown)
            self.assertIn('max_read=67108864', options)
            self.assertIn('default_permissions', options)
            if shown:
                os.chown(self.mp, 1000, 1001)
                os.chmod(self.mp, 0o664)
            else:
                self.fails(errno.EOPNOTSUPP, os.chown, self.mp, 1000, 1001)
                self.fails(errno.EOPNOTSUPP, os.chown, self.mp, -1, 0)
                self.fails(errno.EPERM, os.chmod, self.mp, 0o604)
                os.chmod(self.mp, 0o700)
            st = os.stat(self.mp)
            self.assertEqual(
                (stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid),
                (0o664, 1000, 1001) if shown else (0o700, 0, 0))
            self.vm.cmd('block-export-del', id='e')

    def test_permissions(self):
        """A disk that clients may resize is not one for NBD, whose clients
        are told its size once."""
        conflict = ("Permission conflict on node 'disk': permissions 'resize' "
                    "are both required by an unnamed block device (uses node "
                    "'disk' as 'root' child) and unshared by an unnamed block "
                    "device (uses node 'disk' as 'root' child).")
        self.vm.cmd('nbd-server-start', addr={
            'type': 'unix', 'data': {'path': self.path('sock')}})
        nbd = {'type': 'nbd', 'id': 'n', 'node-name': 'disk'}
        self.vm.cmd('block-export-add', nbd)
        self.add_fails(conflict, mountpoint=self.mp, writable=True)
        self.add_fails(conflict, mountpoint=self.mp, growable=True)
        self.add()
        self.vm.cmd('block-export-del', id='e')
        self.vm.cmd('block-export-del', id='n')
        self.add(writable=True)
        self.assert_error(self.vm, 'block-export-add', nbd, conflict)

    def test_read_only_node(self):
        self.vm.cmd('blockdev-add', {'driver': 'file', 'node-name': 'ro',
                                     'filename': self.image,
                                     'read-only': True})
        self.add_fails('Cannot export read-only node as writable',
                       **{'node-name': 'ro'}, mountpoint=self.mp,
                       writable=True)
        self.add(node='ro', growable=True)
        self.fails(errno.EACCES, os.truncate, self.mp, 2 * MIB)

    @ours_only('makes no exports in transactions')
    def test_transaction(self):
        self.assert_error(self.vm, 'transaction', {'actions': [
            {'type': 'block-export-add', 'data': {
                'type': 'fuse', 'id': 'e', 'node-name': 'disk',
                'mountpoint': self.mp}}]},
            "A transaction cannot add an export of type 'fuse'")
        self.assertEqual(mounted(self.mp), [])

    @ours_only('unmounts the wrong one, and leaves the other behind')
    def test_two_spellings(self):
        link = self.path('link')
        os.symlink('mp', link)
        self.add()
        self.add(mountpoint=link, id='e2', writable=True)
        self.assertEqual(len(mounted(self.mp)), 2)
        self.vm.cmd('block-export-del', id='e')
        self.assertEqual(os.stat(self.mp).st_size, MIB)
        self.vm.cmd('block-export-del', id='e2')
        self.assertEqual(mounted(self.mp), [])
        self.assertEqual(os.stat(self.mp).st_size, 0)


class ReadOnly(FuseCase):

    def test_attributes(self):
        self.add()
        st = os.stat(self.mp)
        self.assertEqual((st.st_mode, st.st_nlink, st.st_ino, st.st_blksize),
                         (stat.S_IFREG | 0o400, 1, 1, 1))
        # A file without any block counts as if all of it were there.
        self.assertEqual((st.st_size, st.st_blocks), (MIB, MIB // 512))
        for mode in 0o644, 0o600, 0o755, 0o420:
            self.fails(errno.EROFS, os.chmod, self.mp, mode)
        os.chmod(self.mp, 0o555)
        self.fails(errno.EOPNOTSUPP, os.utime, self.mp, (1, 1))
        self.fails(errno.EOPNOTSUPP, os.setxattr, self.mp, 'user.a', b'1')
        self.fails(errno.EBUSY, os.unlink, self.mp)

    def test_requests(self):
        images.fill(self.image, 64 * KIB, 64 * KIB, 5)
        self.add()
        fd = self.open()
        self.assertEqual(os.pread(fd, 4, 64 * KIB - 2), b'\0\0\5\5')
        self.assertEqual(len(os.pread(fd, 4096, MIB - 100)), 100)
        self.assertEqual(os.pread(fd, 4096, MIB), b'')
        self.fails(errno.EACCES, os.pwrite, fd, b'x', 0)
        self.fails(errno.EACCES, os.ftruncate, fd, 2 * MIB)
        self.fails(errno.EACCES, fallocate, fd, 0, MIB, 4096)
        self.fails(errno.EACCES, fallocate, fd, PUNCH | KEEP, 0, 4096)
        self.fails(errno.EACCES, fallocate, fd, ZERO, 0, 4096)
        os.fsync(fd)

    def test_holes(self):
        images.fill(self.image, 64 * KIB, 64 * KIB, 5)
        self.add()
        fd = self.open(os.O_RDONLY)
        for offset, hole, data in ((0, 0, 64 * KIB), (70000, 128 * KIB, 70000),
                                   (128 * KIB, 128 * KIB, None),
                                   (MIB - 1, MIB - 1, None),
                                   (MIB, MIB, None), (MIB + 1, None, None)):
            for whence, found in (os.SEEK_HOLE, hole), (os.SEEK_DATA, data):
                if found is None:
                    self.fails(errno.ENXIO, os.lseek, fd, offset, whence)
                else:
                    self.assertEqual(os.lseek(fd, offset, whence), found)


class Writing(FuseCase):

    def test_write(self):
        self.add(writable=True)
        self.assertEqual(os.stat(self.mp).st_mode, stat.S_IFREG | 0o600)
        fd = self.open()
        big = images.pattern(0, MIB)
        self.assertEqual(os.pwrite(fd, big, 0), MIB)
        self.assertEqual(os.pwrite(fd, b'a' * 100, 777), 100)
        self.assertEqual(os.pwrite(fd, b'b' * 4096, MIB - 100), 100)
        self.fails(errno.EIO, os.pwrite, fd, b'c', MIB)
        self.fails(errno.EIO, os.pwrite, fd, b'c', 2 * MIB)
        os.fdatasync(fd)
        expected = big[:777] + b'a' * 100 + big[877:-100] + b'b' * 100
        self.assertEqual(os.pread(fd, MIB, 0), expected)
        self.assertEqual(images.read(self.image), expected)

    def test_open_truncates_nothing(self):
        images.fill(self.image, 0, MIB, 5)
        self.add(writable=True)
        fd = self.open(os.O_RDWR | os.O_TRUNC)
        self.assertEqual(os.pread(fd, MIB, 0), b'\5' * MIB)

    def test_truncate(self):
        self.add(writable=True)
        for size in 2 * MIB, 512 * KIB, 1000000, MIB + 1, 0, MIB:
            os.truncate(self.mp, size)
            # A disk has whole sectors, of which the file is the beginning.
            self.assertEqual(os.stat(self.mp).st_size, -(-size // 512) * 512)
            self.assertEqual(os.stat(self.image).st_size, size)

    def test_grow(self):
        images.fill(self.image, 0, MIB, 5)
        self.add(writable=True, growable=True)
        fd = self.open()
        self.assertEqual(os.pwrite(fd, b'a' * 4096, MIB - 96), 4096)
        self.assertEqual(self.size(fd), MIB + 4096)
        self.assertEqual(os.pwrite(fd, b'b' * 100, MIB + 9216), 100)
        self.assertEqual(self.size(fd), MIB + 9728)
        self.assertEqual(images.read(self.image, MIB - 97),
                         b'\5' + b'a' * 4096 + bytes(5216) + b'b' * 100)

    def test_allocate(self):
        self.add(writable=True)
        fd = self.open()
        self.fails(errno.EOPNOTSUPP, fallocate, fd, 0, 0, 4096)
        self.fails(errno.EOPNOTSUPP, fallocate, fd, 0, MIB - 512, 8192)
        self.fails(errno.EOPNOTSUPP, fallocate, fd, KEEP, 0, 4096)
        self.fails(errno.EOPNOTSUPP, fallocate, fd, KEEP, 2 * MIB, 4096)
        fallocate(fd, 0, MIB, 5000)
        self.assertEqual(self.size(fd), MIB + 5120)
        fallocate(fd, 0, 2 * MIB, 64 * KIB)
        self.assertEqual(os.stat(self.mp).st_size, 2 * MIB + 64 * KIB)
        self.assertGreaterEqual(images.allocated_bytes(self.image), 69 * KIB)
        self.assertLess(images.allocated_bytes(self.image), MIB)

    def test_zero(self):
        images.fill(self.image, 0, MIB, 5)
        self.add(writable=True)
        fd = self.open()
        fallocate(fd, ZERO | KEEP, 1000, 9000)
        fallocate(fd, ZERO | KEEP, MIB - 512, 8192)
        self.assertEqual(self.size(fd), MIB)
        self.fails(errno.EIO, fallocate, fd, ZERO | KEEP, MIB + 512, 512)
        self.assertEqual(images.read(self.image),
                         b'\5' * 1000 + bytes(9000) +
                         b'\5' * (MIB - 10000 - 512) + bytes(512))
        fallocate(fd, ZERO, MIB - 1024, 5000)
        self.assertEqual(self.size(fd), MIB + 4096)
        self.assertEqual(images.read(self.image, MIB - 1025, 2),
                         b'\5\0')

    def test_punch(self):
        images.fill(self.image, 0, MIB, 5)
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'raw', 'discard': 'unmap', 'file': {
                'driver': 'file', 'filename': self.image,
                'discard': 'unmap'}})
        self.add(node='raw', writable=True)
        fd = self.open()
        fallocate(fd, PUNCH | KEEP, 64 * KIB, 128 * KIB)
        fallocate(fd, PUNCH | KEEP, MIB - 4096, 8192)
        self.fails(errno.EIO, fallocate, fd, PUNCH | KEEP, 2 * MIB, 512)
        self.fails(errno.EOPNOTSUPP, fallocate, fd, PUNCH, 0, 512)
        self.assertEqual(images.allocated_bytes(self.image),
                         MIB - 132 * KIB)
        self.assertEqual(os.lseek(fd, 0, os.SEEK_HOLE), 64 * KIB)
        self.assertEqual(os.lseek(fd, 64 * KIB, os.SEEK_DATA), 192 * KIB)
        self.assertEqual(os.pread(fd, 128 * KIB, 64 * KIB), bytes(128 * KIB))

    @ours_only('discards, which leaves the data where discards are ignored')
    def test_punched_is_zero(self):
        images.fill(self.image, 0, MIB, 5)
        self.add(writable=True)
        fd = self.open()
        fallocate(fd, PUNCH | KEEP, 1000, 10000)
        self.assertEqual(os.pread(fd, 12000, 0),
                         b'\5' * 1000 + bytes(10000) + b'\5' * 1000)

    def test_format(self):
        """The disk inside of an image, for a tool that knows files only."""
        path = self.path('disk.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', path, '1M')
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'image', 'file': {
                'driver': 'file', 'filename': path}})
        self.add(node='image', writable=True, growable=True)
        fd = self.open()
        os.pwrite(fd, b'a' * 64 * KIB, 128 * KIB)
        self.assertEqual(os.lseek(fd, 0, os.SEEK_DATA), 128 * KIB)
        self.assertEqual(os.lseek(fd, 128 * KIB, os.SEEK_HOLE), 192 * KIB)
        os.pwrite(fd, b'b' * 512, 2 * MIB)
        os.close(fd)
        info = json.loads(tools.img('info', '--output=json', '-f', 'raw',
                                    self.mp).stdout)
        self.assertEqual(info['virtual-size'], 2 * MIB + 512)
        self.vm.cmd('block-export-del', id='e')
        self.vm.cmd('blockdev-del', {'node-name': 'image'})
        tools.img('check', '-q', path)
        out = self.path('out')
        tools.img('convert', '-O', 'raw', path, out)
        self.assertEqual(images.read(out),
                         bytes(128 * KIB) + b'a' * 64 * KIB +
                         bytes(2 * MIB - 192 * KIB) + b'b' * 512)


class End(FuseCase):

    def test_open_files(self):
        """They do not hold an export back, and are of no use afterwards."""
        self.add(writable=True)
        fd = self.open()
        os.pwrite(fd, b'a', 0)
        self.vm.cmd('block-export-del', id='e')
        self.assertEqual(self.vm.cmd('query-block-exports'), [])
        self.vm.qmp.event('BLOCK_EXPORT_DELETED', id='e')
        self.fails(errno.ENOTCONN, os.pread, fd, 1, 0)
        self.assertEqual(mounted(self.mp), [])
        self.assertEqual(os.stat(self.mp).st_size, 0)
        self.add()
        self.assertEqual(os.pread(self.open(os.O_RDONLY), 1, 0), b'a')

    def test_unmounted_by_hand(self):
        """The export stays until it is removed, and so does its name."""
        self.add()
        self.assertEqual(LIBC.umount2(self.mp.encode(), 0), 0)
        self.assertEqual(len(self.vm.cmd('query-block-exports')), 1)
        self.assert_error(self.vm, 'blockdev-del', {'node-name': 'disk'},
                          'Node disk is in use')
        self.vm.cmd('block-export-del', id='e')
        self.vm.cmd('blockdev-del', {'node-name': 'disk'})

    def test_quit(self):
        self.add(writable=True)
        self.vm.quit()
        self.assertEqual(mounted(self.mp), [])

    def test_resize_by_others(self):
        self.add(writable=True)
        self.vm.cmd('block_resize', {'node-name': 'disk', 'size': 512 * KIB})
        fd = self.open()
        self.assertEqual(os.pread(fd, 4096, 512 * KIB), b'')
        self.assertEqual(os.pwrite(fd, b'x' * 1024, 512 * KIB - 512), 512)


class UnderFire(FuseCase):

    def write_until_told(self, first, step, count):
        """Blocks of 4 KiB, each with its number, until one fails."""
        written = []
        fd = os.open(self.mp, os.O_RDWR)
        try:
            for n in range(first, count, step):
                block = n.to_bytes(8, 'big') * 512
                if os.pwrite(fd, block, n * 4096) != 4096:
                    break
                written.append(n)
        except OSError:
            pass
        finally:
            self.close(fd)
        return written

    def writers(self, count):
        done = [None] * 4

        def work(i):
            done[i] = self.write_until_told(i, 4, count)
        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        return threads, done

    def check(self, done):
        for n in (n for numbers in done for n in numbers):
            self.assertEqual(images.read(self.image, n * 4096, 8),
                             n.to_bytes(8, 'big'), n)

    def test_grow_together(self):
        """None of them makes it shorter again."""
        self.add(writable=True, growable=True)
        threads, done = self.writers(512)
        self.vm.cmd('block_resize', {'node-name': 'disk', 'size': 2 * MIB})
        for thread in threads:
            thread.join()
        self.assertEqual(sum(len(n) for n in done), 512)
        self.check(done)

    @ours_only('aborts when a client of an iothread makes a disk longer')
    def test_thread(self):
        self.vm.cmd('object-add', {'qom-type': 'iothread', 'id': 't'})
        self.add(writable=True, growable=True, iothread='t')
        threads, done = self.writers(512)
        for size in 3 * MIB, 4 * MIB, 5 * MIB:
            self.vm.cmd('block_resize', {'node-name': 'disk', 'size': size})
        for thread in threads:
            thread.join()
        self.check(done)
        self.assertEqual(sum(len(n) for n in done), 512)
        self.vm.cmd('block-export-del', id='e')
        self.vm.cmd('object-del', id='t')

    def test_removed(self):
        """What was answered is on the disk; the rest gets an error."""
        self.add(writable=True, growable=True)
        threads, done = self.writers(1 << 20)
        while os.stat(self.image).st_size < 2 * MIB:
            self.vm.cmd('query-block-exports')
        self.vm.cmd('block-export-del', id='e')
        for thread in threads:
            thread.join()
        self.check(done)
        self.assertEqual(mounted(self.mp), [])

    def test_quit(self):
        self.add(writable=True, growable=True)
        threads, done = self.writers(1 << 20)
        while os.stat(self.image).st_size < 2 * MIB:
            self.vm.cmd('query-block-exports')
        self.vm.quit()
        for thread in threads:
            thread.join()
        self.check(done)


if __name__ == '__main__':
    case.main()
