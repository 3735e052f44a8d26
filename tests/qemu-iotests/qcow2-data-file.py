#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qcow2 with an external data file: what its name means, what needs it, and
how it grows."""

import json
import os

from lib import case, tools
from lib.images import KIB, MIB


class DataFile(case.Case):

    def setUp(self):
        super().setUp()
        os.chdir(self.dir)
        self.addCleanup(os.chdir, '/')

    def create(self, options='data_file=d.raw', name='a'):
        return tools.img('create', '-q', '-f', 'qcow2', '-o', options, name,
                         '1M', check=False).stderr

    def read(self, name='a'):
        ran = tools.io(name, 'read -q 0 512', options=('-f', 'qcow2'),
                       check=False)
        return ran.stdout + ran.stderr

    def map(self, name='a', fmt='qcow2'):
        out = tools.img('map', '-f', fmt, '--output=json', name).stdout
        return [(e['start'], e['length'], e['data']) for e in json.loads(out)]

    def test_flags_of_what_nobody_shares(self):
        self.create()
        tools.io('a', 'write -q 64k 64k', options=('-f', 'qcow2'))
        with open('a', 'r+b') as f:
            f.seek(4 * 65536 + 8)
            f.write(b'\0')
        text = 'OFLAG_COPIED data cluster: l2_entry=10000 refcount=1\n'
        done = tools.img('check', '-q', 'a', check=False)
        self.assertEqual((done.returncode, done.stderr), (2, 'ERROR ' + text))
        done = tools.img('check', '-q', '-r', 'all', 'a')
        self.assertEqual(done.stderr, 'Repairing ' + text)
        self.assertEqual(tools.img('check', '-q', 'a').stderr, '')

    def test_relative_to_the_program(self):
        os.mkdir('sub')
        self.create(name='sub/a')
        self.assertEqual(self.read('sub/a'), '')
        os.rename('d.raw', 'sub/d.raw')
        self.assertEqual(self.read('sub/a'), "qemu-io: can't open device "
                         "sub/a: Could not open 'd.raw': No such file or "
                         "directory\n")

    def test_a_name_in_an_image_is_a_file(self):
        """Strangers' images must not make the program open more than files."""
        for name in ('json:{}', 'json:{"driver":"null-co"}', 'null-co://',
                     'nbd://localhost/', 'blkdebug::d.raw', 'file:d.raw'):
            self.create()
            tools.img('amend', '-o', 'data_file=' + name, 'a')
            self.assertEqual(self.read(), "qemu-io: can't open device a: "
                             f"Could not open '{name}': No such file or "
                             'directory\n')

    def test_a_name_of_creation_may_have_a_protocol(self):
        self.create('data_file=file:e.raw')
        self.assertTrue(os.path.exists('e.raw'))
        self.assertEqual(self.read(), '')
        self.assertEqual(self.create('data_file=d:e.raw'),
                         "qemu-img: a: Unknown protocol 'd'\n")
        self.create('data_file=./d:e.raw')
        self.assertEqual(self.read(), '')

    def test_info_does_not_need_it(self):
        self.create()
        os.unlink('d.raw')
        self.assertIn('    data file: d.raw\n',
                      tools.img('info', 'a').stdout)
        tools.img('create', '-q', '-f', 'qcow2', 'b', '1M')
        tools.img('info', '--image-opts',
                  'driver=qcow2,file.filename=b,data-file.filename=x')
        self.assertNotEqual(tools.img('check', 'a', check=False).returncode, 0)

    def test_name_taken_away(self):
        self.create()
        tools.img('amend', '-o', 'data_file=', 'a')
        self.assertNotIn('data file:', tools.img('info', 'a').stdout)
        self.assertEqual(self.read(), "qemu-io: can't open device a: "
                         "'data-file' is required for this image\n")

    def test_raw_stays_mapped_as_it_grows(self):
        self.create('data_file=d.raw,data_file_raw=on')
        tools.img('resize', '-q', 'a', '2M')
        self.assertEqual(sum(n for _, n, _ in self.map()), 2 * MIB)
        self.assertTrue(all(data for _, _, data in self.map()))
        tools.img('check', 'a')

    def test_no_snapshots(self):
        self.create()
        for option, text in (
                ('-c', "create snapshot 's': -95 (Operation not supported)"),
                ('-a', "apply snapshot 's': Failed to load snapshot: "
                       'Operation not supported')):
            self.assertEqual(
                tools.img('snapshot', option, 's', 'a', check=False).stderr,
                f'qemu-img: Could not {text}\n')


class FirstBlock(case.Case):
    """What was empty gets a block that is allocated."""

    def test_resize(self):
        name = self.path('r')
        for bytes_, expected in ((0, [(0, 4 * KIB, True),
                                      (4 * KIB, MIB - 4 * KIB, False)]),
                                 (512, [(0, MIB, False)])):
            with open(name, 'wb') as f:
                f.truncate(bytes_)
            tools.img('resize', '-q', '-f', 'raw', name, '1M')
            out = tools.img('map', '-f', 'raw', '--output=json', name).stdout
            self.assertEqual([(e['start'], e['length'], e['data'])
                              for e in json.loads(out)], expected)


if __name__ == '__main__':
    case.main()
