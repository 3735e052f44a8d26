#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Filters within a chain, of users and of other jobs: where they are when a
stream or a commit is over."""

from lib import case, jobs, tools
from lib.images import MIB

NAMES = 'abcde'


class ChainFilters(case.Case):
    """a <- b <- c <- d <- e"""

    def add_chain(self, throttled=None, read_only=''):
        self.vm = self.daemon('--object', 'throttle-group,id=group')
        below = None
        for i, name in enumerate(NAMES):
            tools.img('create', '-q', '-f', 'qcow2',
                      *(('-b', self.path(below), '-F', 'qcow2')
                        if below else ()), self.path(name), str(MIB))
            tools.io(self.path(name), f'write -q {i}00k 64k',
                     options=('-f', 'qcow2'))
            below = name
        below = None
        for name in NAMES:
            self.vm.cmd('blockdev-add', {
                'driver': 'qcow2', 'node-name': name, 'backing': below,
                'read-only': name in read_only,
                'file': {'driver': 'file', 'filename': self.path(name)}})
            below = name
            if name == throttled:
                below = 'slow'
                self.vm.cmd('blockdev-add', {
                    'driver': 'throttle', 'node-name': below,
                    'throttle-group': 'group', 'file': name})

    def start(self, job, command, **args):
        self.vm.cmd(command, {'job-id': job, 'auto-finalize': False, **{
            k.replace('_', '-'): v for k, v in args.items()}})
        jobs.follow(self.vm, job, 'PENDING')

    def finalize(self, job):
        self.vm.cmd('job-finalize', id=job)
        end = jobs.follow(self.vm, job, 'null')
        self.assertNotIn('error', dict(e for e in end
                                       if isinstance(e, tuple))['COMPLETED'])

    def assert_depths(self, **depths):
        """How many nodes are below one, with those of filters."""
        nodes = {n['node-name']: n['backing_file_depth']
                 for n in self.vm.cmd('query-named-block-nodes')}
        self.assertEqual({n: nodes[n] for n in depths}, depths)

    def run_job(self, command, **args):
        self.add_chain(throttled='c')
        self.start('j', command, **args)
        self.finalize('j')

    def test_base_is_an_image(self):
        self.run_job('block-stream', device='e', base_node='c')
        self.assert_depths(e=3, slow=3)

    def test_base_is_a_filter(self):
        self.run_job('block-stream', device='e', base_node='slow')
        self.assert_depths(e=4, slow=3)

    def test_bottom(self):
        self.run_job('block-stream', device='e', bottom='d')
        self.assert_depths(e=4, slow=3)
        self.assert_error(self.vm, 'block-stream',
                          {'job-id': 'j', 'device': 'e', 'bottom': 'slow'},
                          "Node 'slow' is a filter, use a non-filter node as "
                          "'bottom'")

    def test_commit_to_an_image(self):
        self.run_job('block-commit', device='e', top_node='d', base_node='c')
        self.assert_depths(e=3, slow=3)

    def test_commit_to_a_filter(self):
        self.run_job('block-commit', device='e', top_node='d',
                     base_node='slow')
        self.assert_depths(e=4, slow=3)

    def test_commit_below_a_filter(self):
        self.run_job('block-commit', device='e', top_node='c', base_node='a')
        self.assert_depths(e=3, d=2, slow=1)

    def test_commit_with_the_filter(self):
        self.run_job('block-commit', device='e', top_node='slow',
                     base_node='a')
        self.assert_depths(e=2, d=1, slow=3)

    def start_both(self, **base):
        self.add_chain()
        self.start('commit', 'block-commit', device='e', top_node='b',
                   base_node='a', filter_node_name='top')
        self.start('stream', 'block-stream', device='d', **base)

    def test_stream_to_the_filter_of_a_commit(self):
        for order in ('commit', 'stream'), ('stream', 'commit'):
            for base in {'base_node': 'top'}, {'bottom': 'c'}:
                with self.subTest(order=order, base=base):
                    self.start_both(**base)
                    for job in order:
                        self.finalize(job)
                    self.assert_depths(e=2, d=1, c=1)
                    self.vm.quit()

    def test_read_only_image(self):
        """It is the way to it that must not be another job's."""
        self.add_chain(read_only='d')
        self.start('commit', 'block-commit', device='e', top_node='c',
                   base_node='a', filter_node_name='top')
        self.assert_error(self.vm, 'block-stream', {
            'job-id': 'stream', 'device': 'd', 'base-node': 'c'},
            "Cannot freeze 'backing' link to 'top'")
        self.start('stream', 'block-stream', device='d', base_node='top')
        self.finalize('commit')
        self.finalize('stream')


if __name__ == '__main__':
    case.main()
