#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The NBD server and the tools of others: nbdinfo, nbdcopy, nbdsh, qemu-img."""

import json

from lib import case, images, tools
from lib.exports import BASE, dirty
from lib.images import MIB
from lib.nbd_case import CHUNK, NbdCase


class Clients(NbdCase):
    """The tools that people use."""

    def setUp(self):
        super().setUp()
        self.vm.cmd('block-dirty-bitmap-add', node='disk', name='b')
        self.server.add('disk', name='guest', bitmaps=['b'],
                        description='what it is')
        self.server.add('disk', name='view', writable=False)
        self.uri = self.server.uri('guest')

    def test_nbdinfo(self):
        info = json.loads(tools.nbdinfo('--json', self.uri).stdout)
        self.assertEqual(info['protocol'], 'newstyle-fixed')
        self.assertTrue(info['structured'])
        export = info['exports'][0]
        export.pop('content', None)
        self.assertEqual(export, {
            'export-name': 'guest', 'description': 'what it is',
            'uri': self.uri, 'contexts': [BASE, dirty('b')],
            'is_rotational': False, 'is_read_only': False,
            'can_cache': True, 'can_df': True, 'can_fast_zero': True,
            'can_flush': True, 'can_fua': True, 'can_multi_conn': True,
            'can_trim': True, 'can_zero': True, 'block_size_minimum': 1,
            'block_size_preferred': 4096, 'block_size_maximum': 32 * MIB,
            'export-size': self.size_bytes, 'export-size-str': '4M'})

    def test_nbdinfo_list(self):
        done = tools.nbdinfo('--json', '--list', self.server.uri(''))
        self.assertEqual([e['export-name'] for e in
                          json.loads(done.stdout)['exports']],
                         ['guest', 'view'])

    def test_nbdinfo_map(self):
        done = tools.nbdinfo('--json', '--map', self.uri)
        self.assertEqual(
            [(e['offset'], e['length'], e['type'])
             for e in json.loads(done.stdout)],
            [(0, CHUNK, 0), (CHUNK, MIB - CHUNK, 3), (MIB, CHUNK, 0),
             (MIB + CHUNK, 3 * MIB - CHUNK, 3)])
        with open(self.path('x'), 'wb') as f:
            f.write(b'x' * CHUNK)
        tools.nbdsh('-u', self.uri, '-c', 'h.pwrite(b"x" * 65536, 65536)')
        done = tools.nbdinfo(f"--map={dirty('b')}", self.uri)
        self.assertEqual([line.split() for line in done.stdout.splitlines()],
                         [['0', '65536', '0', 'clean'],
                          ['65536', '65536', '1', 'dirty'],
                          ['131072', '4063232', '0', 'clean']])

    def test_nbdinfo_unknown(self):
        done = tools.nbdinfo(self.server.uri('nosuch'), check=False)
        self.assertEqual(done.returncode, 1)

    def test_nbdcopy(self):
        copy = self.path('copy.img')
        tools.nbdcopy(self.uri, copy)
        self.assertEqual(images.checksum(copy), images.checksum(self.image))
        images.fill(copy, 2 * MIB, MIB, 7)
        tools.nbdcopy(copy, self.uri)
        self.assertEqual(images.checksum(copy), images.checksum(self.image))

    def test_nbdsh(self):
        done = tools.nbdsh('-u', self.uri, '-c', 'h.pwrite(b"hi", 5)\n'
                           'h.flush()\nprint(h.pread(2, 5), h.get_size())')
        self.assertEqual(done.stdout, f"bytearray(b'hi') {self.size_bytes}\n")

    def test_qemu_img(self):
        """A foreign qemu-img as the client."""
        done = tools.foreign_img('map', '--output=json', '-f', 'raw',
                                 self.uri)
        self.assertEqual(
            [(e['start'], e['length'], e['data'], e['zero'])
             for e in json.loads(done.stdout)],
            [(0, CHUNK, True, False), (CHUNK, MIB - CHUNK, False, True),
             (MIB, CHUNK, True, False),
             (MIB + CHUNK, 3 * MIB - CHUNK, False, True)])
        copy = self.path('copy.qcow2')
        tools.foreign_img('convert', '-f', 'raw', '-O', 'qcow2', self.uri,
                          copy)
        tools.foreign_img('compare', '-f', 'raw', '-F', 'qcow2', self.uri,
                          copy)

    def test_qemu_img_x_dirty_bitmap(self):
        tools.nbdsh('-u', self.uri, '-c', 'h.pwrite(b"x" * 65536, 65536)')
        done = tools.foreign_img(
            'map', '--output=json', '--image-opts',
            'driver=nbd,export=guest,server.type=unix,'
            f'server.path={self.server.path},'
            f"x-dirty-bitmap={dirty('b')}")
        self.assertEqual(
            [(e['start'], e['length'], e['data'])
             for e in json.loads(done.stdout)],
            [(0, CHUNK, True), (CHUNK, CHUNK, False),
             (2 * CHUNK, self.size_bytes - 2 * CHUNK, True)])


if __name__ == '__main__':
    case.main()
