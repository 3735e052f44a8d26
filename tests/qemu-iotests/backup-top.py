#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""blockdev-backup with sync=top: what the disk's own layer has, and nothing of
the images behind it."""

from lib import case, images, tools
from lib.images import KIB, MIB

CLUSTER = 64 * KIB


class Top(case.Case):

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()
        self.base = images.make(self.path('base.img'), MIB, [(0, MIB, 1)])
        self.top = self.path('top.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', '-b', self.base, '-F', 'raw',
                  self.top)
        # Data, data that fills a part of a cluster, zeroes.
        tools.io(self.top, f'write -P 2 {CLUSTER} {CLUSTER}',
                 f'write -P 3 {4 * CLUSTER} 512',
                 f'write -z {8 * CLUSTER} {CLUSTER}',
                 options=('-f', 'qcow2'))
        self.target = images.make(self.path('target.img'), MIB,
                                  [(0, MIB, 9)])
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'disk',
            'file': {'driver': 'file', 'filename': self.top}})
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'target',
            'file': {'driver': 'file', 'filename': self.target}})

    def back_up(self, **options):
        self.vm.cmd('blockdev-backup', {
            'job-id': 'job', 'device': 'disk', 'target': 'target',
            **{'sync': 'top', **options}})
        event = self.vm.qmp.event('BLOCK_JOB_COMPLETED')
        self.assertNotIn('error', event['data'])
        return event['data']

    def assert_clusters(self, **content):
        """The target: 9 where nothing was copied."""
        for number in range(MIB // CLUSTER):
            at = number * CLUSTER
            expected = content.get(f'at{number}', bytes([9]) * CLUSTER)
            self.assertEqual(images.read(self.target, at, CLUSTER), expected,
                             number)

    def test_top(self):
        data = self.back_up()
        self.assertEqual((data['len'], data['offset']),
                         (3 * CLUSTER, 3 * CLUSTER))
        self.assert_clusters(at1=b'\2' * CLUSTER,
                             at4=b'\3' * 512 + b'\1' * (CLUSTER - 512),
                             at8=bytes(CLUSTER))

    def test_full_has_all(self):
        self.back_up(sync='full')
        self.assertEqual(images.read(self.target, 0, CLUSTER),
                         b'\1' * CLUSTER)
        self.assertEqual(images.read(self.target, CLUSTER, CLUSTER),
                         b'\2' * CLUSTER)

    # -- without an image behind it

    def alone(self, *above):
        """A disk of its own, and nodes ABOVE it; the one on top."""
        path = self.path('alone.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', path, str(MIB))
        tools.io(path, f'write -P 2 {CLUSTER} {CLUSTER}',
                 options=('-f', 'qcow2'))
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'alone',
            'file': {'driver': 'file', 'filename': path}})
        top = 'alone'
        for driver, child in above:
            self.vm.cmd('blockdev-add', {
                'driver': driver, 'node-name': driver, child: top})
            top = driver
        return top

    def assert_one(self, data):
        self.assertEqual((data['len'], data['offset']), (CLUSTER, CLUSTER))
        self.assert_clusters(at1=b'\2' * CLUSTER)

    def test_alone(self):
        """What was never written is not copied."""
        self.assert_one(self.back_up(device=self.alone()))

    def test_raw_above(self):
        self.assert_one(self.back_up(device=self.alone(('raw', 'file'))))

    def test_blkdebug_above(self):
        self.assert_one(self.back_up(
            device=self.alone(('raw', 'file'), ('blkdebug', 'image'))))

    def test_mirror_alone(self):
        self.vm.cmd('blockdev-mirror', {
            'job-id': 'job', 'device': self.alone(('raw', 'file')),
            'target': 'target', 'sync': 'top'})
        self.vm.qmp.event('BLOCK_JOB_READY')
        self.vm.cmd('block-job-cancel', {'device': 'job'})
        self.assert_one(self.vm.qmp.event('BLOCK_JOB_COMPLETED')['data'])

    def test_drive_backup_alone(self):
        """There the topmost image is everything."""
        self.vm.cmd('blockdev-del', {'node-name': 'target'})
        self.vm.cmd('drive-backup', {
            'job-id': 'job', 'device': self.alone(), 'target': self.target,
            'sync': 'top', 'mode': 'existing', 'format': 'raw'})
        data = self.vm.qmp.event('BLOCK_JOB_COMPLETED')['data']
        self.assertEqual((data['len'], data['offset']), (MIB, MIB))


if __name__ == '__main__':
    case.main()
