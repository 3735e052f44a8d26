#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a command of QMP warns of on standard error: the text alone, for whoever
asked knows whom. Only what the command line causes bears the program's name."""

from lib import case, images
from lib.images import MIB

TEXT = ("warning: The target block device doesn't provide information about "
        "the block size and it doesn't have a backing file. The default block "
        "size of 65536 bytes is used. If the actual block size of the target "
        "exceeds this default, the backup may be unusable\n")


class Warns(case.Case):

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()
        for name in ('disk', 'child'):
            self.vm.cmd('blockdev-add', {
                'driver': 'raw', 'node-name': name,
                'file': {'driver': 'file',
                         'filename': images.make(self.path(name), MIB, [])}})
        self.vm.cmd('blockdev-add', {
            'driver': 'quorum', 'node-name': 'target', 'vote-threshold': 1,
            'children': ['child']})
        self.args = {'device': 'disk', 'target': 'target', 'sync': 'full',
                     'job-id': 'job'}

    def assert_warned(self):
        self.vm.quit()
        self.assertEqual(self.vm.stderr(), TEXT)

    def finish(self):
        self.vm.qmp.event('BLOCK_JOB_COMPLETED')

    def test_command(self):
        self.vm.cmd('blockdev-backup', self.args)
        self.finish()
        self.assert_warned()

    def test_action(self):
        self.vm.cmd('transaction', {'actions': [
            {'type': 'blockdev-backup', 'data': self.args}]})
        self.finish()
        self.assert_warned()

    def test_filter(self):
        self.vm.cmd('blockdev-add', {
            'driver': 'copy-before-write', 'node-name': 'filter',
            'file': 'disk', 'target': 'target'})
        self.assert_warned()


if __name__ == '__main__':
    case.main()
