#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is named first when several things are wrong with a command at once."""

from lib import case, tools


class Order(case.Case):

    def setUp(self):
        super().setUp()
        tools.img('create', '-q', '-f', 'raw', 'raw', '1M', cwd=self.dir)
        for words in (['base', '1M'], ['-b', 'base', '-F', 'qcow2', 'disk']):
            tools.img('create', '-q', '-f', 'qcow2', *words, cwd=self.dir)
        self.vm = self.daemon(
            '--blockdev', 'driver=file,node-name=f,filename=disk',
            '--blockdev', 'driver=qcow2,node-name=d,file=f')

    def test_reopen(self):
        """What lies behind has to be said before anything else counts."""
        for options in ({'driver': 'qcow2', 'file': 'nope'},
                        {'driver': 'raw', 'file': 'f'},
                        {'driver': 'qcow2', 'file': 'f', 'read-only': True}):
            self.assert_error(self.vm, 'blockdev-reopen', {'options': [
                {'node-name': 'd', **options}]}, "backing is missing for 'd'")

    def test_reopen_children(self):
        """A node that is not there counts before what cannot change."""
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'r', 'file': {
                'driver': 'file', 'filename': 'raw'}})
        for options in ({'driver': 'qcow2'}, {'driver': 'raw', 'offset': 512}):
            self.assert_error(
                self.vm, 'blockdev-reopen',
                {'options': [{'node-name': 'r', 'file': 'nope', **options}]},
                "Cannot find device='' nor node-name='nope'")
        self.assert_error(
            self.vm, 'blockdev-reopen',
            {'options': [{'node-name': 'r', 'file': 'd', 'driver': 'qcow2'}]},
            "Cannot change the option 'driver'")

    def test_own_backing(self):
        self.assert_error(
            self.vm, 'blockdev-add',
            {'driver': 'qcow2', 'node-name': 'x', 'backing': 'x', 'file': {
                'driver': 'file', 'filename': 'base', 'locking': 'off'}},
            "Making 'x' a backing child of 'x' would create a cycle")

    def test_grouped(self):
        """What does not go with a mode counts before what it would do."""
        for action, data in (
                ('blockdev-snapshot', {'node': 'no', 'overlay': 'no'}),
                ('blockdev-snapshot-sync', {'device': 'no',
                                            'snapshot-file': 'new'}),
                ('blockdev-snapshot-internal-sync', {'device': 'no',
                                                     'name': 's'}),
                ('block-dirty-bitmap-clear', {'node': 'no', 'name': 'b'})):
            self.assert_error(
                self.vm, 'transaction',
                {'actions': [{'type': action, 'data': data}],
                 'properties': {'completion-mode': 'grouped'}},
                "Action '%s' does not support Transaction property "
                'completion-mode = grouped' % action)

    def test_export(self):
        """Writes of others count before what clients do not bear."""
        self.vm.cmd('nbd-server-start', {'addr': {
            'type': 'unix', 'data': {'path': self.path('nbd')}}})
        self.vm.cmd('block-export-add', {
            'type': 'nbd', 'id': 'd', 'node-name': 'd', 'writable': True})
        self.assert_error(
            self.vm, 'block-export-add',
            {'type': 'nbd', 'id': 'f', 'node-name': 'f', 'writable': True},
            "Permission conflict on node 'f': permissions 'write' are both "
            "required by an unnamed block device (uses node 'f' as 'root' "
            "child) and unshared by node 'd' (uses node 'f' as 'file' child).")
        self.vm.cmd('block-export-add', {
            'type': 'nbd', 'id': 'f', 'node-name': 'd', 'name': 'f'})


if __name__ == '__main__':
    case.main()
