#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Damaged qcow2 images, field by field: what check says and mends, what reads
and writes run into, beside QEMU. And in any case: what could be read before a
repair can be read after it."""

import re
import shutil

from lib import case, program, tools
from lib.case import ours_only
from lib.images import MIB
from lib.img_diff import ORACLE, DiffCase
from lib.qcow2_patch import COMPRESSED, COPIED, PLACE, Patch

QEMU_IO = '/usr/bin/qemu-io'
FIXES = ('', 'leaks', 'all')
FAR = 1 << 40

# The image has three clusters of data at 0x50000; L2 at 0x40000.
# name: what is done to the file
DAMAGE = {
    'two entries, one cluster': lambda p: p.put(p.l2 + 8, p.get(p.l2)),
    'count too high': lambda p: p.count(5, 7),
    'count zero': lambda p: p.count(5, 0),
    'header not counted': lambda p: p.count(0, 0),
    'block not counted': lambda p: p.count(2, 0),
    'no block': lambda p: p.put(p.refcounts, 0),
    'block far away': lambda p: p.put(p.refcounts, FAR),
    'block unaligned': lambda p: p.add(p.refcounts, 512),
    'block with reserved bits': lambda p: p.add(p.refcounts, 1),
    'one block twice': lambda p: p.put(p.refcounts + 8, p.block),
    'data unaligned': lambda p: p.add(p.l2, 512),
    'data far away': lambda p: p.put(p.l2, COPIED | FAR),
    'data without a place': lambda p: p.put(p.l2, COPIED),
    'data in its own table': lambda p: p.put(p.l2, COPIED | p.l2),
    'data not copied': lambda p: p.clear_bits(p.l2, COPIED),
    'data with reserved bits': lambda p: p.set_bits(p.l2, 1 << 58),
    'zeroes with a place': lambda p: p.set_bits(p.l2, 1),
    'zeroes unaligned': lambda p: p.set_bits(p.l2, 1 | 512),
    'compressed and copied': lambda p: p.set_bits(p.l2, COMPRESSED),
    'compressed': lambda p: p.put(
        p.l2, p.get(p.l2) & ~COPIED | COMPRESSED | 3 << 54),
    'L2 unaligned': lambda p: p.add(p.l1, 512),
    'L2 far away': lambda p: p.put(p.l1, COPIED | FAR),
    'L2 with reserved bits': lambda p: p.set_bits(p.l1, 1 << 58),
    'L2 is a refcount block': lambda p: p.put(p.l1, COPIED | p.block),
    'L2 is the header': lambda p: p.put(p.l1, COPIED),
    'L1 is the header': lambda p: p.put(40, 0),
    'dirty': lambda p: p.put(72, 1),
    'corrupt': lambda p: p.put(72, 2),
    'cut at a cluster': lambda p: p.cut(6 << 16),
    'cut in a cluster': lambda p: p.cut((6 << 16) + 100),
}
# Where we do better than QEMU 7.2, or other things: not compared.
OTHER_CHECK = {
    # it gives up, we mend it
    'block unaligned': FIXES, 'block with reserved bits': ('all',),
    # it makes the file as long as that, we do not
    'block far away': ('all',),
    # it moves what was in the way, we put all at the end
    'L2 is a refcount block': ('all',),
    # it gives up where it must not mend, we go on
    'L2 is the header': ('all',),
}
OTHER_IO = {
    # it dies of an assertion
    'L2 is the header', 'data in its own table',
    # it marks the image where we find no reason to
    'no block', 'block unaligned', 'L2 is a refcount block',
    # more is told of what could not be freed; the file is made longer
    'block far away', 'data unaligned', 'zeroes unaligned', 'data far away',
}
OTHER_DISCARDS = {
    ('discard 0 64k', 'count zero'),  # it says that it could not be freed
}
COMMANDS = ('read 0 64k', 'write 0 64k', 'write 512k 64k', 'write -z 0 64k',
            'discard 0 64k')

# The image has the snapshots s1 and s2; p.snapshots is the entry of s1.
SNAPSHOTS = {
    'no extra data': lambda p: p.put(p.snapshots + 36, 0, 'I'),
    'too much extra data': lambda p: p.put(p.snapshots + 36, 1025, 'I'),
    'more extra data': lambda p: p.put(p.snapshots + 36, 1000, 'I'),
    'too many': lambda p: p.put(60, 65537, 'I'),
    'one too many': lambda p: p.put(60, 3, 'I'),
    'a very long name': lambda p: p.put(p.snapshots + 14, 65535, 'H'),
    'L1 unaligned': lambda p: p.add(p.snapshots, 512),
    'L1 far away': lambda p: p.put(p.snapshots, 1 << 50),
    'L1 too large': lambda p: p.put(p.snapshots + 8, 1 << 30, 'I'),
    'L1 empty': lambda p: p.put(p.snapshots + 8, 0, 'I'),
    'a huge disk': lambda p: p.put(p.snapshots + 48, 1 << 62),
    'table unaligned': lambda p: p.add(64, 512),
}
OTHER_SNAPSHOTS = {
    ('check -r all', 'too many'),            # it fails to write them
    ('check -r all', 'a very long name'),    # it counts the table's end
    ('snapshot -d s1', 'a very long name'),  # it frees what it cannot
    ('snapshot -d s1', 'L1 far away'),
    ('snapshot -c s3', 'L1 too large'),      # it takes it for a table
    ('snapshot -a s1', 'a huge disk'),       # two messages for one
}


class Damage(DiffCase):

    def setUp(self):
        super().setUp()
        self.whole = self.path('whole.qcow2')
        self.make()

    def make(self):
        tools.run([ORACLE, 'create', '-q', '-f', 'qcow2', self.whole, MIB])
        tools.run([QEMU_IO, '-f', 'qcow2', '-c', 'write 0 192k', self.whole])

    def damaged(self, change):
        """Both sides get the image with that change."""
        for _path, folder in self.sides:
            name = f'{folder}/t.qcow2'
            shutil.copyfile(self.whole, name)
            patch = Patch(name)
            change(patch)
            patch.write()

    @staticmethod
    def normal(text):
        text = re.sub(r'Image end offset: \d+', 'Image end offset: N', text)
        text = re.sub(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d', 'DATE', text)
        return re.sub(r'disk size: .*', 'disk size: N', text)

    def test_check(self):
        for name, change in DAMAGE.items():
            for fix in FIXES:
                if fix in OTHER_CHECK.get(name, ()):
                    continue
                with self.subTest(name, fix=fix):
                    self.damaged(change)
                    self.both('check', *(['-r', fix] if fix else []),
                              't.qcow2', files=False, normal=self.normal)

    def io(self, folder, binary, command):
        done = tools.run(
            [binary, '-f', 'qcow2', '-d', 'unmap', '-c', command,
             '-c', 'read 0 64k', 't.qcow2'], cwd=folder, check=False)
        with open(f'{folder}/t.qcow2', 'rb') as file:
            corrupt = file.read(80)[79] & 2
        out = re.sub(r', \d+ ops; .*', '', done.stdout)
        return done.returncode, out, done.stderr, corrupt

    def test_io(self):
        """What requests meet: errors, marks and what is said of them."""
        for name, change in DAMAGE.items():
            for command in COMMANDS:
                if name in OTHER_IO and 'read' not in command or (
                        command, name) in OTHER_DISCARDS:
                    continue
                with self.subTest(name, command=command):
                    self.damaged(change)
                    (_, mine), (_, other) = self.sides
                    self.assertEqual(
                        self.io(mine, program.find('qemu-io'), command),
                        self.io(other, QEMU_IO, command))

    def readable(self):
        """What each cluster of the disk shows."""
        args = ['-r', '-f', 'qcow2']
        for cluster in range(16):
            args += ['-c', f'read -v {cluster * 64}k 512']
        done = tools.run([program.find('qemu-io'), *args,
                          f'{self.sides[0][1]}/t.qcow2'], check=False)
        return re.findall(r'read failed: .*|'
                          r'(?:[0-9a-f]{8}:  .*\n)+read 512/512.*',
                          done.stdout)

    def assert_kept(self, before):
        """What could be read shows the same; what could not may now."""
        now = self.readable()
        self.assertEqual(len(before), 16)
        self.assertEqual([cluster if was.startswith('read failed') else was
                          for cluster, was in zip(now, before)], now)

    @ours_only('some it destroys')
    def test_repair_keeps_what_is_readable(self):
        for name, change in DAMAGE.items():
            if name == 'data in its own table':
                continue  # flags of the table are mended
            for fix in 'leaks', 'all':
                with self.subTest(name, fix=fix):
                    self.damaged(change)
                    before = self.readable()
                    tools.run([program.find('qemu-img'), 'check', '-q', '-r',
                               fix, 't.qcow2'], cwd=self.sides[0][1],
                              check=False)
                    self.assert_kept(before)

    @ours_only('some it destroys')
    def test_writes_keep_the_image(self):
        """Whatever is damaged, an image that was written opens."""
        for name, change in DAMAGE.items():
            with self.subTest(name):
                self.damaged(change)
                folder = self.sides[0][1]
                tools.run([program.find('qemu-io'), '-f', 'qcow2', '-d',
                           'unmap', '-c', 'write 0 1M', '-c', 'discard 0 512k',
                           '-c', 'flush', 't.qcow2'], cwd=folder, check=False)
                tools.run([program.find('qemu-img'), 'info', 't.qcow2'],
                          cwd=folder)


class Subclusters(DiffCase):
    """Entries of two words: the second one says what each subcluster is."""

    ENTRY = 7  # of the second table

    def setUp(self):
        super().setUp()
        self.whole = self.path('whole.qcow2')
        tools.run([ORACLE, 'create', '-q', '-f', 'qcow2', '-o',
                   'extended_l2=on,cluster_size=16k', self.whole, 32 * MIB])
        tools.run([QEMU_IO, '-f', 'qcow2', '-c', 'write 16496k 4k',
                   self.whole])

    def check(self, entry, bitmap):
        def change(folder):
            shutil.copyfile(self.whole, f'{folder}/t.qcow2')
            patch = Patch(f'{folder}/t.qcow2')
            at = (patch.get(patch.l1 + 8) & PLACE) + 16 * self.ENTRY
            patch.put(at, patch.get(at) if entry is None else entry)
            patch.put(at + 8, bitmap)
            patch.write()

        self.fill(change)
        self.both('check', 't.qcow2', files=False)

    def test_placed(self):
        for bitmap in (0, 0xff, 0xff << 32, 1 << 32 | 1, 1 << 63 | 1 << 31,
                       1 << 33 | 1):
            with self.subTest(hex(bitmap)):
                self.check(None, bitmap)

    def test_without_a_place(self):
        """(the cluster leaks then)"""
        for bitmap in 0, 1, 3 << 16 | 1 << 40, 1 << 40, 1 << 32 | 1:
            with self.subTest(hex(bitmap)):
                self.check(0, bitmap)

    def test_zero_flag(self):
        """It means nothing where subclusters have their own."""
        for bitmap in 0, 1 << 40:
            self.check(1, bitmap)

    @ours_only('frees what the cluster refers to')
    def test_compressed(self):
        shutil.copyfile(self.whole, self.path('t.qcow2'))
        patch = Patch(self.path('t.qcow2'))
        at = (patch.get(patch.l1 + 8) & PLACE) + 16 * self.ENTRY
        place = patch.get(at) & PLACE
        patch.put(at, COMPRESSED | place)
        patch.put(at + 8, 3)
        patch.write()
        done = tools.img('check', '-r', 'leaks', self.path('t.qcow2'),
                         check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f'ERROR compressed cluster {self.ENTRY} with non-zero '
                      'subcluster allocation bitmap, '
                      f'entry={COMPRESSED | place:#x}', done.stderr)
        self.assertNotIn('Leaked', done.stderr)


class Snapshots(Damage):

    def make(self):
        super().make()
        for name in 's1', 's2':
            tools.run([ORACLE, 'snapshot', '-c', name, self.whole])

    def test_snapshots(self):
        for name, change in SNAPSHOTS.items():
            for command in ('check', 'check -r leaks', 'check -r all',
                            'snapshot -l', 'snapshot -a s1', 'snapshot -d s1',
                            'snapshot -c s3', 'info'):
                if (command, name) in OTHER_SNAPSHOTS:
                    continue
                with self.subTest(name, command=command):
                    self.damaged(change)
                    self.both(*command.split(), 't.qcow2', files=False,
                              normal=self.normal)

    test_check = test_io = test_writes_keep_the_image = None


if __name__ == '__main__':
    case.main()
