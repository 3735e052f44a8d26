#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Chains of images that a job works on: what others cannot do with them until
it is over."""

from lib import case, jobs, tools
from lib.images import MIB

SIZE = 64 * MIB
BUSY = "Node '{}' is busy: block device is in use by block job: {}"
FROZEN = "Cannot change frozen 'backing' link from '{}' to '{}'"


class Frozen(case.Case):
    """n0 <- n1 <- n2 <- n3 <- n4, each with 8 MiB of its own, so that a job
    at speed 1 stands still after its first step."""

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()
        for i in range(5):
            self.image(f'n{i}', f'n{i - 1}' if i else None)
            tools.io(self.path(f'n{i}'), f'write -q -P {i + 1} {i * 8}M 8M',
                     options=('-f', 'qcow2'))
            self.vm.cmd('blockdev-add', self.node(i))
        self.image('x', None)
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'x',
            'file': {'driver': 'file', 'filename': self.path('x')}})

    def image(self, name, below):
        more = ('-b', self.path(below), '-F', 'qcow2') if below else ()
        tools.img('create', '-q', '-f', 'qcow2', *more, self.path(name),
                  str(SIZE))

    def node(self, i):
        name = f'n{i}'
        return {'driver': 'qcow2', 'node-name': name, 'read-only': i < 4,
                'backing': f'n{i - 1}' if i else None,
                'file': {'driver': 'file', 'filename': self.path(name),
                         'node-name': name + 'f'}}

    def start(self, command, **args):
        self.vm.cmd(command, {'job-id': 'j', 'speed': 1, **{
            k.replace('_', '-'): v for k, v in args.items()}})

    def end(self):
        self.vm.cmd('block-job-cancel', device='j', force=True)
        jobs.follow(self.vm, 'j', 'null')

    def reopen(self, i, backing):
        options = dict(self.node(i), file=f'n{i}f', backing=backing)
        return self.vm.execute('blockdev-reopen', {'options': [options]})

    def assert_frozen(self, frozen):
        """Of the links below the images from the top, these are."""
        for i in frozen:
            for backing in None, 'x':
                self.assertEqual(
                    self.reopen(i, backing).get('error', {}).get('desc'),
                    FROZEN.format(f'n{i}', f'n{i - 1}'))
            self.assertEqual(self.reopen(i, f'n{i - 1}'), {'return': {}})

    def assert_free(self, i):
        for backing in 'x', f'n{i - 1}':
            self.assertEqual(self.reopen(i, backing), {'return': {}})

    def refuse(self, command, desc, **args):
        args = {k.replace('_', '-'): v for k, v in args.items()}
        self.assert_error(self.vm, command, args, desc)

    def test_stream(self):
        self.start('block-stream', device='n4', base_node='n1')
        self.assert_frozen([4, 3])
        self.end()
        for i in 4, 3:
            self.assert_free(i)

    def test_stream_all(self):
        self.start('block-stream', device='n4')
        self.assert_frozen([4, 3, 2, 1])
        self.end()

    def test_commit(self):
        self.start('block-commit', device='n4', top_node='n3', base_node='n1')
        self.assert_frozen([3, 2])
        self.end()
        self.assert_free(3)

    def test_commit_active(self):
        self.start('block-commit', device='n4', base_node='n2')
        self.assert_frozen([4, 3])
        self.end()
        self.assert_free(4)

    def test_stream_through_commit(self):
        """Not to an image that has the filter of a commit on it."""
        self.start('block-commit', device='n4', top_node='n2', base_node='n0',
                   filter_node_name='cf')
        self.refuse('block-stream', "Cannot freeze 'backing' link to 'cf'",
                    device='n3', base_node='n2', job_id='k')
        self.end()

    def test_mirrors_users(self):
        """What is behind another image can be read by a job, not be one's
        target, and has its size."""
        self.refuse('blockdev-mirror',
                    "Node 'n2' is busy: node is used as backing hd of 'n3'",
                    device='x', target='n2', sync='full', job_id='k')
        self.refuse('blockdev-mirror',
                    "Node 'n3' is busy: node is used as backing hd of 'n4'",
                    device='n4', target='x', sync='full', job_id='k',
                    replaces='n3')
        self.vm.cmd('blockdev-mirror', {
            'job-id': 'k', 'device': 'n4', 'target': 'x', 'sync': 'full',
            'speed': 1, 'filter-node-name': 'mf'})
        for name in 'n4', 'mf', 'x':
            self.refuse('blockdev-mirror', 'Need a root block node',
                        device=name, target='n0', sync='full', job_id='l')
        for name in 'n4', 'mf':
            self.refuse('blockdev-backup', BUSY.format(name, 'mirror'),
                        device=name, target='n0', sync='full', job_id='l')
        self.vm.cmd('block-job-cancel', device='k', force=True)
        jobs.follow(self.vm, 'k', 'null')

    def test_snapshot(self):
        self.start('block-stream', device='n4', base_node='n1',
                   filter_node_name='sf')
        for name in 'n3', 'n2':
            self.refuse('blockdev-snapshot', BUSY.format(name, 'stream'),
                        node=name, overlay='x')
        self.refuse('blockdev-snapshot', "Node 'n1' is busy: node is used as "
                    "backing hd of 'n2'", node='n1', overlay='x')
        self.refuse('blockdev-del', 'Node sf is in use', node_name='sf')
        self.refuse('blockdev-del', BUSY.format('n4', 'stream'),
                    node_name='n4')
        self.end()

    def test_whom_a_stream_meets_first(self):
        """The filter of a stream below is in the way."""
        self.start('block-stream', device='n2', base_node='n0',
                   filter_node_name='sf')
        for base in 'n2', 'n1', 'n0':
            self.refuse('block-stream', BUSY.format('sf', 'stream'),
                        device='n4', base_node=base, job_id='k')
        self.refuse('block-commit', BUSY.format('sf', 'stream'),
                    device='n4', top_node='n3', base_node='n1', job_id='k')
        self.end()

    def test_commit_deletes(self):
        """What a commit works on as a device is in use."""
        self.start('block-commit', device='n4', top_node='n3', base_node='n1')
        for name in 'n3', 'n1':
            self.refuse('blockdev-del', f'Node {name} is in use',
                        node_name=name)
        self.refuse('blockdev-del', BUSY.format('n2', 'commit'),
                    node_name='n2')
        self.end()

    def test_between_is_of_no_use(self):
        """What an image between shows alone makes no sense while a commit
        writes to the base."""
        self.start('block-commit', device='n4', top_node='n3', base_node='n1')
        self.vm.cmd('nbd-server-start', addr={
            'type': 'unix', 'data': {'path': self.path('nbd')}})
        for name in 'n2', 'n3':
            self.refuse(
                'block-export-add', f"Permission conflict on node '{name}': "
                "permissions 'consistent read' are both required by an "
                f"unnamed block device (uses node '{name}' as 'root' child) "
                f"and unshared by commit job 'j' (uses node '{name}' as "
                "'intermediate node' child).", type='nbd', id='e',
                node_name=name)
        self.end()
        self.vm.cmd('block-export-add', {
            'type': 'nbd', 'id': 'e', 'node-name': 'n2'})

    def test_writer_between(self):
        """The same of a stream; its job comes, and goes."""
        self.vm.cmd('nbd-server-start', addr={
            'type': 'unix', 'data': {'path': self.path('nbd')}})
        self.vm.cmd('blockdev-add', {
            'driver': 'null-co', 'node-name': 'null', 'size': SIZE})
        self.image('w', None)
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'w', 'backing': 'null',
            'file': {'driver': 'file', 'filename': self.path('w')}})
        self.vm.cmd('block-export-add', {
            'type': 'nbd', 'id': 'e', 'node-name': 'null', 'writable': True})
        self.refuse(
            'block-stream', "Permission conflict on node 'null': permissions "
            "'write' are both required by an unnamed block device (uses node "
            "'null' as 'root' child) and unshared by stream job 'j' (uses "
            "node 'null' as 'intermediate node' child).", device='w',
            job_id='j')
        self.assertEqual(jobs.take(self.vm, 'j'), ['created', 'null'])

    def test_all_overlays(self):
        """Two images above the top both go on with the base."""
        self.image('o', 'n2')
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'o', 'backing': 'n2',
            'file': {'driver': 'file', 'filename': self.path('o')}})
        self.vm.cmd('block-commit', {'job-id': 'j', 'device': 'n4',
                                     'top-node': 'n2', 'base-node': 'n1'})
        jobs.follow(self.vm, 'j', 'null')
        nodes = {n['node-name']: n for n in self.vm.cmd(
            'query-named-block-nodes', {'flat': True})}
        for name in 'n3', 'o':
            self.assertEqual(nodes[name]['backing_file'], self.path('n1'))
        self.vm.cmd('blockdev-del', {'node-name': 'n2'})
        self.vm.quit()
        for name in 'n4', 'o':
            tools.io(self.path(name), 'read -q -P 3 16M 8M',
                     'read -q -P 2 8M 8M', options=('-f', 'qcow2'))


if __name__ == '__main__':
    case.main()
