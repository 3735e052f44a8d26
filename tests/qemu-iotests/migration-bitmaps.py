#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Bitmaps go along when a machine goes over to another process, under names
that a mapping may change, and what cannot be taken is told."""

from lib import case, exports
from lib.case import ours_only
from lib.migration_case import MigrationCase


class Bitmaps(MigrationCase):

    def start(self, **kwargs):
        return self.pair('dirty-bitmaps', device=False, **kwargs)

    def run_it(self, src, dst):
        src.cmd('migrate', uri=self.uri)
        self.statuses(src, 'completed')
        self.statuses(dst, 'completed')

    def add_all(self, vm):
        for name, options in (
                ('b0', {'persistent': True}), ('b1', {}),
                ('b2', {'granularity': 1 << 20}), ('b3', {'disabled': True})):
            vm.cmd('block-dirty-bitmap-add',
                   dict({'node': 'd', 'name': name}, **options))
        self.write(vm, 1 << 20, 65536)

    def sha(self, vm, name):
        return vm.cmd('x-debug-block-dirty-bitmap-sha256', node='d',
                      name=name)['sha256']

    def check_all(self, target_image):
        src, dst = self.start(target_image=target_image)
        self.add_all(src)
        before = self.bitmaps(src)
        hashes = {name: self.sha(src, name) for name in before}
        self.run_it(src, dst)
        self.assertEqual(self.bitmaps(dst), before)
        self.assertEqual({n: self.sha(dst, n) for n in before}, hashes)
        self.write(dst, 2 << 20, 65536)
        self.assertEqual(self.bitmaps(dst)['b0'], (2 * 65536, True, True))
        src.quit()
        dst.quit()
        again = self.vm(image=target_image, device=False)
        self.assertEqual(self.bitmaps(again), {'b0': (131072, True, True)})

    def test_shared_disk(self):
        self.check_all(self.image)

    def test_disk_of_its_own(self):
        self.check_all(self.make('copy'))

    def test_without_capability(self):
        """Persistent ones go by the image."""
        src, dst = self.pair(device=False)
        self.add_all(src)
        src.cmd('migrate', uri=self.uri)
        self.statuses(src, 'completed')
        self.statuses(dst, 'completed')
        self.assertEqual(self.bitmaps(dst), {'b0': (65536, True, True)})

    def test_postcopy_texts(self):
        vm = self.vm(device=False)
        self.assert_error(vm, 'migrate-start-postcopy', None,
                          'Enable postcopy with migrate_set_capability before '
                          'the start of migration')
        self.capabilities(vm, 'postcopy-ram')
        self.assert_error(vm, 'migrate-start-postcopy', None,
                          'Postcopy must be started after migration has been '
                          'started')

    def test_postcopy(self):
        src, dst = self.start()
        self.add_all(src)
        src.cmd('cont')
        src.cmd('migrate', uri=self.uri)
        src.cmd('migrate-start-postcopy')
        self.assertEqual(self.statuses(src, 'completed'),
                         ['setup', 'active', 'postcopy-active', 'completed'])
        self.assertEqual(self.statuses(dst, 'completed')[-3:],
                         ['active', 'postcopy-active', 'completed'])
        self.assertEqual(len(self.bitmaps(dst)), 4)

    def test_postcopy_goes_on(self):
        """Also if the machine did not run at the source."""
        src, dst = self.start()
        self.add_all(src)
        src.cmd('migrate', uri=self.uri)
        src.cmd('migrate-start-postcopy')
        self.statuses(src, 'completed')
        self.statuses(dst, 'completed')
        self.assertEqual(self.status(dst), 'paused')  # -S

    def test_drive_below_a_job(self):
        """A drive's bitmaps go by its name, whatever nodes are called."""
        drive = 'if=none,id=drive0,format=qcow2,file='
        args = ['-m', '16', '-accel', 'tcg',
                '-device', 'virtio-blk-pci,drive=drive0,id=vd']
        target = self.make('copy')
        src = self.machine(*args, '-drive', drive + self.image)
        dst = self.machine(*args, '-drive', drive + target,
                           '-incoming', self.uri)
        for vm in src, dst:
            self.capabilities(vm, 'events', 'dirty-bitmaps')
        src.cmd('block-dirty-bitmap-add', node='drive0', name='b')
        server = exports.Server(dst)
        dst.cmd('nbd-server-add', device='drive0', writable=True)
        src.cmd('drive-mirror', device='drive0', sync='full', format='raw',
                target=f'nbd+unix:///drive0?socket={server.path}',
                mode='existing')
        src.qmp.event('BLOCK_JOB_READY')
        src.cmd('migrate', uri=self.uri)
        src.cmd('migrate-start-postcopy')
        self.statuses(src, 'completed')
        src.cmd('block-job-cancel', device='drive0')
        src.qmp.event('BLOCK_JOB_COMPLETED')
        dst.cmd('nbd-server-stop')
        self.statuses(dst, 'completed')
        for vm in src, dst:
            (drive,) = vm.cmd('query-block')
            (bitmap,) = drive['inserted']['dirty-bitmaps']
            self.assertEqual((bitmap['name'], bitmap['recording']), ('b', True))

    def test_mapping(self):
        src, dst = self.start(target_image=self.make('copy'))
        self.add_all(src)
        src.cmd('migrate-set-parameters', {'block-bitmap-mapping': [
            {'node-name': 'd', 'alias': 'disk', 'bitmaps': [
                {'name': 'b0', 'alias': 'one',
                 'transform': {'persistent': False}},
                {'name': 'b1', 'alias': 'two'}]}]})
        dst.cmd('migrate-set-parameters', {'block-bitmap-mapping': [
            {'node-name': 'd', 'alias': 'disk', 'bitmaps': [
                {'name': 'c0', 'alias': 'one'},
                {'name': 'c1', 'alias': 'two',
                 'transform': {'persistent': True}}]}]})
        self.run_it(src, dst)
        self.assertEqual(self.bitmaps(dst), {'c0': (65536, True, False),
                                             'c1': (65536, True, True)})
        self.assert_error(dst, 'x-debug-block-dirty-bitmap-sha256',
                          {'node': 'd', 'name': 'b0'},
                          "Dirty bitmap 'b0' not found")

    @ours_only('drops all that come after the unknown one')
    def test_mapping_without_one(self):
        src, dst = self.start(target_image=self.make('copy'))
        self.add_all(src)
        dst.cmd('migrate-set-parameters', {'block-bitmap-mapping': [
            {'node-name': 'd', 'alias': 'd', 'bitmaps': [
                {'name': 'b0', 'alias': 'b0'}]}]})
        self.run_it(src, dst)
        self.assertEqual(self.bitmaps(dst), {'b0': (65536, True, True)})
        self.assertIn("Error: Unknown bitmap alias 'b1' on node 'd' "
                      "(alias 'd')", dst.stderr())

    def test_mapping_of_other_nodes(self):
        src, dst = self.start(target_image=self.make('copy'))
        self.add_all(src)
        dst.cmd('migrate-set-parameters', {'block-bitmap-mapping': [
            {'node-name': 'd', 'alias': 'other', 'bitmaps': []}]})
        self.run_it(src, dst)
        self.assertEqual(self.bitmaps(dst), {})
        self.assertIn("Error: Unknown node alias 'd'", dst.stderr())

    def test_mapping_to_no_node(self):
        src, dst = self.start(target_image=self.make('copy'))
        self.add_all(src)
        dst.cmd('migrate-set-parameters', {'block-bitmap-mapping': [
            {'node-name': 'zz', 'alias': 'd', 'bitmaps': [
                {'name': 'b0', 'alias': 'b0'}]}]})
        self.run_it(src, dst)
        self.assertEqual(self.bitmaps(dst), {})
        self.assertIn("Cannot find device='' nor node-name='zz'",
                      dst.stderr())

    def test_no_such_node(self):
        src = self.vm(device=False)
        dst = self.vm('-incoming', self.uri, image=self.make('copy'),
                      device=False, node='e')
        for vm in src, dst:
            self.capabilities(vm, 'events', 'dirty-bitmaps')
        src.cmd('block-dirty-bitmap-add', node='d', name='b')
        self.run_it(src, dst)
        self.assertEqual(self.bitmaps(dst, 'e'), {})
        self.assertIn("Cannot find device='d' nor node-name='d'",
                      dst.stderr())

    def test_name_is_taken(self):
        src, dst = self.start(target_image=self.make('copy'))
        for vm in src, dst:
            vm.cmd('block-dirty-bitmap-add', node='d', name='b')
        src.cmd('cont')
        src.cmd('migrate', uri=self.uri)
        self.statuses(src, 'failed')
        self.assertEqual(dst.wait(), 1)
        self.assertIn("Bitmap with the same name ('b') already exists on "
                      'destination', dst.stderr())
        self.assertIn("error while loading state for instance 0x0 of device "
                      "'dirty-bitmap'", dst.stderr())
        self.write(src, 0, 65536)
        # It was found while the machine ran.
        self.assertNotIn('STOP', [e['event'] for e in src.qmp.events])
        self.assertEqual(self.bitmaps(src), {'b': (65536, True, False)})

    def test_long_name(self):
        src, dst = self.start(target_image=self.make('copy'))
        name = 'x' * 256
        src.cmd('block-dirty-bitmap-add', node='d', name=name)
        src.cmd('migrate', uri=self.uri)
        self.statuses(src, 'failed')
        self.assertEqual(src.cmd('query-migrate'), {'status': 'failed'})
        self.assertEqual(dst.wait(), 1)
        self.assertIn(f"Cannot migrate bitmap '{name}' on node 'd': Name is "
                      'longer than 255 bytes', src.stderr())
        self.assertIn('Unable to read node alias string', dst.stderr())

    def test_busy(self):
        """Those that go along stay as they are until it is over."""
        src, dst = self.start(target_image=self.make('copy'))
        self.capabilities(src, 'pause-before-switchover')
        for name in 'b', 'p':
            src.cmd('block-dirty-bitmap-add', node='d', name=name,
                    persistent=name == 'p')
        src.cmd('migrate', uri=self.uri)
        src.qmp.event('MIGRATION', status='pre-switchover')
        for name in 'b', 'p':
            self.assert_error(
                src, 'block-dirty-bitmap-remove', {'node': 'd', 'name': name},
                f"Bitmap '{name}' is currently in use by another operation "
                'and cannot be used')
        src.cmd('block-dirty-bitmap-add', node='d', name='late')
        src.cmd('migrate_cancel')
        self.statuses(src, 'cancelled')
        self.assertEqual(dst.wait(), 1)
        self.assertEqual(dst.stderr().strip().split(': ', 1)[1],
                         'load of migration failed: Input/output error')
        for name in 'b', 'p', 'late':
            src.cmd('block-dirty-bitmap-remove', node='d', name=name)

    def test_late_ones_stay(self):
        src, dst = self.start(target_image=self.make('copy'))
        self.capabilities(src, 'pause-before-switchover')
        src.cmd('block-dirty-bitmap-add', node='d', name='b')
        src.cmd('migrate', uri=self.uri)
        src.qmp.event('MIGRATION', status='pre-switchover')
        src.cmd('block-dirty-bitmap-add', node='d', name='late')
        src.cmd('migrate-continue', state='pre-switchover')
        self.statuses(src, 'completed')
        self.statuses(dst, 'completed')
        self.assertEqual(list(self.bitmaps(dst)), ['b'])
        self.assertEqual(set(self.bitmaps(src)), {'b', 'late'})
        src.cmd('block-dirty-bitmap-remove', node='d', name='b')

    def test_mapping_texts(self):
        vm = self.vm(device=False)

        def bitmap(name, alias):
            return {'name': name, 'alias': alias}

        def node(name, alias, *bitmaps):
            return {'node-name': name, 'alias': alias,
                    'bitmaps': list(bitmaps)}

        long = 'a' * 256
        for mapping, text in (
                ([node('d', 'a', bitmap('a', 'x'), bitmap('b', 'x'))],
                 "The bitmap alias 'a'/'x' is used twice"),
                ([node('d', 'a', bitmap('a', 'x'), bitmap('a', 'y'))],
                 "The bitmap 'd'/'a' is mapped twice"),
                ([node('d', 'a'), node('d', 'b')],
                 "The node name 'd' is mapped twice"),
                ([node('d', 'a'), node('e', 'a')],
                 "The node alias 'a' is used twice"),
                ([node('d', '')], "The node alias '' is not well-formed"),
                ([node('d', long)],
                 f"The node alias '{long}' is longer than 255 bytes"),
                ([node(long, 'a')],
                 f"The node name '{long}' is longer than 31 bytes"),
                ([node('d', 'a', bitmap('a', long))],
                 f"The bitmap alias '{long}' is longer than 255 bytes")):
            self.assert_error(
                vm, 'migrate-set-parameters',
                {'block-bitmap-mapping': mapping},
                f'Invalid mapping given for block-bitmap-mapping: {text}')
        vm.cmd('migrate-set-parameters', {'block-bitmap-mapping': []})
        self.assertEqual(
            vm.cmd('query-migrate-parameters')['block-bitmap-mapping'], [])


if __name__ == '__main__':
    case.main()
