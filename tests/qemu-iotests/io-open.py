#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qemu-io: how it opens images, and where its messages stand among what it
prints, which scripts compare with both streams in one."""

import subprocess

from lib import case, images, program, tools
from lib.images import MIB


class IoOpen(case.Case):

    def setUp(self):
        super().setUp()
        images.make(self.path('a.raw'), MIB, [(0, MIB, 7)])
        tools.img('create', '-q', '-f', 'qcow2', '-b', 'a.raw', '-F', 'raw',
                  'a.qcow2', cwd=self.dir)

    def io(self, *args, stdin=''):
        """Both streams as one, and the exit code."""
        done = subprocess.run(
            [program.find('qemu-io'), *args], cwd=self.dir, input=stdin,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=program.TIMEOUT_S, check=False)
        return done.stdout, done.returncode

    def commands(self, *commands):
        return self.io(*(word for c in commands for word in ('-c', c)))

    def assert_refused(self, command, text):
        self.assertEqual(self.commands(command), (text + '\n', 1))

    def test_snapshot(self):
        """What is written is there until the image is closed."""
        check = ('write -q -P 3 0 512', 'read -q -P 3 0 512')
        self.assertEqual(self.commands('open -s a.raw', *check), ('', 0))
        self.assertEqual(self.io(
            '-s', '-f', 'raw', *(w for c in check for w in ('-c', c)),
            'a.raw'), ('', 0))
        self.assertEqual(images.read(self.path('a.raw')), b'\7' * MIB)

    def test_copy_on_read(self):
        for args in (('-c', 'open -C a.qcow2', '-c', 'read -q 0 64k'),
                     ('-C', '-c', 'read -q 64k 64k', 'a.qcow2')):
            self.assertEqual(self.io(*args), ('', 0))
        self.assertEqual(
            self.commands('open -r a.qcow2', 'map')[0].splitlines()[0],
            '128 KiB (0x20000) bytes     allocated at offset 0 bytes (0x0)')
        text = "Can't use copy-on-read on read-only device"
        self.assert_refused('open -C -r a.qcow2',
                            f"qemu-io: can't open device a.qcow2: {text}")

    def test_options(self):
        for command in ('open -o driver=raw,offset=512 a.raw',
                        'open -o driver=raw -o offset=512 a.raw',
                        'open -o driver=raw,file.filename=a.raw,offset=512'):
            self.assertEqual(self.commands(command, 'length'),
                             ('1023.500 KiB\n', 0))

    def test_words_count_more_than_letters(self):
        write = 'write -q 0 512', 'write -q 0 512'
        for command in ('open -r -o read-only=off a.qcow2',
                        'open -n -o cache.direct=off a.qcow2'):
            self.assertEqual(self.commands(command, *write), ('', 0), command)
        self.assert_refused('open -o read-only=on a.qcow2', "qemu-io: can't "
                            'open device a.qcow2: Block node is read-only')

    def test_refused_options(self):
        device = "qemu-io: can't open device"
        for command, text in (
                ('open', 'bad argument count 0 to open, expected at least 1 '
                 'arguments'),
                ('open -r',
                 "qemu-io: can't open: Must specify either driver or file"),
                ('open -o driver=qcow2 a.raw',
                 f'{device} a.raw: Image is not in qcow2 format'),
                ('open -o nosuch=1 a.qcow2',
                 f"{device} a.qcow2: Block format 'qcow2' does not support "
                 "the option 'nosuch'"),
                ('open -k a.qcow2',
                 f'{device} a.qcow2: aio=native was specified, but it '
                 'requires cache.direct=on, which was not specified.'),
                ('open -U a.qcow2', f'{device} a.qcow2: force-share=on can '
                 'only be used with read-only images'),
                ('open -t x a.raw', 'qemu-io: Invalid cache option: x'),
                ('open -d x a.raw', 'qemu-io: Invalid discard option: x'),
                ('open .', f"{device} .: Could not open '.': Is a directory"),
                ):
            with self.subTest(command):
                self.assert_refused(command, text)

    def test_options_beside_image_opts(self):
        self.assertEqual(
            self.io('--image-opts', '-c',
                    'open -o driver=raw,file.filename=a.raw'),
            ("--image-opts and 'open -o' are mutually exclusive\n", 1))

    def test_command_line_holds_for_its_image_only(self):
        self.assertEqual(
            self.io('-r', '-f', 'raw', '-c', 'open a.qcow2', '-c',
                    'write -q 0 512'), ('', 0))

    def test_reports_come_first(self):
        self.assertEqual(self.commands('open -r a.qcow2', 'length', 'what'),
                         ('command "what" not found\n1 MiB\n', 1))
        self.assertEqual(
            self.commands('open -r a.qcow2', 'length', 'open a.raw'),
            ("qemu-io: file open already, try 'help close'\n1 MiB\n", 1))

    def test_prompt(self):
        """Nothing follows the last one where no person types."""
        args = '-f', 'raw', '-r', 'a.raw'
        self.assertEqual(self.io(*args, stdin='length\n'),
                         ('qemu-io> 1 MiB\nqemu-io> ', 0))
        self.assertEqual(self.io(*args, stdin='what\nquit now\nlength\n'),
                         ('qemu-io> command "what" not found\nqemu-io> ', 1))

    def test_cache_off(self):
        self.assertEqual(self.io('-t', 'off', '-f', 'raw', '-c', 'length',
                                 'a.raw'), ('1 MiB\n', 0))


if __name__ == '__main__':
    case.main()
