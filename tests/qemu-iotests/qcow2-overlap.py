#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""overlap-check=all: an entry that points to a table of a snapshot's or to the
directory of bitmaps is not written through; QEMU says the same."""

import struct
import subprocess

from lib import case, program, tools
from lib.img_diff import ORACLE
from lib.machine import MachineCase

QEMU_IO = '/usr/bin/qemu-io'


def number(path, offset):
    with open(path, 'rb') as f:
        f.seek(offset)
        return struct.unpack('>Q', f.read(8))[0]


def point_first_cluster_to(path, place):
    """The guest's first cluster now lies at PLACE of the file."""
    table = number(path, number(path, 40)) & ((1 << 56) - 512)
    with open(path, 'r+b') as f:
        f.seek(table)
        f.write(struct.pack('>Q', 1 << 63 | place))


class Overlap(case.Case):

    def write_over(self, place_of):
        """What both say of a write to a first cluster that was bent."""
        said = []
        for tool in (program.find('qemu-io'), QEMU_IO):
            image = self.path('t.qcow2')
            tools.run([ORACLE, 'create', '-q', '-f', 'qcow2', image, '4M'])
            place = place_of(image)
            point_first_cluster_to(image, place)
            done = subprocess.run(
                [tool, '--image-opts', '-c', 'write 0 64k',
                 f'driver=qcow2,overlap-check=all,file.filename={image}'],
                capture_output=True, text=True, check=False)
            said.append([line for line in done.stderr.splitlines()
                         if 'corrupt' in line])
            self.assertEqual(number(image, 72) & 2, 2, done)
        self.assertEqual(said[0], said[1])
        return said[0][0]

    def test_inactive_l2(self):
        def place_of(image):
            tools.run([QEMU_IO, '-f', 'qcow2', '-c', 'write 0 1M', image])
            tools.run([ORACLE, 'snapshot', '-c', 's', image])
            table = number(image, number(image, 40)) & ((1 << 56) - 512)
            tools.run([QEMU_IO, '-f', 'qcow2', '-c', 'write 0 1M', image])
            return table

        self.assertIn('overlaps with inactive L2 table',
                      self.write_over(place_of))

    def test_bitmap_directory(self):
        def place_of(image):
            tools.run([QEMU_IO, '-f', 'qcow2', '-c', 'write 0 1M', image])
            tools.run([ORACLE, 'bitmap', '--add', image, 'b'])
            with open(image, 'rb') as f:
                head = f.read(4096)
            found = head.index(struct.pack('>II', 0x23852875, 24))
            return struct.unpack('>Q', head[found + 24:found + 32])[0]

        self.assertIn('overlaps with bitmap directory',
                      self.write_over(place_of))


class OnADrive(MachineCase):

    def test_device_is_named_and_empty(self):
        image = self.path('a.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', image, '1M')
        tools.io(image, 'write -P 1 0 64k', options=('-f', 'qcow2'))
        point_first_cluster_to(image, 3 * 65536)
        vm = self.machine('-drive', f'if=none,id=d0,file={image},'
                          'format=qcow2,node-name=n0')
        vm.cmd('human-monitor-command',
               **{'command-line': 'qemu-io d0 "write 0 64k"'})
        self.assertEqual(
            vm.qmp.event('BLOCK_IMAGE_CORRUPTED')['data'],
            {'device': 'd0', 'node-name': 'n0', 'fatal': True,
             'offset': 3 * 65536, 'size': 65536,
             'msg': 'Preventing invalid write on metadata (overlaps with '
                    'active L1 table)'})
        self.assertNotIn('inserted', vm.cmd('query-block')[0])


if __name__ == '__main__':
    case.main()
