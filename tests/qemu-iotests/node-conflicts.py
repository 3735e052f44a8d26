#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is named first when several things are wrong with a command at once."""

from lib import case, tools


class Order(case.Case):

    def setUp(self):
        super().setUp()
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
