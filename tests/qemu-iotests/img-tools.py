#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qemu-img create, info, map and compare on raw images."""

import json
import os

from lib import case, images, tools
from lib.images import GIB, KIB, MIB

TRY_HELP = "Try 'qemu-img --help' for more information\n"
SUFFIXES = ('Invalid image size specified. You may use k, M, G, T, P or E '
            'suffixes for\nqemu-img: kilobytes, megabytes, gigabytes, '
            'terabytes, petabytes and exabytes.')


class ImgCase(case.Case):

    def img(self, *args, **kwargs):
        """qemu-img in the test's directory: names stay short."""
        return tools.img(*args, check=False, cwd=self.dir, **kwargs)

    def assert_output(self, out, *args, code=0):
        done = self.img(*args)
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (code, out, ''), args)

    def assert_fails(self, err, *args, code=1, out=''):
        done = self.img(*args)
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (code, out, f'qemu-img: {err}\n'), args)

    def make(self, name, size_bytes=MIB, data=()):
        return images.make(self.path(name), size_bytes, data)


class General(ImgCase):

    def test_usage(self):
        self.assert_fails('Not enough arguments\n' + TRY_HELP[:-1])
        self.assert_fails('Command not found: nosuch\n' + TRY_HELP[:-1],
                          'nosuch')

    def test_version(self):
        done = self.img('--version')
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r'^qemu-img version 7\.2\.22 \(.+\)')

    def test_help(self):
        done = self.img('--help')
        self.assertEqual(done.returncode, 0)
        for command in 'create', 'info', 'map', 'compare':
            self.assertIn(f'  {command} ', done.stdout)
        self.assertRegex(done.stdout, r'(?m)^Supported formats:.* raw')

    def test_no_file(self):
        self.assert_fails('Expecting image file name\n' + TRY_HELP[:-1],
                          'create')
        for command in 'info', 'map':
            self.assert_fails('Expecting one image file name\n' +
                              TRY_HELP[:-1], command)
        for names in (), ('a',):
            self.assert_fails('Expecting two image file names\n' +
                              TRY_HELP[:-1], 'compare', *names)

    def test_missing_file(self):
        text = ("Could not open 'nosuch': Could not open 'nosuch': No such "
                'file or directory')
        for command in 'info', 'map':
            self.assert_fails(text, command, '-f', 'raw', 'nosuch')
        self.make('a')
        self.assert_fails(text, 'compare', '-f', 'raw', '-F', 'raw', 'a',
                          'nosuch', code=2)

    def test_unknown_option(self):
        for command in 'create', 'info', 'map', 'compare':
            done = self.img(command, '--nosuch')
            self.assertEqual(done.returncode, 1)
            self.assertEqual(
                done.stderr,
                f"qemu-img: unrecognized option '--nosuch'\n{TRY_HELP}")

    def test_unknown_format(self):
        self.make('a')
        self.assert_fails("Could not open 'a': Unknown driver 'nosuch'",
                          'info', '-f', 'nosuch', 'a')

    def test_output_formats(self):
        self.make('a')
        for command in 'info', 'map':
            self.assert_fails('--output must be used with human or json as '
                              'argument.', command, '--output=x', 'a')


class Create(ImgCase):

    def test_sizes(self):
        for text, size in (
                ('1M', MIB), ('512', 512), ('0', 0), ('1.5k', 1536),
                ('10G', 10 * GIB), ('1T', 1 << 40), ('64K', 64 * KIB),
                ('2g', 2 * GIB), ('4096b', 4096)):
            self.assert_output(f"Formatting 'a', fmt=raw size={size}\n",
                               'create', '-f', 'raw', 'a', text)
            self.assertEqual(os.stat(self.path('a')).st_size, size)
            self.assertLessEqual(images.allocated_bytes(self.path('a')),
                                 64 * KIB)

    def test_rounded_up(self):
        self.assert_output("Formatting 'a', fmt=raw size=513\n", 'create',
                           '-f', 'raw', 'a', '513')
        self.assertEqual(os.stat(self.path('a')).st_size, 1024)

    def test_format_defaults_to_raw(self):
        self.assert_output("Formatting 'a', fmt=raw size=1048576\n",
                           'create', 'a', '1M')

    def test_quiet(self):
        self.assert_output('', 'create', '-q', '-f', 'raw', 'a', '1M')
        self.assertEqual(os.stat(self.path('a')).st_size, MIB)

    def test_options(self):
        self.assert_output("Formatting 'a', fmt=raw size=2097152\n",
                           'create', '-f', 'raw', '-o', 'size=2M', 'a')
        for kind in 'off', 'falloc', 'full':
            self.assert_output(
                "Formatting 'a', fmt=raw size=1048576 "
                f'preallocation={kind}\n', 'create', '-f', 'raw', '-o',
                f'preallocation={kind}', 'a', '1M')
            self.assertEqual(os.stat(self.path('a')).st_size, MIB)
            if kind != 'off':
                self.assertGreaterEqual(
                    images.allocated_bytes(self.path('a')), MIB)

    def test_overwrites(self):
        images.make_patterned(self.path('a'), MIB)
        self.img('create', '-f', 'raw', 'a', '64k')
        self.assertEqual(images.read(self.path('a')), bytes(64 * KIB))

    def test_errors(self):
        for err, *args in (
                ('a: Image creation needs a size parameter', 'a'),
                (SUFFIXES, 'a', 'abc'), (SUFFIXES, 'a', '1X'),
                (SUFFIXES, 'a', ''),
                ('Invalid image size specified. Must be between 0 and '
                 '9223372036854775807.', 'a', '8E'),
                ("a: Invalid parameter 'nosuch'", '-o', 'nosuch=1', 'a',
                 '1M'),
                ("a: Backing file not supported for file format 'raw'",
                 '-b', 'base', 'a', '1M')):
            self.assert_fails(err, 'create', '-f', 'raw', *args)
            self.assertEqual(os.listdir(self.dir), [], args)
        self.assert_fails("a: Unknown file format 'nosuch'", 'create', '-f',
                          'nosuch', 'a', '1M')

    def test_errors_after_the_announcement(self):
        self.assert_fails(
            "/no/such: Could not create '/no/such': No such file or "
            'directory', 'create', '-f', 'raw', '/no/such', '1M',
            out="Formatting '/no/such', fmt=raw size=1048576\n")
        self.assert_fails(
            'a: invalid parameter value: x', 'create', '-f', 'raw', '-o',
            'preallocation=x', 'a', '1M',
            out="Formatting 'a', fmt=raw size=1048576 preallocation=x\n")


class Info(ImgCase):

    def test_human(self):
        path = self.make('a', data=[(0, 64 * KIB, 1)])
        self.assertEqual(images.allocated_bytes(path), 64 * KIB)
        self.assert_output(
            'image: a\nfile format: raw\nvirtual size: 1 MiB (1048576 bytes)'
            '\ndisk size: 64 KiB\n', 'info', '-f', 'raw', 'a')

    def test_sizes(self):
        for size, text in ((0, '0 B'), (512, '512 B'), (1536, '1.5 KiB'),
                           (GIB, '1 GiB'), (1100 * MIB, '1.07 GiB'),
                           (10 * MIB, '10 MiB'), (1 << 40, '1 TiB')):
            self.make('a', size)
            self.assertIn(f'virtual size: {text} ({size} bytes)\n',
                          self.img('info', '-f', 'raw', 'a').stdout)

    def test_json(self):
        path = self.make('a')
        self.assert_output(
            '{\n    "virtual-size": 1048576,\n    "filename": "a",\n'
            '    "format": "raw",\n    "actual-size": %d,\n'
            '    "dirty-flag": false\n}\n' % images.allocated_bytes(path),
            'info', '-f', 'raw', '--output=json', 'a')

    def test_probing(self):
        self.make('a')
        self.assertIn('file format: raw\n', self.img('info', 'a').stdout)

    def test_image_opts(self):
        self.make('a')
        done = self.img('info', '--output=json', '--image-opts',
                        'driver=raw,offset=512,size=1024,file.driver=file,'
                        'file.filename=a')
        self.assertEqual(json.loads(done.stdout)['virtual-size'], 1024)
        self.assert_fails('--image-opts and --format are mutually exclusive',
                          'info', '-f', 'raw', '--image-opts', 'driver=raw')

    def test_json_name(self):
        self.make('a')
        self.assertIn(
            'image: a\nfile format: raw\n', self.img(
                'info', 'json:{"driver": "raw", "file": {"driver": "file", '
                '"filename": "a"}}').stdout)

    def test_force_share(self):
        self.make('a')
        self.assertEqual(self.img('info', '-U', '-f', 'raw',
                                  'a').returncode, 0)


class Map(ImgCase):

    def setUp(self):
        super().setUp()
        self.make('a', data=[(0, 64 * KIB, 1), (512 * KIB, 4 * KIB, 2)])

    @staticmethod
    def line(start, length, data):
        word = 'true' if data else 'false'
        zero = 'false' if data else 'true'
        return (f'{{ "start": {start}, "length": {length}, "depth": 0, '
                f'"present": true, "zero": {zero}, "data": {word}, '
                f'"offset": {start}}}')

    def test_human(self):
        self.assert_output(
            'Offset          Length          Mapped to       File\n'
            '0               0x10000         0               a\n'
            '0x80000         0x1000          0x80000         a\n',
            'map', '-f', 'raw', 'a')

    def test_json(self):
        self.assert_output('[' + ',\n'.join([
            self.line(0, 64 * KIB, True),
            self.line(64 * KIB, 448 * KIB, False),
            self.line(512 * KIB, 4 * KIB, True),
            self.line(516 * KIB, 508 * KIB, False)]) + ']\n',
            'map', '-f', 'raw', '--output=json', 'a')

    def test_part(self):
        expected = '[' + ',\n'.join([
            self.line(4 * KIB, 60 * KIB, True),
            self.line(64 * KIB, 40 * KIB, False)]) + ']\n'
        self.assert_output(expected, 'map', '-f', 'raw', '--output=json',
                           '-s', '4k', '-l', '100k', 'a')
        self.assert_output(expected, 'map', '-f', 'raw', '--output=json',
                           '--start-offset=4k', '--max-length=100k', 'a')

    def test_all_data_and_all_hole(self):
        self.make('hole')
        images.make_patterned(self.path('data'), MIB)
        self.assert_output('[' + self.line(0, MIB, False) + ']\n', 'map',
                           '-f', 'raw', '--output=json', 'hole')
        self.assert_output('[' + self.line(0, MIB, True) + ']\n', 'map',
                           '-f', 'raw', '--output=json', 'data')
        self.assert_output(
            'Offset          Length          Mapped to       File\n', 'map',
            '-f', 'raw', 'hole')


class Compare(ImgCase):

    def compare(self, out, *args, code=0):
        self.assert_output(out, 'compare', '-f', 'raw', '-F', 'raw', *args,
                           code=code)

    def test_identical(self):
        self.make('a', data=[(0, 64 * KIB, 1)])
        self.make('b', data=[(0, 64 * KIB, 1)])
        self.compare('Images are identical.\n', 'a', 'b')
        self.compare('Images are identical.\n', 'a', 'a')
        self.compare('', '-q', 'a', 'b')

    def test_hole_or_zeroes(self):
        self.make('a')
        self.make('b', data=[(0, 64 * KIB, 0)])
        self.compare('Images are identical.\n', 'a', 'b')

    def test_mismatch(self):
        self.make('a')
        for offset in 0, 512, 512 * KIB, MIB - 512:
            self.make('b', data=[(offset, 512, 1)])
            text = f'Content mismatch at offset {offset}!\n'
            self.compare(text, 'a', 'b', code=1)
            self.compare(text, 'b', 'a', code=1)
            self.compare('', '-q', 'a', 'b', code=1)

    def test_lengths(self):
        self.make('a')
        self.make('b', 2 * MIB)
        warning = 'Warning: Image size mismatch!\n'
        self.compare(warning + 'Images are identical.\n', 'a', 'b')
        self.compare('Strict mode: Image size mismatch!\n', '-s', 'a', 'b',
                     code=1)
        images.fill(self.path('b'), MIB + 512 * KIB, 4096, 1)
        text = warning + 'Content mismatch at offset 1572864!\n'
        self.compare(text, 'a', 'b', code=1)
        self.compare(text, 'b', 'a', code=1)


if __name__ == '__main__':
    case.main()
