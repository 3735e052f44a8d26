#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What queries show of bitmaps while jobs work with them, and in which order
after."""

from lib import jobs
from lib.case import main, ours_only
from lib.images import MIB
from lib.mirror_case import CHUNK, MirrorCase

SIZE = 8 * MIB


class Shown(MirrorCase):

    def shown(self, *names):
        """(name, recording, busy, count) of the bitmaps of each node."""
        nodes = {n['node-name']: n for n in self.vm.cmd(
            'query-named-block-nodes', {'flat': True})}
        return [[(b.get('name'), b['recording'], b['busy'], b['count'])
                 for b in nodes[name].get('dirty-bitmaps', [])]
                for name in names]

    def add(self, name, **more):
        self.vm.cmd('block-dirty-bitmap-add', {'node': 'src', 'name': name,
                                               **more})

    def test_mirror(self):
        """Its own is the disk's; it records unless writes go to both sides."""
        for mode in 'background', 'write-blocking':
            self.start_mirror(filter_node_name='top', copy_mode=mode)
            self.wait_ready()
            self.assertEqual(self.shown('src', 'top'), [
                [(None, mode == 'background', False, 0)], []])
            self.leave()
        self.assertEqual(self.shown('src'), [[]])

    def test_active_writes_count(self):
        guest = self.guest()
        self.start_mirror(copy_mode='write-blocking')
        self.assertEqual(self.wait_ready(), (SIZE, SIZE))
        guest.pwrite(b'\xaa' * 2 * CHUNK, 4 * CHUNK)
        info = jobs.query(self.vm, 'job0')[1]
        self.assertEqual((info['len'], info['offset']),
                         (SIZE + 2 * CHUNK, SIZE + 2 * CHUNK))
        self.assertEqual(self.complete()[2],
                         self.end_of('COMPLETED', SIZE + 2 * CHUNK))

    @ours_only('a mirror takes no bitmap')
    def test_working_bitmap(self):
        guest = self.guest()
        self.add('b')
        guest.pwrite(b'\xaa' * CHUNK, 0)
        self.start_mirror(bitmap='b', filter_node_name='top')
        self.wait_ready()
        self.assertEqual(self.shown('src', 'top'),
                         [[('b', False, True, 0)], []])
        self.leave()
        self.assertEqual(self.shown('src'), [[('b', True, False, 0)]])

    @ours_only('a mirror takes no bitmap')
    def test_bitmap_mode(self):
        guest = self.guest()
        self.add('b')
        guest.pwrite(b'\xaa' * CHUNK, 0)
        self.start_mirror(bitmap='b', sync='bitmap', bitmap_mode='always',
                          filter_node_name='top')
        self.wait_ready()
        self.assertEqual(self.shown('src', 'top'), [
            [('b', True, True, CHUNK)], [(None, False, False, 0)]])
        self.leave()
        self.assertEqual(self.shown('src'), [[('b', True, False, 0)]])

    def test_order_after_backup(self):
        """What was backed up goes on as its younger self."""
        for name in 'a', 'b', 'c':
            self.add(name)
        for mode, order in (('never', 'cba'), ('on-success', 'acb'),
                            ('always', 'acb')):
            self.vm.cmd('blockdev-backup', {
                'job-id': 'job0', 'device': 'src', 'target': 'dst',
                'sync': 'bitmap', 'bitmap': 'a', 'bitmap-mode': mode})
            jobs.follow(self.vm, 'job0', 'null')
            self.assertEqual([b[0] for b in self.shown('src')[0]],
                             list(order))


if __name__ == '__main__':
    main()
