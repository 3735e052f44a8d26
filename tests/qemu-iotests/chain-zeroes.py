#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Zeroes that an image behind held, in images of version 2, which have no
zero clusters: when that image goes they must not show what lies deeper."""

from lib import case, images, tools
from lib.images import KIB, MIB

CLUSTER = 64 * KIB
SIZE = MIB
HOLE = 4 * CLUSTER


class Zeroes(case.Case):
    """base.raw (data) <- mid.qcow2 (zeroes at HOLE) <- top.qcow2 (v2)."""

    def setUp(self):
        super().setUp()
        self.base = images.make(self.path('base.raw'), SIZE, [(0, SIZE, 1)])
        self.mid = self.image('mid', self.base, 'raw')
        tools.io(self.mid, f'write -z {HOLE} {CLUSTER}',
                 options=('-f', 'qcow2'))
        self.top = self.image('top', self.mid, 'qcow2', 'compat=0.10')
        self.expected = bytearray(b'\1' * SIZE)
        self.expected[HOLE:HOLE + CLUSTER] = bytes(CLUSTER)

    def image(self, name, behind, form, options='compat=1.1'):
        path = self.path(name + '.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', '-o', options, '-b', behind,
                  '-F', form, path)
        return path

    def assert_content(self, path):
        raw = self.path('content.raw')
        tools.img('convert', '-f', 'qcow2', '-O', 'raw', path, raw)
        self.assertTrue(images.read(raw) == self.expected)

    def start(self, *names):
        vm = self.daemon()
        files = {'base': ('raw', self.base, None),
                 'mid': ('qcow2', self.mid, 'base'),
                 'top': ('qcow2', self.top, 'mid')}
        for name in names:
            driver, path, backing = files[name]
            vm.cmd('blockdev-add', {
                'driver': driver, 'node-name': name,
                **({'backing': backing} if backing else {}),
                'file': {'driver': 'file', 'filename': path}})
        return vm

    def completed(self, vm):
        data = vm.qmp.event('BLOCK_JOB_COMPLETED')['data']
        self.assertNotIn('error', data)
        vm.qmp.event('JOB_STATUS_CHANGE', status='null')
        vm.quit()

    def test_stream(self):
        vm = self.start('base', 'mid', 'top')
        vm.cmd('block-stream', {'job-id': 'j', 'device': 'top',
                                'base-node': 'base'})
        self.completed(vm)
        self.assert_content(self.top)

    def test_rebase(self):
        tools.img('rebase', '-f', 'qcow2', '-b', self.base, '-F', 'raw',
                  self.top)
        self.assert_content(self.top)

    def test_mirror(self):
        """Of the top image only, to an image with the same behind it."""
        target = self.image('target', self.base, 'raw', 'compat=0.10')
        vm = self.start('base', 'mid')
        vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'target', 'backing': 'base',
            'file': {'driver': 'file', 'filename': target}})
        vm.cmd('blockdev-mirror', {'job-id': 'j', 'device': 'mid',
                                   'target': 'target', 'sync': 'top'})
        vm.qmp.event('BLOCK_JOB_READY')
        vm.cmd('block-job-cancel', device='j')
        self.completed(vm)
        self.assert_content(target)


if __name__ == '__main__':
    case.main()
