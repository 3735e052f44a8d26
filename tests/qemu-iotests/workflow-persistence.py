#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Bitmaps that outlive the daemon, where the format can keep them."""

import unittest

from lib import bitmaps, case, exports, flavour
from lib.workflow_case import CLUSTER, WorkflowCase


class Persistence(WorkflowCase):

    def again(self):
        """The daemon ends and another opens the same image."""
        exports.disconnect(self.guest)
        self.vm.quit()
        self.vm = self.daemon()
        self.add_disk('disk', path=self.path_of['disk'])
        self.vm.cmd('blockdev-add', self.top_options('disk'))
        self.server = exports.Server(self.vm)
        self.server.add('top')
        self.guest = self.connect('top')

    @unittest.skipIf(flavour.keeps_bitmaps(), 'the format can keep them')
    def test_refused(self):
        self.assert_error(
            self.vm, 'block-dirty-bitmap-add',
            {'node': 'disk', 'name': 'b', 'persistent': True},
            "Can't store persistent bitmaps to disk: Operation not "
            "supported")

    @unittest.skipUnless(flavour.keeps_bitmaps(), 'the format keeps none')
    def test_goes_on(self):
        self.bitmap('add', 'b', persistent=True)
        self.bitmap('add', 'gone')
        self.write(1)
        self.again()
        self.write(2)
        self.assert_dirty('b', 1, 2)
        self.assertEqual(bitmaps.names(self.vm, 'disk'), ['b'])
        self.add_disk('target')
        self.assertEqual(self.run_backup('target', sync='incremental',
                                         bitmap='b'), 2 * CLUSTER)
        self.again()
        self.assert_dirty('b')

    @unittest.skipUnless(flavour.keeps_bitmaps(), 'the format keeps none')
    def test_several_at_rest(self):
        """All disks of a machine that is off get a bitmap, or none does."""
        disks = 'one', 'two', 'three'
        for name in disks:
            self.add_disk(name)
        self.bitmap('add', 'taken', node='three', persistent=True)

        def add(bitmap):
            return {'actions': [
                {'type': 'block-dirty-bitmap-add', 'data': {
                    'node': name, 'name': bitmap, 'persistent': True}}
                for name in disks]}

        self.assert_error(self.vm, 'transaction', add('taken'),
                          'Bitmap already exists: taken')
        self.vm.cmd('transaction', add('monday'))
        for name in disks:
            self.remove_disk(name)
            self.add_disk(name, path=self.path_of[name])
        self.assertEqual(
            [sorted(bitmaps.names(self.vm, name)) for name in disks],
            [['monday'], ['monday'], ['monday', 'taken']])

    @unittest.skipUnless(flavour.keeps_bitmaps(), 'the format keeps none')
    def test_killed(self):
        """After a crash it says that it cannot be relied upon."""
        self.bitmap('add', 'b', persistent=True)
        self.again()
        self.write(3)
        exports.disconnect(self.guest)
        self.vm.expect_crash = True
        self.vm.popen.kill()
        self.vm.wait()
        self.vm.qmp.close()
        self.vm = self.daemon()
        self.add_disk('disk', path=self.path_of['disk'])
        self.assertTrue(bitmaps.find(self.vm, 'disk', 'b')['inconsistent'])
        self.bitmap('remove', 'b')
        self.assertEqual(bitmaps.of_node(self.vm, 'disk'), [])


if __name__ == '__main__':
    case.main()
