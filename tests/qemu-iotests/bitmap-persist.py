#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Bitmaps that outlive their daemon: the rules of docs/interop/bitmaps.rst."""

from lib import bitmaps, case, tools
from lib.case import ours_only
from lib.images import GIB, KIB, MIB
from lib.persist_case import PersistCase, shown

CHUNK = 64 * KIB


class Persist(PersistCase):

    def test_kept(self):
        self.start()
        self.add('on')
        self.add('off', disabled=True, granularity=512)
        self.bitmap('add', 'gone')
        self.write((0, CHUNK), (3 * MIB, MIB))
        before, known = self.all(), self.hashes()
        self.quit()
        self.assert_clean()
        self.assertEqual(self.info(), [('off', 512, []),
                                       ('on', CHUNK, ['auto'])])
        self.start()
        # In the order of the image, newest first: reversed.
        self.assertEqual(self.names(), ['on', 'off'])
        after = self.hashes()
        self.assertEqual(after, {n: known[n] for n in after})
        self.assertEqual(self.find('on'), shown('on', count=17 * CHUNK))
        self.assertEqual(self.find('off'), shown('off', granularity=512,
                                                 recording=False))
        self.assertIn(shown('on', count=17 * CHUNK), before)

    def test_granularities_and_names(self):
        self.start()
        for bits in range(9, 32):
            self.add(f'g{bits}', granularity=1 << bits)
        self.add('n' * 1023)
        self.add('\u00e4\u6f22 /')
        self.assert_refused(
            'add', {'name': 'n' * 1024, 'persistent': True},
            f"Can't make bitmap '{'n' * 1024}' persistent in 'disk': Name "
            'length exceeds maximum (1023 characters)')
        self.write((MIB, 512))
        known = self.hashes()
        self.quit()
        self.assert_clean()
        self.start()
        self.assertEqual(self.hashes(), known)

    def test_too_big(self):
        big = self.path('big.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', big, 6 << 40)
        self.image = big
        self.start()
        self.assert_refused(
            'add', {'name': 'b', 'persistent': True, 'granularity': 512},
            "Can't make bitmap 'b' persistent in 'disk': Too much space will "
            'be occupied by the bitmap. Use larger granularity')
        self.add('b', granularity=2048)

    def test_version_2(self):
        self.image = self.path('v2.qcow2')
        self.make(self.image, '-o', 'compat=0.10')
        self.start()
        self.assert_refused(
            'add', {'name': 'b', 'persistent': True},
            "Can't make bitmap 'b' persistent in 'disk': Cannot store dirty "
            'bitmaps in qcow2 v2 files')

    def test_removed(self):
        self.start()
        for name in 'abc':
            self.add(name)
        self.quit()
        self.start()
        self.bitmap('remove', 'b')
        # From the image, too, and at once.
        self.assertEqual([b[0] for b in self.info()], ['c', 'a'])
        self.bitmap('add', 'b')
        self.quit()
        self.assert_clean()
        self.assertEqual([b[0] for b in self.info()], ['c', 'a'])
        self.start()
        self.bitmap('remove', 'a')
        self.bitmap('remove', 'c')
        self.quit()
        self.assert_clean()
        self.assertEqual(self.info(), [])

    def test_removed_in_a_transaction(self):
        self.start()
        self.add('a')
        self.add('b')
        self.quit()
        self.start()
        remove = {'type': 'block-dirty-bitmap-remove',
                  'data': {'node': 'disk', 'name': 'a'}}
        self.assert_error(
            self.vm, 'transaction',
            {'actions': [remove, {'type': 'abort', 'data': {}}]},
            'Transaction aborted using Abort action')
        self.assertEqual(sorted(self.names()), ['a', 'b'])
        self.quit()
        self.assert_clean()
        self.assertEqual(sorted(b[0] for b in self.info()), ['a', 'b'])
        self.start()
        self.vm.cmd('transaction', actions=[remove])
        self.quit()
        self.assert_clean()
        self.assertEqual([b[0] for b in self.info()], ['b'])

    # -- read-only

    def test_read_only(self):
        self.start()
        self.add('b')
        self.write((0, CHUNK))
        known = self.hashes()
        self.quit()
        self.start(read_only=True)
        self.assertEqual(self.all(), [shown('b', count=CHUNK)])
        self.assertEqual(self.hashes(), known)
        refused = "Bitmap 'b' is readonly and cannot be modified"
        self.assert_refused('clear', {'name': 'b'}, refused)
        self.assert_refused('remove', {'name': 'b'}, refused)
        self.assert_refused('merge', {'target': 'b', 'bitmaps': ['b']},
                            refused)
        self.assertEqual(self.quit(), '')
        self.assertEqual(self.info(), [('b', CHUNK, ['auto'])])

    @ours_only('takes it and loses it')
    def test_no_new_one_read_only(self):
        self.start(read_only=True)
        self.assert_refused(
            'add', {'name': 'b', 'persistent': True},
            "Can't make bitmap 'b' persistent in 'disk': Block node is "
            'read-only')

    def test_reopened(self):
        self.start()
        self.add('b')
        self.write((0, CHUNK))
        known = self.hashes()
        self.unexport()
        self.reopen(read_only=True)
        self.assertEqual(self.info(), [('b', CHUNK, ['auto'])])
        self.assertEqual(self.hashes(), known)
        self.assert_refused('clear', {'name': 'b'},
                            "Bitmap 'b' is readonly and cannot be modified")
        self.reopen(read_only=False)
        self.write((MIB, CHUNK))
        self.assertEqual(self.info(), [('b', CHUNK, ['in-use', 'auto'])])
        self.assertEqual(self.find('b')['count'], 2 * CHUNK)
        self.quit()
        self.assert_clean()
        self.start(read_only=True)
        self.assertEqual(self.find('b')['count'], 2 * CHUNK)
        self.reopen(read_only=False)
        self.bitmap('clear', 'b')
        self.kill()
        self.start(read_only=True)
        self.assertTrue(self.find('b')['inconsistent'])

    # -- crashes

    def test_written_after_reopening(self):
        """What is stored for a reopening makes the file longer."""
        tools.io(self.image, f'write -P 9 0 {MIB}', options=('-f', 'qcow2'))
        tools.img('bitmap', '--add', self.image, 'b')
        # A file that came with its image is reopened with it.
        self.vm = self.daemon()
        self.vm.cmd('blockdev-add', {**self.options(),
                                     'file': self.file_options()})
        for number in range(3):
            self.vm.cmd('blockdev-reopen', {'options': [
                {**self.options(),
                 'discard': ('unmap', 'ignore')[number % 2]}]})
            self.write((number * CHUNK, CHUNK), pattern=number + 1)
            self.assertEqual(bitmaps.count(self.vm, 'disk', 'b'),
                             (number + 1) * CHUNK)
        self.quit()
        tools.io(self.image, *(f'read -P {i + 1} {i * CHUNK} {CHUNK}'
                               for i in range(3)), options=('-f', 'qcow2'))

    def test_crash(self):
        self.start()
        self.add('b')
        self.add('c', disabled=True)
        self.quit()
        self.start()
        self.assertEqual(sorted(self.info()), [
            ('b', CHUNK, ['in-use', 'auto']), ('c', CHUNK, ['in-use'])])
        self.write((0, CHUNK))
        self.kill()
        self.start()
        for name in 'bc':
            self.assertEqual(self.find(name), shown(name, recording=False,
                                                    inconsistent=True))
        unusable = "Bitmap 'b' is inconsistent and cannot be used"
        for verb in ('clear', 'enable', 'disable'):
            self.assert_refused(verb, {'name': 'b'}, unusable)
        self.assert_refused('merge', {'target': 'b', 'bitmaps': ['c']},
                            unusable)
        self.bitmap('add', 'd')
        self.assert_refused('merge', {'target': 'd', 'bitmaps': ['b']},
                            unusable)
        self.assert_refused('add', {'name': 'b', 'persistent': True},
                            'Bitmap already exists: b')
        self.assert_error(self.vm, 'block_resize',
                          {'node-name': 'disk', 'size': 2 * self.size_bytes},
                          unusable.replace("'b'", "'c'"))
        self.bitmap('remove', 'b')
        self.add('b')
        self.quit()
        self.assert_clean()
        self.assertEqual(sorted(self.info()), [
            ('b', CHUNK, ['auto']), ('c', CHUNK, ['in-use'])])

    def test_crash_before_stored(self):
        """A bitmap that was never stored is not there; nothing else is
        harmed."""
        self.start()
        self.add('b')
        self.write((0, MIB))
        self.kill()
        tools.img('check', '-q', self.image, check=False)
        self.start()
        self.assertEqual(self.all(), [])

    # -- what happens to the disk

    def test_resized(self):
        self.start()
        self.add('b')
        self.write((0, CHUNK), (7 * MIB, CHUNK))
        self.quit()
        self.start()
        self.vm.cmd('block_resize', {'node-name': 'disk', 'size': 10 * MIB})
        self.assertEqual(self.find('b')['count'], 2 * CHUNK)
        self.write((9 * MIB, CHUNK))
        known = self.hashes()
        self.assertEqual(known['b'], bitmaps.expected_sha256(
            10 * MIB, CHUNK, [(0, CHUNK), (7 * MIB, CHUNK),
                              (9 * MIB, CHUNK)]))
        self.quit()
        self.assert_clean()
        self.start()
        self.assertEqual(self.hashes(), known)
        self.quit()
        tools.img('resize', '-q', '--shrink', self.image, 4 * MIB)
        self.assert_clean()
        self.start()
        self.assertEqual(self.hashes()['b'], bitmaps.expected_sha256(
            4 * MIB, CHUNK, [(0, CHUNK)]))

    def test_internal_snapshot(self):
        self.start()
        self.add('b')
        self.write((0, CHUNK))
        self.quit()
        tools.img('snapshot', '-c', 's', self.image)
        done = tools.img('snapshot', '-a', 's', self.image, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("Could not apply snapshot 's': Device has active dirty "
                      'bitmaps', done.stderr)
        self.start()
        self.assertEqual(self.find('b')['count'], CHUNK)
        self.bitmap('remove', 'b')
        self.quit()
        tools.img('snapshot', '-a', 's', self.image)
        tools.img('snapshot', '-d', 's', self.image)
        self.assert_clean()

    def test_overlay(self):
        """The bitmaps of an image behind stay with it and can be read."""
        self.start()
        self.add('b')
        self.write((0, CHUNK))
        self.quit()
        top = self.path('top.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', '-b', self.image, '-F',
                  'qcow2', top)
        tools.io(top, 'write -q 1M 64k', options=('-f', 'qcow2'))
        self.assertEqual(self.info(top), [])
        self.assertEqual(self.info(), [('b', CHUNK, ['auto'])])

    def test_commit(self):
        """What is committed into an image is marked there."""
        self.start()
        self.add('b')
        self.add('off', disabled=True)
        self.quit()
        top = self.path('top.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', '-b', self.image, '-F',
                  'qcow2', top)
        tools.io(top, 'write -q 1M 64k', options=('-f', 'qcow2'))
        tools.img('commit', '-q', top)
        self.assert_clean()
        self.start()
        self.assertEqual(self.find('b')['count'], CHUNK)
        self.assertEqual(self.find('off')['count'], 0)

    def test_big_and_sparse(self):
        self.image = self.path('big.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', self.image, 1 << 40)
        self.start()
        self.add('b')
        self.write((0, CHUNK), (512 * GIB, GIB), ((1 << 40) - CHUNK, CHUNK))
        known = self.hashes()
        self.quit()
        self.assert_clean()
        self.start()
        self.assertEqual(self.hashes(), known)


class SmallClusters(Persist):

    create = ('-o', 'cluster_size=512')

    def test_many(self):
        self.start()
        for i in range(300):
            self.add(f'bitmap{i}')
        self.write((0, MIB))
        known = self.hashes()
        self.quit()
        self.assert_clean()
        self.start()
        self.assertEqual(self.hashes(), known)


class DataFile(PersistCase):

    def setUp(self):
        self.create = ()
        super().setUp()
        self.image = self.path('data.qcow2')
        self.make(self.image, '-o', 'data_file=' + self.path('data.raw'))

    def test_kept(self):
        self.start()
        self.add('b')
        self.write((0, CHUNK))
        known = self.hashes()
        self.quit()
        self.assert_clean()
        self.start()
        self.assertEqual(self.hashes(), known)


if __name__ == '__main__':
    case.main()
