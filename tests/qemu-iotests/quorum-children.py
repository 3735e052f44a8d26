#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""quorum: nodes that come, go, and are replaced."""

from lib import case, exports, images
from lib.images import MIB
from lib.quorum_case import QuorumCase, bad, failure


class Children(QuorumCase):

    def change(self, **args):
        self.vm.cmd('x-blockdev-change', dict(args, parent='q'))

    def refused(self, desc, parent='q', **args):
        self.assert_error(self.vm, 'x-blockdev-change',
                          dict(args, parent=parent), desc)

    def children(self):
        return [name for name in self.edges() if name.startswith('child')]

    def new(self, name, size=MIB, **options):
        self.vm.cmd('blockdev-add', dict({
            'driver': 'null-co', 'size': size, 'node-name': name}, **options))

    def test_add_and_remove(self):
        self.add(3, 2)
        self.new('x')
        self.change(child='children.2')
        self.change(node='x')
        self.assertEqual(self.children(),
                         [f'children.{i}' for i in range(3)])
        self.assertEqual(self.guest.pread(512, 0), b'\1' * 512)
        self.assertEqual(self.events(), [bad('x', 0, 1)])
        self.change(child='children.0')
        self.assertEqual(exports.errno_of(self.guest.pread, 512, 0), 'EIO')
        self.assertEqual(self.events(), [failure(0, 1)])
        self.new('tiny', 512)
        self.change(node='tiny')
        # It reads as zeroes behind its end.
        self.assertEqual(self.guest.pread(512, 512), bytes(512))
        self.change(child='children.2')
        self.assertEqual(self.children(), ['children.1', 'children.3'])

    def test_refused(self):
        self.add(2, 2)
        self.new('x')
        self.new('ro', **{'read-only': True})
        lower = ('The number of children cannot be lower than the vote '
                 'threshold 2')
        for desc, args in (
                (lower, {'child': 'children.0'}),
                (lower, {'child': 'children.1'}),
                ("Node 'q' does not have child 'children.2'",
                 {'child': 'children.2'}),
                ("Node 'nope' not found", {'node': 'nope'}),
                ('The node n0 already has a parent', {'node': 'n0'}),
                ('Block node is read-only', {'node': 'ro'}),
                ('Either child or node must be specified', {}),
                ('The parameters child and node are in conflict',
                 {'child': 'children.1', 'node': 'x'})):
            self.refused(desc, **args)
        self.vm.cmd('blockdev-add', {
            'driver': 'quorum', 'node-name': 'v', 'vote-threshold': 2,
            'blkverify': True, 'children': [{'driver': 'null-co'}] * 2})
        self.refused('Cannot add a child to a quorum in blkverify mode',
                     parent='v', node='x')
        self.refused(lower, parent='v', child='children.0')

    def test_cycle(self):
        self.vm.cmd('blockdev-add', {
            'driver': 'quorum', 'node-name': 'q', 'vote-threshold': 1,
            'children': [{'driver': 'null-co', 'node-name': 'z'}]})
        self.refused("Making 'q' a children.1 child of 'q' would create a "
                     "cycle", node='q')

    def test_filename_follows(self):
        self.vm.cmd('blockdev-add', {
            'driver': 'quorum', 'node-name': 'q', 'vote-threshold': 1,
            'children': [{'driver': 'null-co', 'size': MIB}]})
        self.new('x', 512)
        self.change(node='x')
        self.change(child='children.0')
        node, = [n for n in self.vm.cmd('query-named-block-nodes')
                 if n['node-name'] == 'q']
        self.assertEqual(node['file'], (
            'json:{"children": [{"driver": "null-co", "size": 512}], '
            '"driver": "quorum", "vote-threshold": 1}'))


class Mirror(QuorumCase):

    def setUp(self):
        super().setUp()
        self.add(3, 2)
        images.make(self.path('t.img'), MIB)
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 't', 'file': {
                'driver': 'file', 'filename': self.path('t.img')}})

    def args(self, replaces):
        return {'job-id': 'job', 'device': 'q', 'target': 't',
                'sync': 'full', 'replaces': replaces}

    def refused(self, replaces):
        self.assert_error(
            self.vm, 'blockdev-mirror', self.args(replaces),
            f"Cannot replace '{replaces}' by a node mirrored from 'q', "
            "because it cannot be guaranteed that doing so would not lead to "
            "an abrupt change of visible data")

    def complete(self):
        self.vm.cmd('block-job-complete', {'device': 'job'})
        event = self.vm.qmp.event('BLOCK_JOB_COMPLETED')
        return event['data'].get('error')

    def child(self, i, *injects):
        return dict(super().child(i, *injects), discard='ignore')

    def file(self):
        node, = [n for n in self.vm.cmd('query-named-block-nodes')
                 if n['node-name'] == 'q']
        return node['file']

    def test_replaces_a_child(self):
        self.vm.cmd('blockdev-mirror', self.args('n1'))
        self.vm.qmp.event('BLOCK_JOB_READY')
        self.guest.pwrite(b'x' * 512, 512)
        self.assertIsNone(self.complete())
        self.guest.pwrite(b'y' * 512, 1024)
        self.assertEqual(self.guest.pread(1536, 0),
                         b'\1' * 512 + b'x' * 512 + b'y' * 512)
        self.assertEqual(images.read(self.path('t.img'), 0, 1536),
                         b'\1' * 512 + b'x' * 512 + b'y' * 512)
        self.assertIn('t.img', self.file())
        self.assertNotIn('1.img', self.file())
        self.assertNotIn('n1', [n['node-name'] for n in self.vm.cmd(
            'query-named-block-nodes')])
        self.assertEqual(self.events(), [])

    def test_refused(self):
        self.refused('f1')
        self.refused('t')
        self.vm.cmd('blockdev-add', {'driver': 'raw', 'file': 'n1',
                                     'node-name': 'x', 'read-only': True})
        self.refused('n1')

    def test_job_does_not_see_what_is_refused(self):
        self.vm.cmd('blockdev-mirror', self.args('n1'))
        self.vm.qmp.event('BLOCK_JOB_READY')
        self.vm.qmp.events.clear()
        self.assert_error(self.vm, 'x-blockdev-change',
                          {'parent': 'q', 'child': 'children.9'},
                          "Node 'q' does not have child 'children.9'")
        self.assertEqual(self.vm.qmp.events, [])

    def test_user_comes_later(self):
        self.vm.cmd('blockdev-mirror', self.args('n1'))
        self.vm.qmp.event('BLOCK_JOB_READY')
        self.vm.cmd('blockdev-add', {'driver': 'raw', 'file': 'n1',
                                     'node-name': 'x', 'read-only': True})
        self.assertEqual(self.complete(), 'Operation not permitted')
        self.assertIn('1.img', self.file())


if __name__ == '__main__':
    case.main()
