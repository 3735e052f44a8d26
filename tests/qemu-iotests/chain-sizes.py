#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""stream and commit in chains whose images are of different sizes."""

import json

from lib import case, images, tools
from lib.case import ours_only
from lib.images import KIB, MIB

CLUSTER = 64 * KIB


class Sizes(case.Case):
    """Each image (0 is the lowest) has a cluster of its own at its number, and
    one at the end of its size."""

    def chain(self, *sizes):
        self.paths, self.expected = [], b''
        for i, size in enumerate(sizes):
            path = self.path(f'{i}.qcow2')
            behind = ['-b', self.paths[-1], '-F', 'qcow2'] if i else []
            tools.img('create', '-q', '-f', 'qcow2', *behind, path, str(size))
            self.write(path, size, i)
            self.paths.append(path)
        self.vm = self.daemon()
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'top',
            'file': {'driver': 'file', 'filename': self.paths[-1]}})

    def write(self, path, size, i):
        shown = bytearray(self.expected[:size].ljust(size, b'\0'))
        for at in i * CLUSTER, size - CLUSTER:
            tools.io(path, f'write -q -P {i + 1} {at} {CLUSTER}',
                     options=('-f', 'qcow2'))
            shown[at:at + CLUSTER] = bytes([i + 1]) * CLUSTER
        self.expected = bytes(shown)

    def completed(self):
        data = self.vm.qmp.event('BLOCK_JOB_COMPLETED')['data']
        self.assertNotIn('error', data)
        self.vm.qmp.event('JOB_STATUS_CHANGE', status='null')
        self.vm.quit()
        return data['len']

    def stream(self, **args):
        self.vm.cmd('block-stream', {'job-id': 'j', 'device': 'top', **args})
        return self.completed()

    def commit(self):
        self.vm.cmd('block-commit', {'job-id': 'j', 'device': 'top',
                                     'base': self.paths[0]})
        self.vm.qmp.event('BLOCK_JOB_READY')
        self.vm.cmd('job-complete', id='j')
        return self.completed()

    def content(self, path):
        raw = self.path('content.raw')
        tools.img('convert', '-f', 'qcow2', '-O', 'raw', path, raw)
        return images.read(raw)

    def own(self, path):
        """The numbers of the clusters that the image itself has."""
        extents = json.loads(tools.img('map', '--output=json', path).stdout)
        return [at // CLUSTER for e in extents
                if e['depth'] == 0 and e['present']
                for at in range(e['start'], e['start'] + e['length'], CLUSTER)]

    def test_stream_stays_thin(self):
        self.chain(MIB, 4 * MIB)
        self.assertEqual(self.stream(), 4 * MIB)
        self.assertTrue(self.content(self.paths[-1]) == self.expected)
        self.assertEqual(self.own(self.paths[-1]), [0, 1, 15, 63])

    def test_short_image_between(self):
        self.chain(4 * MIB, MIB, 4 * MIB)
        self.assertEqual(self.stream(), 4 * MIB)
        self.assertTrue(self.content(self.paths[-1]) == self.expected)
        self.assertEqual(self.own(self.paths[-1]), [0, 1, 2, 15, 63])

    def test_base_is_no_longer(self):
        self.chain(MIB, 2 * MIB, 4 * MIB)
        self.stream(base=self.paths[0])
        self.assertTrue(self.content(self.paths[-1]) == self.expected)
        self.assertEqual(self.own(self.paths[-1]), [1, 2, 31, 63])

    @ours_only('shows what the base has beyond the image between')
    def test_base_is_longer(self):
        self.chain(4 * MIB, MIB, 4 * MIB)
        self.stream(base=self.paths[0])
        self.assertTrue(self.content(self.paths[-1]) == self.expected)

    def test_unaligned_end(self):
        base = images.make(self.path('base.raw'), MIB + 512,
                           [(0, MIB + 512, 7)])
        top = self.path('top.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', '-b', base, '-F', 'raw', top,
                  '4M')
        self.vm = self.daemon()
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'top',
            'file': {'driver': 'file', 'filename': top}})
        self.stream()
        self.assertTrue(self.content(top) ==
                        (b'\7' * (MIB + 512)).ljust(4 * MIB, b'\0'))
        self.assertEqual(self.own(top), list(range(17)))

    def test_commit_into_longer(self):
        self.chain(4 * MIB, MIB)
        self.assertEqual(self.commit(), 2 * CLUSTER)
        base = self.content(self.paths[0])
        self.assertEqual(len(base), 4 * MIB)
        self.assertTrue(base[:MIB] == self.expected)
        self.assertEqual(base[-1], 1)

    def test_commit_into_shorter(self):
        self.chain(MIB, 4 * MIB)
        self.assertEqual(self.commit(), 2 * CLUSTER)
        self.assertTrue(self.content(self.paths[0]) == self.expected)


if __name__ == '__main__':
    case.main()
