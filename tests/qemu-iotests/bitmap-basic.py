#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Dirty bitmaps: add, remove, clear, enable, disable, and their errors."""

from lib import bitmaps, case
from lib.bitmap_case import BitmapCase
from lib.bitmaps import entry
from lib.images import KIB

CHUNK = 64 * KIB


class Basic(BitmapCase):

    def test_fresh(self):
        self.assertEqual(self.all(), [])
        self.add('b')
        self.assertEqual(self.all(), [entry('b')])
        self.assertEqual(self.all('disk-file'), [])

    def test_line(self):
        self.add('b')
        self.vm.qmp.send_raw('{"execute": "query-named-block-nodes"}')
        self.assertIn(
            b'"dirty-bitmaps": [{"name": "b", "recording": true, '
            b'"persistent": false, "busy": false, "granularity": 65536, '
            b'"count": 0}]', self.vm.qmp.recv_line())

    def test_disabled(self):
        self.add('b', disabled=True)
        self.assertEqual(self.all(), [entry('b', recording=False)])
        self.dirty((0, CHUNK))
        self.assertEqual(self.count('b'), 0)

    def test_newest_first(self):
        for name in 'c', 'a', 'b':
            self.add(name)
        self.assertEqual(self.names(), ['b', 'a', 'c'])
        self.bitmap('remove', 'a')
        self.assertEqual(self.names(), ['b', 'c'])
        self.add('a')
        self.assertEqual(self.names(), ['a', 'b', 'c'])

    def test_same_name_on_two_nodes(self):
        self.add('b')
        self.add('b', node='disk-file')
        self.dirty((0, CHUNK))
        self.bitmap('clear', 'b')
        self.assertEqual(self.count('b'), 0)
        self.assertEqual(self.count('b', 'disk-file'), CHUNK)

    def test_records(self):
        self.add('b')
        self.dirty((0, 1), (5 * CHUNK, CHUNK))
        self.assert_dirty('b', [(0, 1), (5 * CHUNK, CHUNK)])
        self.dirty((0, CHUNK))
        self.assertEqual(self.count('b'), 2 * CHUNK)

    def test_clear(self):
        self.add('b')
        self.dirty((0, self.size_bytes))
        self.assert_dirty('b', [(0, self.size_bytes)])
        self.bitmap('clear', 'b')
        self.assert_dirty('b', [])
        self.dirty((CHUNK, 1))
        self.assert_dirty('b', [(CHUNK, 1)])

    def test_disable_and_enable(self):
        self.add('b')
        self.dirty((0, 1))
        self.bitmap('disable', 'b')
        self.bitmap('disable', 'b')
        self.assertEqual(self.all(),
                         [entry('b', recording=False, count=CHUNK)])
        self.dirty((CHUNK, 1))
        self.assert_dirty('b', [(0, 1)])
        self.bitmap('enable', 'b')
        self.bitmap('enable', 'b')
        self.dirty((2 * CHUNK, 1))
        self.assert_dirty('b', [(0, 1), (2 * CHUNK, 1)])

    def test_clear_disabled(self):
        self.add('b')
        self.dirty((0, 1))
        self.bitmap('disable', 'b')
        self.bitmap('clear', 'b')
        self.assertEqual(self.all(), [entry('b', recording=False)])

    def test_remove_member_is_gone(self):
        self.add('b')
        self.bitmap('remove', 'b')
        self.assertEqual(self.all(), [])

    def test_many(self):
        names = [f'b{i}' for i in range(100)]
        for name in names:
            self.add(name)
        self.dirty((0, 1))
        self.assertEqual(self.names(), names[::-1])
        self.assertEqual({b['count'] for b in self.all()}, {CHUNK})

    def test_names(self):
        longest = 'n' * 1023
        self.add(longest)
        self.add('é €')
        self.assertEqual(self.names(), ['é €', longest])
        self.assert_refused('add', {'name': 'n' * 1024},
                            'Bitmap name too long: ' + 'n' * 1024)
        self.assert_refused('add', {'name': ''},
                            'Bitmap name cannot be empty')
        self.assert_refused('add', {'name': longest},
                            f'Bitmap already exists: {longest}')

    def test_persistent_is_refused(self):
        for node in 'disk', 'disk-file':
            self.assert_refused(
                'add', {'node': node, 'name': 'b', 'persistent': True},
                f"Can't store persistent bitmaps to {node}: "
                'Operation not supported')
        self.assertEqual(self.all(), [])
        self.add('b', persistent=False)

    def test_order_of_checks(self):
        self.add('b')
        granularity = 'Granularity must be power of 2 and at least 512'
        self.assert_refused('add', {'name': '', 'granularity': 3},
                            'Bitmap name cannot be empty')
        self.assert_refused(
            'add', {'name': 'b', 'granularity': 3, 'persistent': True},
            granularity)
        self.assert_refused(
            'add', {'name': 'b', 'persistent': True},
            "Can't store persistent bitmaps to disk: Operation not supported")
        self.assert_refused(
            'add', {'name': '', 'node': 'nosuch'},
            'Bitmap name cannot be empty')
        self.assert_refused(
            'add', {'name': 'b', 'granularity': 3, 'node': 'nosuch'},
            "Cannot find device='nosuch' nor node-name='nosuch'")

    def test_not_found(self):
        for verb in 'remove', 'clear', 'enable', 'disable':
            for name in 'nosuch', '':
                self.assert_refused(verb, {'name': name},
                                    f"Dirty bitmap '{name}' not found")
            self.assert_refused(verb, {'node': 'nosuch', 'name': 'b'},
                                "Node 'nosuch' not found")
        self.assert_refused(
            'add', {'node': '', 'name': 'b'},
            "Cannot find device='' nor node-name=''")

    def test_busy(self):
        """A bitmap that an export shows can only be looked at."""
        self.add('b')
        self.dirty((0, 1))
        self.server.add('disk', name='more', bitmaps=['b'], writable=True)
        busy = ("Bitmap 'b' is currently in use by another operation and "
                'cannot be used')
        self.assertEqual(self.all(), [entry('b', count=CHUNK, busy=True)])
        for verb in 'remove', 'clear', 'enable', 'disable':
            self.assert_refused(verb, {'name': 'b'}, busy)
        self.sha256('b')
        self.vm.cmd('block-export-del', id='more')
        self.vm.qmp.event('BLOCK_EXPORT_DELETED', id='more')
        self.assertEqual(self.all(), [entry('b', count=CHUNK)])
        self.bitmap('remove', 'b')

    def test_del_of_node_with_bitmap(self):
        self.add('b')
        self.vm.cmd('blockdev-del', node_name='disk')
        self.add_disk('disk')
        self.assertEqual(self.all(), [])

    def test_on_read_only_node(self):
        self.vm.cmd('blockdev-add', {
            'driver': 'null-co', 'node-name': 'ro', 'read-only': True})
        self.add('b', node='ro')
        self.assertEqual(bitmaps.of_node(self.vm, 'ro'), [entry('b')])


if __name__ == '__main__':
    case.main()
