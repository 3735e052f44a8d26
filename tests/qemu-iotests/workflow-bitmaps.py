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
