#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A stream or a commit that is over but not dismissed still holds its nodes."""

from lib import case, jobs, tools
from lib.images import MIB

NAMES = ('base', 'mid', 'top')


class ChainUndismissed(case.Case):
    """base <- mid <- top, all of qcow2, each a node with a node for its file"""

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()
        below = None
        for name in NAMES:
            path = self.path(name)
            tools.img('create', '-q', '-f', 'qcow2',
                      *(('-b', self.path(below), '-F', 'qcow2')
                        if below else ()), path, str(MIB))
            self.vm.cmd('blockdev-add', {
                'driver': 'file', 'node-name': name + '-file',
                'filename': path})
            self.vm.cmd('blockdev-add', {
                'driver': 'qcow2', 'node-name': name, 'file': name + '-file',
                **({'backing': below} if below else {})})
            below = name

    def run_job(self, command, **args):
        self.vm.cmd(command, {'job-id': 'job', 'device': 'top',
                              'auto-dismiss': False, **args})
        jobs.follow(self.vm, 'job', 'concluded')

    def assert_busy(self, name, kind):
        self.assert_error(self.vm, 'blockdev-del', {'node-name': name},
                          f"Node '{name}' is busy: block device is in use by "
                          f"block job: {kind}")

    def assert_free_when_dismissed(self):
        self.vm.cmd('job-dismiss', {'id': 'job'})
        for name in reversed(NAMES):
            self.vm.cmd('blockdev-del', {'node-name': name})
            self.vm.cmd('blockdev-del', {'node-name': name + '-file'})

    def assert_in_use(self):
        self.assert_error(self.vm, 'block_resize',
                          {'node-name': 'top', 'size': 2 * MIB},
                          "Device '(null)' is in use")
        self.assert_error(self.vm, 'blockdev-snapshot-internal-sync',
                          {'device': 'top', 'name': 's'},
                          'Need a root block node')

    def test_stream(self):
        self.run_job('block-stream')
        for name in NAMES:
            self.assert_busy(name, 'stream')
        self.assert_in_use()
        self.assert_free_when_dismissed()

    def test_stream_to_a_base(self):
        self.run_job('block-stream', **{'base-node': 'base'})
        self.assert_busy('top', 'stream')
        self.assert_busy('mid', 'stream')
        self.assert_free_when_dismissed()

    def test_commit(self):
        self.run_job('block-commit', **{'top-node': 'mid'})
        self.assert_busy('top', 'commit')
        self.assert_busy('mid', 'commit')
        self.assert_in_use()
        self.assert_error(self.vm, 'block-stream',
                          {'job-id': 'other', 'device': 'base'},
                          "Node 'base' is busy: block device is in use by "
                          "block job: commit")
        self.assert_free_when_dismissed()

    def test_quit_before_it_is_dismissed(self):
        self.run_job('block-stream')
        self.vm.quit()

    def test_others_let_go_when_they_end(self):
        self.vm.cmd('blockdev-add', {'driver': 'null-co', 'size': MIB,
                                     'node-name': 'target'})
        self.run_job('blockdev-backup', target='target', sync='full')
        self.assert_free_when_dismissed()


if __name__ == '__main__':
    case.main()
