#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A raw disk in use gets bitmaps that persist: a qcow2 image that keeps
nothing but them, with the disk as its data file, comes between the disk and
its users."""

import os

from lib import bitmaps, case, exports, images, program, tools
from lib.images import KIB, MIB


class RawDisk(case.Case):

    size_bytes = 8 * MIB

    def setUp(self):
        super().setUp()
        self.disk = images.make_patterned(self.path('disk.img'),
                                          self.size_bytes)
        self.now = bytearray(images.read(self.disk))
        self.keeper = self.path('keeper.qcow2')
        # To make an image with a data file overwrites that file.
        scratch = self.path('scratch')
        tools.img('create', '-q', '-f', 'qcow2', '-o',
                  f'data_file={scratch},data_file_raw=on', self.keeper,
                  self.size_bytes)
        os.remove(scratch)

    def start(self):
        self.vm = self.daemon()
        self.vm.cmd('blockdev-add', {'driver': 'file', 'node-name': 'disk',
                                     'filename': self.disk})
        self.vm.cmd('blockdev-add', {'driver': 'file', 'node-name': 'store',
                                     'filename': self.keeper})

    def use(self, file):
        """The guest is on FILE."""
        self.vm.cmd('blockdev-add', {'driver': 'raw', 'node-name': 'top',
                                     'file': file})
        server = exports.Server(self.vm)
        server.add('top')
        self.guest = server.connect('top')

    def write(self, offset_bytes, byte):
        self.guest.pwrite(byte * 64 * KIB, offset_bytes)
        self.now[offset_bytes:offset_bytes + 64 * KIB] = byte * 64 * KIB

    @staticmethod
    def actions():
        return [
            {'type': 'blockdev-add', 'data': {
                'driver': 'qcow2', 'node-name': 'keeper', 'file': 'store',
                'data-file': 'disk'}},
            {'type': 'blockdev-reopen', 'data': {'options': [{
                'driver': 'raw', 'node-name': 'top', 'file': 'keeper'}]}},
            {'type': 'block-dirty-bitmap-add', 'data': {
                'node': 'keeper', 'name': 'b', 'persistent': True}}]

    def put_between(self):
        """At one moment, where the program can do that."""
        if program.is_oracle():
            for action in self.actions():
                self.vm.cmd(action['type'], action['data'])
        else:
            self.vm.cmd('transaction', actions=self.actions())

    def quit(self):
        exports.disconnect(self.guest)
        self.vm.quit()

    def changed(self):
        return bitmaps.sha256(self.vm, 'keeper', 'b')

    def expected(self, *offsets_bytes):
        return bitmaps.expected_sha256(self.size_bytes, 64 * KIB, [
            (offset, 64 * KIB) for offset in offsets_bytes])

    def again(self):
        """The next daemon, which has the image from the start."""
        self.start()
        self.vm.cmd('blockdev-add', self.actions()[0]['data'])
        self.use('keeper')

    def test_kept(self):
        self.start()
        self.use('disk')
        self.write(0, b'a')
        self.put_between()
        self.assertEqual(self.guest.pread(self.size_bytes, 0), self.now)
        self.write(MIB, b'b')
        self.assertEqual(self.changed(), self.expected(MIB))
        self.quit()
        # The disk is what it was: raw, and of the guest's content.
        self.assertEqual(images.read(self.disk), self.now)

        self.again()
        self.write(3 * MIB, b'c')
        self.assertEqual(self.changed(), self.expected(MIB, 3 * MIB))
        self.quit()
        self.assertEqual(images.read(self.disk), self.now)

    def test_killed(self):
        """The bitmap is lost, the disk is not."""
        self.start()
        self.use('disk')
        self.put_between()
        self.quit()
        self.again()
        self.write(MIB, b'b')
        self.vm.expect_crash = True
        self.vm.popen.kill()
        self.vm.wait()
        self.vm.qmp.close()
        self.assertEqual(images.read(self.disk), self.now)
        self.again()
        self.assertTrue(bitmaps.find(self.vm, 'keeper', 'b')['inconsistent'])
        self.assertEqual(self.guest.pread(self.size_bytes, 0), self.now)
        self.quit()

    @case.ours_only('has no blockdev-add in transactions')
    def test_all_or_nothing(self):
        self.start()
        self.use('disk')
        self.assert_error(
            self.vm, 'transaction',
            {'actions': [*self.actions(), {'type': 'abort', 'data': {}}]},
            'Transaction aborted using Abort action')
        self.write(MIB, b'b')
        self.assertEqual({n['node-name'] for n in
                          self.vm.cmd('query-named-block-nodes')},
                         {'top', 'disk', 'store'})
        self.put_between()
        self.assertEqual(self.changed(), self.expected())
        self.quit()

    def test_found_by_tools(self):
        """The name of the disk is put into the image afterwards."""
        self.start()
        self.use('disk')
        self.put_between()
        self.write(MIB, b'b')
        self.quit()
        tools.img('amend', '--image-opts',
                  'driver=qcow2,file.driver=file,'
                  f'file.filename={self.keeper},data-file.driver=file,'
                  f'data-file.filename={self.disk}',
                  '-o', f'data_file={self.disk}')
        self.assertEqual(images.read(self.disk), self.now)
        tools.img('check', '-q', self.keeper)
        tools.img('compare', '-q', '-F', 'raw', self.keeper, self.disk)


if __name__ == '__main__':
    case.main()
