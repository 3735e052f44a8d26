#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Bitmaps are turned on and off and put together, as backup programs do to
know what changed in which stretch of time."""

from lib import bitmaps, case, exports
from lib.workflow_case import CLUSTER, WorkflowCase


class Bitmaps(WorkflowCase):

    def test_stretches_of_time(self):
        """One bitmap a stretch; any run of them is put together."""
        self.bitmap('add', 'monday')
        self.write(1, 2)
        self.transaction(self.action('disable', name='monday'),
                         self.action('add', name='tuesday'))
        self.write(2, 3)
        self.transaction(self.action('disable', name='tuesday'),
                         self.action('add', name='wednesday'))
        self.write(5)
        self.assert_dirty('monday', 1, 2)
        self.assert_dirty('tuesday', 2, 3)
        self.assert_dirty('wednesday', 5)
        self.transaction(
            self.action('add', name='both', disabled=True),
            self.action('merge', target='both',
                        bitmaps=['monday', 'tuesday']))
        self.write(7)
        self.assert_dirty('both', 1, 2, 3)
        self.assert_dirty('wednesday', 5, 7)

    def test_off_and_on(self):
        self.bitmap('add', 'b')
        self.write(0)
        self.bitmap('disable', 'b')
        self.write(1)
        self.bitmap('enable', 'b')
        self.write(2)
        self.assert_dirty('b', 0, 2)
        self.bitmap('clear', 'b')
        self.assert_dirty('b')

    def test_seen_by_a_client(self):
        """A frozen bitmap, read over NBD beside the disk."""
        self.bitmap('add', 'b')
        self.write(3, 4, 9)
        self.bitmap('disable', 'b')
        self.server.add('disk', 'changes', writable=False, bitmaps=['b'])
        client = self.connect('changes', [exports.dirty('b')])
        self.assertEqual(exports.dirty_ranges(client, 'b'), [
            (3 * CLUSTER, 2 * CLUSTER), (9 * CLUSTER, CLUSTER)])
        self.assert_bytes(client.pread(CLUSTER, 9 * CLUSTER),
                          self.now[9 * CLUSTER:10 * CLUSTER])

    def test_trimmed(self):
        """What a guest trims is dirty, as it changed; that there is nothing to
        fetch is told beside it, on the same connection."""
        self.bitmap('add', 'b')
        self.write(1)
        self.guest.trim(16 * CLUSTER, 8 * CLUSTER)
        self.guest.zero(16 * CLUSTER, 8 * CLUSTER)
        self.now[8 * CLUSTER:24 * CLUSTER] = bytes(16 * CLUSTER)
        self.bitmap('disable', 'b')
        self.server.add('disk', 'changes', writable=False, bitmaps=['b'])
        client = self.connect('changes', [exports.dirty('b'), exports.BASE])
        self.assertEqual(exports.dirty_ranges(client, 'b'), [
            (CLUSTER, CLUSTER), (8 * CLUSTER, 16 * CLUSTER)])
        # 1: a hole, 2: it reads as zeroes
        self.assertEqual(exports.extents(client, exports.BASE, 8 * CLUSTER,
                                         16 * CLUSTER), [(16 * CLUSTER, 3)])
        self.assert_reads(client, self.now)

    def test_all_or_nothing(self):
        self.bitmap('add', 'b')
        self.write(1)
        before = bitmaps.of_node(self.vm, 'disk')
        self.assert_error(
            self.vm, 'transaction', {'actions': [
                self.action('clear', name='b'),
                self.action('disable', name='b'),
                self.action('add', name='c'),
                self.action('merge', target='c', bitmaps=['b']),
                {'type': 'abort', 'data': {}}]},
            'Transaction aborted using Abort action')
        self.assertEqual(bitmaps.of_node(self.vm, 'disk'), before)
        self.assert_dirty('b', 1)


if __name__ == '__main__':
    case.main()
