#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""query-named-block-nodes tells of an image's internal snapshots at all nodes
that lie in it alone."""

from lib import case, tools
from lib.images import MIB


class Shown(case.Case):

    def test_through_filters(self):
        image, target = self.path('disk.qcow2'), self.path('target.qcow2')
        for path in image, target:
            tools.img('create', '-q', '-f', 'qcow2', path, MIB)
        tools.img('snapshot', '-c', 's', image)
        vm = self.daemon('--object', 'throttle-group,id=group')

        def add(driver, name, **options):
            vm.cmd('blockdev-add', {'driver': driver, 'node-name': name,
                                    **options})

        for name, path in ('disk', image), ('target', target):
            add('qcow2', name, file={'driver': 'file', 'filename': path})
        add('raw', 'raw', file='disk')
        add('throttle', 'throttle', file='raw', **{'throttle-group': 'group'})
        add('copy-on-read', 'reader', file='throttle')
        add('copy-before-write', 'saver', file='reader', target='target')
        add('raw', 'above', file='saver')
        add('quorum', 'quorum', children=['above'], **{'vote-threshold': 1})
        shown = [node['node-name']
                 for node in vm.cmd('query-named-block-nodes', flat=True)
                 if node['image'].get('snapshots')]
        self.assertEqual(sorted(shown), ['disk', 'raw', 'reader', 'throttle'])


if __name__ == '__main__':
    case.main()
