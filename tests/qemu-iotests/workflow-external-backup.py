#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A program of its own fetches backups over NBD: of a point in time, all of
it at first, then just what a bitmap says, and puts them together."""

from lib import case, exports
from lib.workflow_case import CLUSTER, WorkflowCase


class ExternalBackup(WorkflowCase):

    def freeze(self, fresh, ended=None):
        """`snap` shows this instant; the bitmap FRESH begins, ENDED ends."""
        actions = [self.action('add', name=fresh)]
        if ended:
            actions.append(self.action('disable', name=ended))
        self.add_disk('temp')
        self.vm.cmd('blockdev-add', {
            'driver': 'copy-before-write', 'node-name': 'cbw',
            'file': 'disk', 'target': 'temp'})
        # The guest writes nothing between these: as if in one step.
        self.vm.cmd('blockdev-reopen', options=[self.top_options('cbw')])
        self.transaction(*actions)
        self.vm.cmd('blockdev-add', {
            'driver': 'snapshot-access', 'node-name': 'snap', 'file': 'cbw'})
        self.server.add('snap', writable=False, bitmaps=[
            {'node': 'disk', 'name': ended}] if ended else [])
        return bytes(self.now)

    def thaw(self, reader):
        exports.disconnect(reader)
        self.vm.cmd('block-export-del', {'id': 'snap', 'mode': 'hard'})
        self.vm.qmp.event('BLOCK_EXPORT_DELETED')
        self.remove_disk('snap')
        self.vm.cmd('blockdev-reopen', options=[self.top_options('disk')])
        self.remove_disk('cbw')
        self.remove_disk('temp')

    def test_three_days(self):
        saved = bytearray(self.size_bytes)
        frozen = self.freeze('b0')
        reader = self.connect('snap')
        self.write(1, 2)
        saved[:] = reader.pread(self.size_bytes, 0)
        self.assert_bytes(saved, frozen)
        self.thaw(reader)
        for day, clusters in enumerate([(7,), (2, 30, 31)], 1):
            self.write(*clusters, byte=day)
            ended = f'b{day - 1}'
            frozen = self.freeze(f'b{day}', ended)
            reader = self.connect('snap', [exports.dirty(ended)])
            self.write(0, 50, byte=0x70 + day)
            ranges = exports.dirty_ranges(reader, ended)
            for offset, length in ranges:
                saved[offset:offset + length] = reader.pread(length, offset)
            self.assert_bytes(saved, frozen)
            self.assertLess(sum(n for _, n in ranges), 8 * CLUSTER)
            self.thaw(reader)
            self.bitmap('remove', ended)


if __name__ == '__main__':
    case.main()
