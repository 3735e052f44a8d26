#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Images behind others are read-only; jobs and commands that change them open
them for writing for as long as it takes."""

from lib import case, images, jobs, tools
from lib.exports import Server
from lib.images import KIB, MIB

SIZE = MIB
QCOW2 = ('-f', 'qcow2')


class ReadOnlyChain(case.Case):
    """base <- mid <- low <- top, all qcow2; only top is writable."""

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()
        behind = None
        for number, name in enumerate(('base', 'mid', 'low', 'top')):
            self.make(name, behind)
            at = number * 64
            tools.io(self.file(name), f'write -P {number + 1} {at}k 64k',
                     options=QCOW2)
            self.vm.cmd('blockdev-add', {
                'driver': 'qcow2', 'node-name': name, 'backing': behind,
                'read-only': name != 'top', 'file': {
                    'driver': 'file', 'filename': self.file(name)}})
            behind = name
        self.server = Server(self.vm)
        self.server.add('top')
        self.guest = self.server.connect('top')
        self.before = self.guest.pread(SIZE, 0)

    def file(self, name):
        return self.path(name + '.qcow2')

    def make(self, name, behind=None):
        back = ('-b', self.file(behind), '-F', 'qcow2') if behind else ()
        tools.img('create', '-q', '-f', 'qcow2', *back, self.file(name),
                  str(SIZE))

    def writable(self):
        return sorted(n['node-name'] for n in self.vm.cmd(
            'query-named-block-nodes', {'flat': True})
            if not n['ro'] and not n['node-name'].startswith('#'))

    def says(self, name):
        """What the image says is behind it, by its last part."""
        for node in self.vm.cmd('query-named-block-nodes', {'flat': True}):
            if node['node-name'] == name:
                return node['image']['backing-filename'].split('/')[-1]
        raise AssertionError(name)

    def start(self, command, **args):
        self.vm.cmd(command, {'job-id': 'job', **{
            k.replace('_', '-'): v for k, v in args.items()}})

    def finish(self):
        self.vm.cmd('block-job-set-speed', device='job', speed=0)
        self.assertIn('concluded', jobs.follow(self.vm, 'job', 'null'))
        self.assertEqual(self.guest.pread(SIZE, 0), self.before)

    def test_commit(self):
        self.start('block-commit', device='top', top_node='low',
                   base_node='base', speed=1, filter_node_name='filter')
        self.assertEqual(self.writable(), ['base', 'top'])
        drivers = {n['node-name']: n['drv'] for n in self.vm.cmd(
            'query-named-block-nodes', {'flat': True})}
        self.assertEqual(drivers['filter'], 'commit_top')
        self.finish()
        self.assertEqual(self.writable(), ['top'])
        self.assertEqual(self.says('top'), 'base.qcow2')
        self.vm.cmd('blockdev-del', {'node-name': 'low'})

    def test_commit_below_read_only(self):
        """What the image above says changes, though that is read-only."""
        self.start('block-commit', device='top', top_node='mid',
                   base_node='base')
        self.finish_by_itself()
        self.assertEqual(self.writable(), ['top'])
        self.assertEqual(self.says('low'), 'base.qcow2')

    def finish_by_itself(self):
        jobs.follow(self.vm, 'job', 'null')
        self.assertEqual(self.guest.pread(SIZE, 0), self.before)

    def test_commit_cancelled(self):
        self.start('block-commit', device='top', top_node='low',
                   base_node='base', speed=1)
        self.vm.cmd('block-job-cancel', device='job', force=True)
        self.finish_by_itself()
        self.assertEqual(self.writable(), ['top'])
        self.assertEqual(self.says('top'), 'low.qcow2')

    def test_commit_active(self):
        self.start('block-commit', device='top', base_node='base')
        jobs.follow(self.vm, 'job', 'READY')
        self.assertEqual(self.writable(), ['base', 'top'])
        self.vm.cmd('block-job-complete', device='job')
        self.finish_by_itself()
        self.assertIn('base', self.writable())
        self.guest.pwrite(b'\x09' * 512, 0)
        self.guest.flush()
        self.vm.quit()
        tools.io(self.file('base'), 'read -P 9 0 512', 'read -P 4 192k 64k',
                 options=QCOW2)

    def test_stream_to_the_middle(self):
        self.start('block-stream', device='low', base_node='base', speed=1)
        self.assertEqual(self.writable(), ['low', 'top'])
        self.finish()
        self.assertEqual(self.writable(), ['top'])
        self.assertEqual(self.says('low'), 'base.qcow2')

    def test_change_backing_file(self):
        self.vm.cmd('change-backing-file', {
            'device': 'top', 'image-node-name': 'mid',
            'backing-file': './base.qcow2'})
        self.assertEqual(self.says('mid'), 'base.qcow2')
        self.assertEqual(self.writable(), ['top'])

    def test_snapshot(self):
        """What gets an image on top becomes read-only."""
        self.make('over')
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'over', 'backing': None,
            'file': {'driver': 'file', 'filename': self.file('over')}})
        self.vm.cmd('block-dirty-bitmap-add', node='top', name='b',
                    persistent=True)
        self.guest.pwrite(b'\x09' * 512, 512 * KIB)
        self.vm.cmd('blockdev-snapshot', node='top', overlay='over')
        self.assertEqual(self.writable(), ['over'])
        self.assert_error(self.vm, 'block-dirty-bitmap-clear',
                          {'node': 'top', 'name': 'b'},
                          "Bitmap 'b' is readonly and cannot be modified")
        self.guest.pwrite(b'\x08' * 512, 512 * KIB)
        # And back: the bitmap goes on where it was.
        self.start('block-commit', device='over', base_node='top')
        jobs.follow(self.vm, 'job', 'READY')
        self.vm.cmd('block-job-complete', device='job')
        jobs.follow(self.vm, 'job', 'null')
        self.assertEqual(self.guest.pread(512, 512 * KIB), b'\x08' * 512)
        self.vm.cmd('block-dirty-bitmap-clear', node='top', name='b')

    def test_snapshots_together(self):
        self.make('over')
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'over', 'backing': None,
            'file': {'driver': 'file', 'filename': self.file('over')}})
        action = {'type': 'blockdev-snapshot',
                  'data': {'node': 'top', 'overlay': 'over'}}
        self.assert_error(self.vm, 'transaction', {
            'actions': [action, {'type': 'abort', 'data': {}}]},
            'Transaction aborted using Abort action')
        self.assertEqual(self.writable(), ['over', 'top'])
        self.vm.cmd('transaction', actions=[action])
        self.assertEqual(self.writable(), ['over'])

    def test_missing_right(self):
        """The file may not be written: nothing has begun."""
        path = self.path('fixed.qcow2')
        images.make(self.path('raw.img'), SIZE)
        tools.img('create', '-q', '-f', 'qcow2', path, str(SIZE))
        self.vm.cmd('blockdev-add', {
            'driver': 'file', 'node-name': 'fixed-file', 'filename': path,
            'read-only': True})
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'fixed', 'read-only': True,
            'file': 'fixed-file'})
        self.make('above')
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'above', 'backing': 'fixed',
            'file': {'driver': 'file', 'filename': self.file('above')}})
        self.assert_error(self.vm, 'block-commit',
                          {'job-id': 'job', 'device': 'above'},
                          'Block node is read-only')
        self.assertEqual(self.vm.cmd('query-jobs'), [])


if __name__ == '__main__':
    case.main()
