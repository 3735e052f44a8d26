#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What blockdev-backup refuses, with which words, in which order."""

from lib import bitmaps, case, images, tools
from lib.backup_case import BackupCase
from lib.images import MIB

MODES = 'on-success', 'never', 'always'
NO_BITMAP = "must provide a valid bitmap name for '%s' sync mode"
ONLY_ON_SUCCESS = ("Bitmap sync mode must be 'on-success' when using sync "
                   "mode 'incremental'")
NOT_FOUND = "Bitmap 'nosuch' could not be found"
MODE_WANTED = 'Bitmap sync mode must be given when providing a bitmap'
MODE_WITHOUT = 'Cannot specify bitmap sync mode without a bitmap'
MEANINGLESS = "sync mode 'none' does not produce meaningful bitmap outputs"
NEVER = ("Bitmap sync mode 'never' has no meaningful effect when combined "
         "with sync mode '%s'")
SIZES = 'Source and target image have different sizes'


class Refused(BackupCase):

    size_bytes = MIB

    def setUp(self):
        super().setUp()
        self.new_disk('long', 2 * MIB)
        self.new_disk('short', MIB - 512)
        self.bitmap('add', 'b')

    def assert_refused(self, desc, without=(), **args):
        full = {'job-id': 'job0', 'device': 'src', 'target': 'dst',
                'sync': 'full'}
        full.update({k.replace('_', '-'): v for k, v in args.items()
                     if v is not None})
        for member in without:
            del full[member]
        self.assert_error(self.vm, 'blockdev-backup', full, desc)
        self.assertEqual(self.vm.cmd('query-jobs'), [])
        self.assertEqual(bitmaps.of_node(self.vm, 'src'),
                         [bitmaps.entry('b')])

    def test_arguments(self):
        for member in 'device', 'target', 'sync':
            self.assert_refused(f"Parameter '{member}' is missing",
                                without=[member])
        self.assert_refused("Parameter 'sync' does not accept value 'x'",
                            sync='x')
        self.assert_refused("Parameter 'bitmap-mode' does not accept value "
                            "'x'", bitmap_mode='x')
        self.assert_refused("Parameter 'on-source-error' does not accept "
                            "value 'x'", on_source_error='x')
        self.assert_refused("Parameter 'on-target-error' does not accept "
                            "value 'x'", on_target_error='x')
        self.assert_refused("Parameter 'x-perf.x' is unexpected",
                            x_perf={'x': 1})
        self.assert_refused("Invalid parameter type for 'auto-dismiss', "
                            'expected: boolean', auto_dismiss=1)

    def test_nodes(self):
        self.assert_refused("Cannot find device='n1' nor node-name='n1'",
                            device='n1', target='n2')
        self.assert_refused("Cannot find device='n2' nor node-name='n2'",
                            target='n2')
        self.assert_refused("Cannot find device='' nor node-name=''",
                            device='')
        self.assert_refused('Source and target cannot be the same',
                            target='src')

    def test_sizes(self):
        self.assert_refused(SIZES, target='long')
        self.assert_refused(SIZES, target='short')

    def test_read_only_target(self):
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'ro', 'read-only': True, 'file': {
                'driver': 'file', 'filename': self.target}})
        self.assert_refused('Could not create node: Block node is read-only',
                            target='ro')

    def test_no_bitmap(self):
        for sync in 'incremental', 'bitmap':
            for mode in (None,) + MODES:
                self.assert_refused(NO_BITMAP % sync, sync=sync,
                                    bitmap_mode=mode)
        for sync in 'full', 'top', 'none':
            for mode in MODES:
                self.assert_refused(MODE_WITHOUT, sync=sync,
                                    bitmap_mode=mode)

    def test_unknown_bitmap(self):
        for sync in 'full', 'top', 'none', 'bitmap':
            for mode in (None,) + MODES:
                self.assert_refused(NOT_FOUND, sync=sync, bitmap='nosuch',
                                    bitmap_mode=mode)
        for mode in None, 'on-success':
            self.assert_refused(NOT_FOUND, sync='incremental',
                                bitmap='nosuch', bitmap_mode=mode)
        for name in 'nosuch', 'b':
            for mode in 'never', 'always':
                self.assert_refused(ONLY_ON_SUCCESS, sync='incremental',
                                    bitmap=name, bitmap_mode=mode)
        self.assert_refused("Bitmap '' could not be found", sync='bitmap',
                            bitmap='', bitmap_mode='never')

    def test_modes(self):
        for sync in 'full', 'top', 'none', 'bitmap':
            self.assert_refused(MODE_WANTED, sync=sync, bitmap='b')
        for mode in MODES:
            self.assert_refused(MEANINGLESS, sync='none', bitmap='b',
                                bitmap_mode=mode)
        for sync in 'full', 'top':
            self.assert_refused(NEVER % sync, sync=sync, bitmap='b',
                                bitmap_mode='never')

    def test_settings(self):
        workers = 'max-workers must be between 1 and 2147483647'
        for number in 0, -1, 1 << 31, 1 << 40:
            self.assert_refused(workers, x_perf={'max-workers': number})
        self.assert_refused(
            'max-chunk must be zero (which means no limit) or positive',
            x_perf={'max-chunk': -1})
        self.assert_refused(
            'Required max-chunk (4096) is less than backup cluster size '
            '(65536)', x_perf={'max-chunk': 4096})
        self.assert_refused('Compression is not supported for this drive ',
                            compress=True)

    def test_filter_name(self):
        self.assert_refused('Could not create node: Duplicate nodes with '
                            "node-name='src'", filter_node_name='src')
        self.assert_refused("Could not create node: Invalid node-name: '1'",
                            filter_node_name='1')

    def test_order(self):
        gone = "Cannot find device='nosuch' nor node-name='nosuch'"
        self.assert_refused(gone, job_id='1', device='nosuch')
        self.assert_refused(gone, sync='bitmap', target='nosuch')
        self.assert_refused(NO_BITMAP % 'bitmap', sync='bitmap',
                            target='long')
        self.assert_refused(NO_BITMAP % 'bitmap', sync='bitmap', speed=-1)
        self.assert_refused(SIZES, job_id='1', target='long')
        self.assert_refused(SIZES, speed=-1, target='long')

    def test_read_only_bitmap(self):
        """What is wrong anyway is told before what is wrong now."""
        image = self.path('bitmap.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', image, str(MIB))
        tools.img('bitmap', '--add', image, 'old')
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'ro', 'read-only': True,
            'file': {'driver': 'file', 'filename': image}})
        by = {'device': 'ro', 'bitmap': 'old', 'sync': 'bitmap',
              'bitmap_mode': 'always'}
        self.assert_refused("Bitmap 'old' is readonly and cannot be modified",
                            **by)
        self.assert_refused('Source and target cannot be the same',
                            **{**by, 'target': 'ro'})
        self.assert_refused("sync mode 'none' does not produce meaningful "
                            'bitmap outputs', **{**by, 'sync': 'none'})
        self.assert_refused('max-workers must be between 1 and 2147483647',
                            **by, x_perf={'max-workers': 0})

    def test_windows_of_one_file(self):
        self.vm.cmd('blockdev-add', driver='file', node_name='both',
                    filename=images.make(self.path('both.img'), 2 * MIB))
        for name, offset in ('first', 0), ('second', MIB):
            self.vm.cmd('blockdev-add', driver='raw', node_name=name,
                        file='both', offset=offset, size=MIB)
        self.assert_refused(
            "Permission conflict on node 'both': permissions 'write' are "
            "both required by node 'second' (uses node 'both' as 'file' "
            "child) and unshared by node 'first' (uses node 'both' as 'file' "
            'child).', device='first', target='second')

    def test_busy_disks(self):
        self.new_disk('free')
        self.start('other', auto_finalize=False)
        self.follow('PENDING', 'other')
        busy = ("Node 'dst' is busy: block device is in use by block job: "
                'backup')
        for device, target in ('src', 'dst'), ('free', 'dst'), ('dst', 'free'):
            self.assert_error(
                self.vm, 'blockdev-backup', {
                    'job-id': 'job0', 'sync': 'full', 'device': device,
                    'target': target}, busy)
        self.vm.cmd('job-cancel', id='other')

    def test_busy_bitmap(self):
        self.guest()
        self.server.add('src', name='more', bitmaps=['b'])
        self.assert_error(
            self.vm, 'blockdev-backup', {
                'job-id': 'job0', 'device': 'src', 'target': 'dst',
                'sync': 'incremental', 'bitmap': 'b'},
            "Bitmap 'b' is currently in use by another operation and cannot "
            'be used')

    def test_bitmap_of_a_running_job(self):
        self.write(0)
        self.new_disk('other')
        self.start(sync='incremental', bitmap='b', auto_finalize=False)
        self.follow('PENDING')
        in_use = ("Bitmap 'b' is currently in use by another operation and "
                  'cannot be used')
        for verb in 'clear', 'disable', 'enable', 'remove':
            self.assert_error(self.vm, f'block-dirty-bitmap-{verb}',
                              {'node': 'src', 'name': 'b'}, in_use)
        self.assert_error(
            self.vm, 'block-dirty-bitmap-merge',
            {'node': 'src', 'target': 'b', 'bitmaps': ['b']}, in_use)
        self.vm.cmd('job-finalize', id='job0')
        self.bitmap('clear', 'b')

    def test_target_untouched(self):
        before = images.checksum(self.target)
        self.assert_refused(MODE_WITHOUT, bitmap_mode='always')
        self.assertEqual(images.checksum(self.target), before)


if __name__ == '__main__':
    case.main()
