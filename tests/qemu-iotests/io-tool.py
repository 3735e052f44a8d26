#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qemu-io: commands on one image, what they print, exit codes."""

import re

from lib import case, images, tools
from lib.case import ours_only
from lib.encryption import SECRETS, patient
from lib.images import KIB, MIB


def without_times(text):
    """Statistics without their times: `512 bytes, 1 ops`."""
    return re.sub(r'(, \d+ ops); .*', r'\1', text)


class Io(case.Case):

    def setUp(self):
        super().setUp()
        self.image = images.make(self.path('a.img'), MIB)

    def io(self, *commands, options=('-f', 'raw'), image='a.img', **kwargs):
        return tools.io(image, *commands, options=options, check=False,
                        cwd=self.dir, **kwargs)

    def assert_output(self, out, *commands, code=0, err='', **kwargs):
        done = self.io(*commands, **kwargs)
        self.assertEqual((without_times(done.stdout), done.stderr,
                          done.returncode), (out, err, code), commands)

    def assert_fails(self, out, *commands, **kwargs):
        self.assert_output(out + '\n', *commands, code=1, **kwargs)

    # -- an image whose format nobody said

    def test_guessed_raw(self):
        """A guest's write cannot make it look like another format."""
        with open(self.path('vmdk'), 'wb') as file:
            file.write(b'KDMV' + bytes(508))
        warning = (
            "WARNING: Image format was not specified for 'a.img' and probing "
            'guessed raw.\n'
            '         Automatically detecting the format is dangerous for raw '
            'images, write operations on block 0 will be restricted.\n'
            "         Specify the 'raw' format explicitly to remove the "
            'restrictions.\n')
        for command, good in [
                ('write -s vmdk 0 512', False), ('write -s vmdk 0 1k', False),
                ('write -s vmdk 512 512', True), ('write -P 1 0 512', True)]:
            done = self.io(command, options=())
            self.assertEqual(done.stderr, warning)
            self.assertEqual(done.returncode, 0 if good else 1)
            if not good:
                self.assertEqual(done.stdout,
                                 'write failed: Operation not permitted\n')
        self.assert_output('wrote 512/512 bytes at offset 0\n512 bytes, '
                           '1 ops\n', 'write -s vmdk 0 512')

    # -- reading and writing

    def test_write_and_read(self):
        self.assert_output(
            'wrote 65536/65536 bytes at offset 4096\n64 KiB, 1 ops\n'
            'read 65536/65536 bytes at offset 4096\n64 KiB, 1 ops\n',
            'write -P 0xaa 4k 64k', 'read -P 170 0x1000 65536')
        self.assertEqual(images.read(self.image, 4096, 64 * KIB),
                         b'\xaa' * 64 * KIB)
        self.assertEqual(images.read(self.image, 0, 4096), bytes(4096))

    def test_default_pattern(self):
        self.io('write 0 512')
        self.assertEqual(images.read(self.image, 0, 512), b'\xcd' * 512)

    def test_statistics_line(self):
        self.assertRegex(
            self.io('read 0 512').stdout,
            r'^read 512/512 bytes at offset 0\n512 bytes, 1 ops; '
            r'[\d:.]+ sec \([\d.]+ \w+/sec and [\d.]+ ops/sec\)\n$')

    def test_sizes(self):
        for length, text in ((1, '1 bytes'), (512, '512 bytes'),
                             (1024, '1 KiB'), (1536, '1.500 KiB'),
                             (MIB, '1 MiB'), (0, '0 bytes')):
            self.assert_output(
                f'read {length}/{length} bytes at offset 0\n{text}, 1 ops\n',
                f'read 0 {length}')

    def test_unaligned(self):
        self.io('write -P 7 511 2')
        self.assertEqual(images.read(self.image, 510, 4), b'\0\7\7\0')
        self.assert_output('read 2/2 bytes at offset 511\n2 bytes, 1 ops\n',
                           'read -P 7 511 2')

    def test_pattern_mismatch(self):
        self.assert_output(
            'Pattern verification failed at offset 0, 512 bytes\n'
            'read 512/512 bytes at offset 0\n512 bytes, 1 ops\n',
            'read -P 1 0 512', code=1)

    def test_part_of_a_pattern(self):
        self.io('write -P 5 0 512')
        done = self.io('read -P 5 -l 512 0 1k', 'read -P 5 -s 256 -l 256 0 1k')
        self.assertEqual(done.returncode, 0)
        self.assertEqual(self.io('read -P 5 -s 512 0 1k').returncode, 1)

    def test_zeroes(self):
        images.fill(self.image, 0, 256 * KIB, 1)
        self.assert_output(
            'wrote 65536/65536 bytes at offset 65536\n64 KiB, 1 ops\n',
            'write -z 64k 64k')
        self.assert_output(
            'wrote 65536/65536 bytes at offset 131072\n64 KiB, 1 ops\n',
            'write -z -u 128k 64k', options=('-f', 'raw', '-d', 'unmap'))
        self.assertEqual(images.read(self.image, 64 * KIB, 128 * KIB),
                         bytes(128 * KIB))
        self.assertEqual(images.read(self.image, 192 * KIB, 1), b'\1')

    def test_discard(self):
        images.fill(self.image, 0, 128 * KIB, 1)
        self.assert_output(
            'discard 65536/65536 bytes at offset 0\n64 KiB, 1 ops\n',
            'discard 0 64k', options=('-f', 'raw', '-d', 'unmap'))
        self.assertEqual(images.read(self.image, 0, 64 * KIB),
                         bytes(64 * KIB))
        self.assertEqual(images.allocated_bytes(self.image), 64 * KIB)

    def test_fua_and_flush(self):
        self.assert_output(
            'wrote 512/512 bytes at offset 0\n512 bytes, 1 ops\n',
            'write -f -P 3 0 512', 'flush')

    def test_quiet(self):
        self.assert_output('', 'write -q 0 512', 'read -q 0 512',
                           'discard -q 0 512', 'write -q -z 0 512')

    def test_dump(self):
        images.fill(self.image, 0, 16, ord('A'))
        self.assert_output(
            '00000000:  41 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41  '
            'AAAAAAAAAAAAAAAA\n'
            '00000010:  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  '
            '................\n'
            'read 32/32 bytes at offset 0\n32 bytes, 1 ops\n',
            'read -v 0 32')

    def test_map(self):
        self.assert_output('1 MiB (0x100000) bytes     allocated at offset '
                           '0 bytes (0x0)\n', 'map')

    def test_length(self):
        self.assert_output('1 MiB\n', 'length')

    # -- errors

    def test_beyond_the_end(self):
        for verb in 'read', 'write', 'discard':
            self.assert_fails(f'{verb} failed: Input/output error',
                              f'{verb} 1M 512')
            self.assert_fails(f'{verb} failed: Input/output error',
                              f'{verb} 0 2M')

    def test_arguments(self):
        for out, command in (
                ('Parsing error: non-numeric argument, or '
                 'extraneous/unrecognized suffix -- abc', 'read abc 512'),
                ('Parsing error: non-numeric argument, or '
                 'extraneous/unrecognized suffix -- abc', 'read 0 abc'),
                ('300 is not a valid pattern byte', 'read -P 300 0 512'),
                ('x is not a valid pattern byte', 'write -P x 0 512'),
                ('-u requires -z to be specified', 'write -u 0 512'),
                ('Only one of -z, -P, and -s can be specified at the same '
                 'time', 'write -z -P 1 0 512')):
            self.assert_fails(out, command)

    def test_unknown_command(self):
        for command in 'nosuch', 'nosuch with arguments':
            self.assert_output('', command, code=1,
                               err='command "nosuch" not found\n')

    def test_number_of_arguments(self):
        for command, count in ('read', 0), ('discard 0', 1), ('write 0', 1):
            verb = command.split()[0]
            self.assert_output(
                '', command, code=1, err=f'bad argument count {count} to '
                f'{verb}, expected at least 2 arguments\n')

    def test_unknown_option_of_a_command(self):
        done = self.io('read -x 0 512')
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "read: invalid option -- 'x'\n")
        self.assertTrue(done.stdout.startswith('read [-'), done.stdout)

    def test_goes_on_after_an_error(self):
        self.assert_output(
            'read failed: Input/output error\n'
            'read 512/512 bytes at offset 0\n512 bytes, 1 ops\n',
            'read 1M 512', 'read 0 512', code=1)

    def test_quit(self):
        self.assert_output('', 'quit', 'read 0 512')

    def test_read_only(self):
        done = self.io('read 0 512', options=('-r', '-f', 'raw'))
        self.assertEqual(done.returncode, 0)
        done = self.io('write 0 512', options=('-r', '-f', 'raw'))
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (1, '', 'qemu-io: Block node is read-only\n'))

    def test_files(self):
        self.assert_output(
            '', 'length', image='nosuch', code=1,
            err="qemu-io: can't open device nosuch: Could not open 'nosuch': "
            'No such file or directory\n')
        self.assert_output(
            '', 'length', options=('-f', 'nosuch'), code=1,
            err="qemu-io: can't open device a.img: Unknown driver 'nosuch'\n")
        self.assert_output('', 'read 0 512', image=None, options=(), code=1,
                           err="no file open, try 'help open'\n")

    def test_options(self):
        for name, option in ('cache', '-t'), ('discard', '-d'):
            self.assert_output('', 'length', code=1,
                               options=('-f', 'raw', option, 'bad'),
                               err=f'qemu-io: Invalid {name} option: bad\n')
        for options in (('-t', 'none'), ('-n',), ('--cache', 'writeback'),
                        ('--aio', 'threads'), ('-U', '-r'),
                        ('-d', 'unmap')):
            done = self.io('read 0 512', options=('-f', 'raw', *options))
            self.assertEqual((done.returncode, done.stderr), (0, ''),
                             options)

    def test_image_opts(self):
        self.assert_output(
            '512 KiB\n', 'length', options=('--image-opts',),
            image='driver=raw,offset=524288,file.driver=file,'
            'file.filename=a.img')

    def test_open_with_options(self):
        tools.img('create', '-q', '-f', 'qcow2', self.path('q'), '1M')
        patient(tools.img, 'create', '-q', '-f', 'luks', *SECRETS, '-o',
                'key-secret=s0,iter-time=10', self.path('l'), '1M')
        for options in ('-o driver=qcow2,l2-cache-size=1M q',
                        '-o driver=qcow2 -o lazy-refcounts=on q',
                        '-o lazy-refcounts=on q', '-o driver=raw q',
                        '-o file.filename=q,driver=qcow2',
                        '-o file.driver=blkdebug,file.image.filename=q',
                        '-o key-secret=s0 l'):
            out = '192.500 KiB\n' if 'raw' in options else '1 MiB\n'
            self.assert_output(out, f'open {options}', 'length', image=None,
                               options=SECRETS)
        for options, error in (
                ('-o nope=1,driver=qcow2 q', " device q: Block format 'qcow2' "
                 "does not support the option 'nope'"),
                ('-o filename=q', ': Must specify either driver or file'),
                ('-o read-only=on,driver=qcow2 q',
                 ' device q: Block node is read-only'),
                ('-o driver=nope q', " device q: Unknown driver 'nope'")):
            done = self.io(f'open {options}', image=None, options=())
            self.assertEqual(done.stderr, f"qemu-io: can't open{error}\n")

    def test_version(self):
        done = self.io(image=None, options=('--version',))
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r'^qemu-io version 7\.2\.22 \(.+\)')

    # -- commands from standard input

    def test_from_stdin(self):
        done = self.io(input='write -P 9 0 512\nread -P 9 0 512\nquit\n')
        self.assertEqual(done.returncode, 0)
        self.assertEqual(
            without_times(done.stdout),
            'qemu-io> wrote 512/512 bytes at offset 0\n512 bytes, 1 ops\n'
            'qemu-io> read 512/512 bytes at offset 0\n512 bytes, 1 ops\n'
            'qemu-io> ')

    def test_end_of_stdin(self):
        done = self.io(input='length\n')
        self.assertEqual(done.returncode, 0)
        self.assertIn('1 MiB\n', done.stdout)

    # -- ways into the kernel

    def assert_reads(self, *options, env=None):
        done = self.io('read 0 512', options=('-f', 'raw', *options), **({'env': env} if env else {}))
        self.assertEqual((done.stderr, done.returncode), ('', 0), options)

    def test_modes(self):
        for options in (('-i', 'threads'), ('-i', 'io_uring'),
                        ('-n', '-i', 'native'), ('-n', '-k')):
            self.assert_reads(*options)
        self.assert_output('', 'read 0 512', options=('-i', 'x'), code=1,
                           err='qemu-io: Invalid aio option: x\n')

    @ours_only('has no such switch')
    def test_without_io_uring(self):
        epoll = {'TIDEMARK_REACTOR': 'epoll'}
        for options in (('-i', 'threads'), ('-n', '-i', 'native'), ()):
            self.assert_reads(*options, env=epoll)
        self.assert_output(
            '', 'read 0 512', code=1, options=('-f', 'raw', '-i', 'io_uring'),
            env=epoll, err="qemu-io: can't open device a.img: Unable to use "
            'io_uring: failed to init linux io_uring ring\n')


if __name__ == '__main__':
    case.main()
