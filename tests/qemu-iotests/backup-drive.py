#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""drive-backup: to an image that is made, opened and closed by the job."""

import os

from lib import case, images, jobs, tools
from lib.fleece_case import CLUSTER, FleeceCase
from lib.images import MIB


class DriveBackup(FleeceCase):

    def setUp(self):
        super().setUp()
        self.copy = self.path('copy.img')

    def start(self, device='disk', sync='full', format='raw', **more):
        self.vm.cmd('drive-backup', self.args(device, sync, format, **more))

    def args(self, device='disk', sync='full', format='raw', **more):
        args = {'job-id': 'job', 'device': device, 'sync': sync,
                'target': self.copy,
                **{k.replace('_', '-'): v for k, v in more.items()}}
        return {**args, 'format': format} if format else args

    def completed(self):
        data = self.vm.qmp.event('BLOCK_JOB_COMPLETED')['data']
        self.vm.qmp.event('JOB_STATUS_CHANGE', status='null')
        self.assertNotIn('error', data)

    def nodes(self):
        return [n['node-name'] for n in
                self.vm.cmd('query-named-block-nodes')]

    def content(self, path):
        tools.img('check', path)
        raw = path + '.raw'
        tools.img('convert', '-O', 'raw', path, raw)
        return images.read(raw)

    def test_raw(self):
        before = self.nodes()
        self.start()
        self.completed()
        self.assertTrue(images.read(self.copy) == self.frozen)
        self.assertEqual(self.nodes(), before)

    def test_qcow2_under_a_guest(self):
        self.start(format='qcow2', speed=1, x_perf=jobs.ONE_BY_ONE)
        for i in range(0, 100, 7):
            self.guest.pwrite(b'g' * 512, i * CLUSTER)
        self.vm.cmd('block-job-set-speed', device='job', speed=0)
        self.completed()
        self.assertTrue(self.content(self.copy) == self.frozen)

    def test_format_of_the_source(self):
        self.start(format=None)
        self.completed()
        self.assertTrue(images.read(self.copy) == self.frozen)

    def test_existing(self):
        tools.img('create', '-f', 'qcow2', self.copy, str(self.size_bytes))
        self.start(format='qcow2', mode='existing')
        self.completed()
        self.assertTrue(self.content(self.copy) == self.frozen)

    def test_top(self):
        """The image has the same behind it, and only the topmost layer."""
        base, top = self.path('base.qcow2'), self.path('top.qcow2')
        tools.img('create', '-f', 'qcow2', base, str(self.size_bytes))
        tools.io(base, f'write -P 1 0 {4 * MIB}', options=('-f', 'qcow2'))
        tools.img('create', '-f', 'qcow2', '-b', base, '-F', 'qcow2', top)
        tools.io(top, f'write -P 2 {MIB} {MIB}', f'write -z {3 * MIB} {MIB}',
                 options=('-f', 'qcow2'))
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'chain',
            'file': {'driver': 'file', 'filename': top}})
        self.start('chain', 'top', 'qcow2')
        self.completed()
        self.vm.cmd('blockdev-del', {'node-name': 'chain'})
        self.assertTrue(self.content(self.copy) == self.content(top))
        info = tools.img('info', '--output=json', self.copy).stdout
        self.assertIn(base, info)
        self.assertLess(os.stat(self.copy).st_size, 3 * MIB)

    def test_none(self):
        """What is overwritten is in the image; all else shines through."""
        self.start(sync='none', format='qcow2')
        for i in range(6):
            self.guest.pwrite(b'g' * 512, i * MIB)
        self.vm.cmd('block-job-cancel', device='job')
        data = self.vm.qmp.event('BLOCK_JOB_CANCELLED')['data']
        self.assertEqual(data['offset'], 6 * CLUSTER)

    def test_bitmap(self):
        self.vm.cmd('block-dirty-bitmap-add', node='disk', name='b')
        self.guest.pwrite(b'n' * CLUSTER, MIB)
        self.guest.flush()
        self.start(sync='incremental', bitmap='b')
        self.completed()
        data = images.read(self.copy)
        self.assertEqual(data[MIB:MIB + CLUSTER], b'n' * CLUSTER)
        self.assertEqual(data[:MIB], bytes(MIB))
        self.assertEqual([b['count'] for b in
                          self.node('disk')['dirty-bitmaps']], [0])

    def test_refused(self):
        before = self.nodes()

        def refuse(desc, **args):
            self.assert_error(self.vm, 'drive-backup', self.args(**args), desc)
            self.assertEqual(self.nodes(), before)

        refuse("Cannot find device='x' nor node-name='x'", device='x')
        refuse("Unknown file format 'x'", format='x')
        self.copy = '/no/such/x.raw'
        refuse("Could not create '/no/such/x.raw': No such file or directory")
        self.copy = self.path('none.raw')
        refuse(f"Could not open '{self.copy}': No such file or directory",
               mode='existing')
        self.vm.cmd('blockdev-add', {'driver': 'null-co', 'size': 65536,
                                     'node-name': 'null'})
        before = self.nodes()
        refuse("Format driver 'null-co' does not support image creation",
               device='null', format=None)
        images.make(self.copy, MIB)
        refuse('Source and target image have different sizes',
               mode='existing')

    def test_top_of_nothing(self):
        """Without an image behind it is all of the disk, in texts too."""
        self.vm.cmd('block-dirty-bitmap-add', node='disk', name='b')
        images.make(self.copy, MIB)
        self.assert_error(
            self.vm, 'drive-backup',
            {**self.args(sync='top', mode='existing', bitmap='b'),
             'bitmap-mode': 'never'},
            "Bitmap sync mode 'never' has no meaningful effect when combined "
            "with sync mode 'full'")

    def test_shown(self):
        """Zeroes that are written there are to take no space."""
        self.vm.cmd('drive-backup', self.args(**{'auto-finalize': False}))
        self.vm.qmp.event('BLOCK_JOB_PENDING')
        nodes = {n['file']: n for n in
                 self.vm.cmd('query-named-block-nodes', flat=True)
                 if n['drv'] == 'raw'}
        self.assertEqual(nodes[self.copy]['detect_zeroes'], 'unmap')
        self.vm.cmd('job-finalize', id='job')
        self.completed()

    def test_transaction(self):
        before = self.nodes()
        action = {'type': 'drive-backup', 'data': self.args()}
        self.assert_error(self.vm, 'transaction', {
            'actions': [action, {'type': 'abort', 'data': {}}]},
            'Transaction aborted using Abort action')
        self.vm.cmd('query-jobs')
        self.guest.pwrite(b'w' * 512, 0)
        self.guest.flush()
        self.frozen = images.read(self.path_of['disk'])
        self.vm.cmd('transaction', actions=[action])
        self.completed()
        self.assertTrue(images.read(self.copy) == self.frozen)
        self.assertEqual(self.nodes(), before)


if __name__ == '__main__':
    case.main()
