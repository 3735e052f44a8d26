#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""blockdev-mirror with qcow2 images: the use cases of mirrors by a bitmap, as
docs/interop/mirror-bitmap.rst tells them, and images with backing files."""

import unittest

from lib import bitmaps, case, images, jobs, program, tools
from lib.exports import Server
from lib.images import KIB, MIB

ONLY = unittest.skipIf(program.is_oracle(), 'QEMU 7.2: no bitmap of a mirror')
CLUSTER = 64 * KIB
SIZE = 4 * MIB


class QcowCase(case.Case):

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()
        self.server = None

    def make(self, name, *options, **more):
        path = self.path(name)
        tools.img('create', '-q', '-f', 'qcow2', *options, path,
                  *([] if more.get('backed') else [str(SIZE)]))
        return path

    def add(self, name, path, driver='qcow2', **options):
        self.vm.cmd('blockdev-add', {
            'driver': driver, 'node-name': name, 'discard': 'unmap', **options,
            'file': {'driver': 'file', 'filename': path,
                     'discard': 'unmap'}})

    def guest(self, node):
        if self.server is None:
            self.server = Server(self.vm)
        self.server.add(node)
        return self.server.connect(node)

    def write(self, node, *ranges):
        handle = self.guest(node)
        for offset, length, byte in ranges:
            if byte is None:
                handle.zero(length, offset)
            else:
                handle.pwrite(bytes([byte]) * length, offset)
        handle.flush()
        handle.shutdown()
        self.vm.cmd('block-export-del', {'id': node})
        self.vm.qmp.event('BLOCK_EXPORT_DELETED')

    def mirror(self, **args):
        full = {'job-id': 'job', 'device': 'src', 'target': 'dst',
                'sync': 'full'}
        full.update({k.replace('_', '-'): v for k, v in args.items()})
        self.vm.cmd('blockdev-mirror', full)
        return jobs.follow(self.vm, 'job', 'READY')[-1][1]['len']

    def leave(self):
        self.vm.cmd('block-job-cancel', {'device': 'job'})
        history = jobs.follow(self.vm, 'job', 'null')
        self.assertIn('concluded', history)
        self.assertNotIn('aborting', history)

    def delete(self, *nodes):
        for node in nodes:
            self.vm.cmd('blockdev-del', {'node-name': node})

    def compare(self, a, b, *formats):
        out = tools.img('compare', *formats, a, b)
        self.assertIn('identical', str(out))


class Formats(QcowCase):

    def test_qcow2_to_raw_and_back(self):
        source = self.make('src.qcow2')
        target = images.make_patterned(self.path('dst.raw'), SIZE)
        self.add('src', source)
        self.add('dst', target, 'raw')
        self.write('src', (0, CLUSTER, 1), (CLUSTER * 5, 512, 2))
        self.mirror()
        self.leave()
        copy = self.make('copy.qcow2')
        self.add('copy', copy)
        self.mirror(device='dst', target='copy')
        self.leave()
        self.delete('src', 'dst', 'copy')
        self.compare(source, target)
        self.compare(source, copy)

    def full(self, discard):
        """What it says to have copied to an image that has other data."""
        source = self.make('src.qcow2')
        target = self.make('dst.qcow2')
        tools.io(target, f'write -P 9 0 {SIZE}', options=('-f', 'qcow2'))
        self.add('src', source)
        self.add('dst', target, discard=discard)
        self.write('src', (CLUSTER, 512, 1), (3 * CLUSTER, CLUSTER, 2),
                   (5 * CLUSTER, CLUSTER, None))
        told = self.mirror()
        self.leave()
        self.delete('src', 'dst')
        self.compare(source, target)
        return told

    def test_target_is_emptied_first(self):
        """Of a target that may give up what is zero all is made so, and then
        what the disk has is copied."""
        self.assertEqual(self.full('unmap'), 3 * CLUSTER)

    def test_target_that_keeps_its_space(self):
        self.assertEqual(self.full('ignore'), SIZE)

    def test_emptying_fails(self):
        """It is a failed write as others are; all is to do then."""
        target = self.make('dst.qcow2')
        tools.io(target, f'write -P 9 0 {SIZE}', options=('-f', 'qcow2'))
        source = self.make('src.qcow2')
        self.add('src', source)
        self.vm.cmd('blockdev-add', {
            'driver': 'blkdebug', 'node-name': 'dst', 'discard': 'unmap',
            'inject-error': [{'event': 'none', 'iotype': 'write-zeroes',
                              'once': True}],
            'image': {'driver': 'qcow2', 'discard': 'unmap',
                      'file': {'driver': 'file', 'filename': target}}})
        arguments = {'job-id': 'job', 'device': 'src', 'target': 'dst',
                     'sync': 'full', 'on-target-error': 'stop'}
        self.vm.cmd('blockdev-mirror', arguments)
        event = self.vm.qmp.event('BLOCK_JOB_ERROR')['data']
        self.assertEqual((event['operation'], event['action']),
                         ('write', 'stop'))
        self.vm.cmd('job-resume', {'id': 'job'})
        self.assertEqual(jobs.follow(self.vm, 'job', 'READY')[-1][1]['len'],
                         SIZE)
        self.leave()
        self.delete('src', 'dst')
        self.compare(source, target)

    def test_top(self):
        """What the topmost layer has, to an image with the same behind."""
        base = images.make_patterned(self.path('base.raw'), SIZE)
        top = self.make('src.qcow2', '-b', base, '-F', 'raw', backed=True)
        copy = self.make('dst.qcow2', '-b', base, '-F', 'raw', backed=True)
        self.add('base', base, 'raw', **{'read-only': True})
        self.add('src', top, backing='base')
        self.add('dst', copy, backing='base')
        self.write('src', (CLUSTER, 512, 1), (3 * CLUSTER, CLUSTER, None))
        self.assertEqual(self.mirror(sync='top'), 2 * CLUSTER)
        self.leave()
        self.delete('src', 'dst', 'base')
        self.compare(top, copy)
        self.assertLess(images.allocated_bytes(copy), MIB)


    def test_none(self):
        """What is written from now on, to an image that another one is put
        behind later: zeroes hide what that has."""
        base = images.make_patterned(self.path('src.raw'), SIZE)
        old = images.make_patterned(self.path('old.raw'), SIZE)
        self.add('src', base, 'raw')
        copy = self.make('dst.qcow2')
        self.add('dst', copy)
        guest = self.guest('src')
        self.mirror(sync='none')
        guest.pwrite(b'w' * CLUSTER, 2 * CLUSTER)
        guest.zero(4 * CLUSTER, 8 * CLUSTER)
        self.leave()
        guest.shutdown()
        self.vm.cmd('block-export-del', {'id': 'src'})
        self.vm.qmp.event('BLOCK_EXPORT_DELETED')
        self.delete('src', 'dst')
        tools.img('rebase', '-u', '-b', old, '-F', 'raw', copy)
        self.compare(base, copy)
        self.assertLess(images.allocated_bytes(copy), MIB)


@ONLY
class UseCases(QcowCase):

    def dirty_source(self):
        """A disk that was mirrored once and changed since."""
        source = self.make('src.qcow2')
        self.add('src', source)
        self.write('src', (0, SIZE, 0x10))
        self.vm.cmd('block-dirty-bitmap-add', node='src', name='b')
        return source

    CHANGES = ((0, 512, 1), (7 * CLUSTER, CLUSTER, None),
               (9 * CLUSTER + 4096, 3 * CLUSTER, 3))
    DIRTY = 6 * CLUSTER

    def replicate(self, source):
        """Something else copies the volume: its storage, say."""
        copy = self.path('copy.qcow2')
        self.delete('src')
        with open(source, 'rb') as a, open(copy, 'wb') as b:
            b.write(a.read())
        return copy

    def test_replicated_elsewhere(self):
        source = self.make('src.qcow2')
        self.add('src', source)
        self.write('src', (0, SIZE, 0x10))
        copy = self.replicate(source)
        self.add('src', source)
        self.vm.cmd('block-dirty-bitmap-add', node='src', name='b')
        self.add('dst', copy)
        self.write('src', *self.CHANGES)
        self.assertEqual(self.mirror(bitmap='b'), self.DIRTY)
        self.leave()
        self.delete('src', 'dst')
        self.compare(source, copy)

    def test_diff_image(self):
        """A stand-alone image with the delta only, put above the old content
        afterwards: zeroes of the delta must be there too."""
        source = self.make('src.qcow2')
        self.add('src', source)
        self.write('src', (0, SIZE, 0x10))
        old = self.replicate(source)
        self.add('src', source)
        self.vm.cmd('block-dirty-bitmap-add', node='src', name='b')
        self.write('src', *self.CHANGES)
        dirty = self.DIRTY
        for mode in 'background', 'write-blocking':
            diff = self.make(f'diff-{mode}.qcow2')
            self.add('dst', diff)
            guest = self.guest('src')
            self.assertEqual(
                self.mirror(sync='bitmap', bitmap='b', bitmap_mode='never',
                            copy_mode=mode), dirty)
            # A part of a cluster while it runs.
            guest.pwrite(b'\x44' * 512, 20 * CLUSTER + 512)
            self.leave()
            guest.shutdown()
            self.vm.cmd('block-export-del', {'id': 'src'})
            self.vm.qmp.event('BLOCK_EXPORT_DELETED')
            self.delete('dst')
            tools.img('rebase', '-u', '-f', 'qcow2', '-b', old, '-F',
                      'qcow2', diff)
            dirty = self.DIRTY + CLUSTER
        self.delete('src')
        for mode in 'background', 'write-blocking':
            self.compare(source, self.path(f'diff-{mode}.qcow2'))

    def test_cluster_check(self):
        self.dirty_source()
        self.vm.cmd('block-dirty-bitmap-add', node='src', name='fine',
                    granularity=4096)
        self.add('dst', self.make('dst.qcow2'))
        for more in {'sync': 'full'}, {'sync': 'bitmap',
                                       'bitmap-mode': 'never'}:
            self.assert_error(
                self.vm, 'blockdev-mirror', {
                    'job-id': 'job', 'device': 'src', 'target': 'dst',
                    'bitmap': 'fine', **more},
                "Bitmap granularity 4096 is not a multiple of the target "
                "image's cluster size 65536 and the target image has no "
                'backing file')

    def test_no_cluster_check_with_backing(self):
        source = self.dirty_source()
        old = self.replicate(source)
        self.add('src', source)
        self.vm.cmd('block-dirty-bitmap-add', node='src', name='fine',
                    granularity=4096)
        copy = self.make('dst.qcow2', '-b', old, '-F', 'qcow2', backed=True)
        self.add('dst', copy)
        self.write('src', (8192, 512, 1))
        self.assertEqual(self.mirror(bitmap='fine'), 4096)
        self.leave()
        self.delete('src', 'dst')
        self.compare(source, copy)

    def test_resume_after_restart(self):
        """A persistent bitmap outlives the daemon, and the mirror goes on
        where it was."""
        source = self.make('src.qcow2')
        self.add('src', source)
        self.write('src', (0, SIZE, 0x10))
        copy = self.replicate(source)
        self.add('src', source)
        self.vm.cmd('block-dirty-bitmap-add', node='src', name='b',
                    persistent=True)
        self.add('dst', copy)
        self.write('src', *[(i * CLUSTER, CLUSTER, 0x50)
                            for i in range(0, 20, 2)])
        self.vm.cmd('blockdev-mirror', {
            'job-id': 'job', 'device': 'src', 'target': 'dst',
            'sync': 'full', 'bitmap': 'b', 'speed': 1,
            'buf-size': CLUSTER})
        jobs.wait_for_progress(self.vm, 'job', CLUSTER)
        self.vm.cmd('quit')
        self.assertEqual(self.vm.wait(), 0)
        self.vm = self.daemon()
        self.server = None
        self.add('src', source)
        self.add('dst', copy)
        self.assertEqual(bitmaps.count(self.vm, 'src', 'b'), 9 * CLUSTER)
        self.assertEqual(self.mirror(bitmap='b'), 9 * CLUSTER)
        self.leave()
        self.delete('src', 'dst')
        self.compare(source, copy)


if __name__ == '__main__':
    case.main()
