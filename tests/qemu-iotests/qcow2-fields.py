#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Images in which any one field is wrong: every tool ends by itself, with an
answer or an error, in bounded memory; and what could be read before a repair
can be read after it.

IOTEST_FIELDS: how many damaged images of each kind (15); 0: each field, with
every value. IOTEST_SEED chooses others.
"""

import os
import random
import resource
import shutil
import struct
import subprocess

from lib import case, images, process, program, tools
from lib.case import ours_only
from lib.images import KIB, MIB
from lib.qcow2_fields import Fields

COUNT = int(os.environ.get('IOTEST_FIELDS', '15'))
SEED = os.environ.get('IOTEST_SEED', '1')
# Of one run; a sanitizer has its share.
MEMORY_MIB = int(os.environ.get('IOTEST_MEMORY_MIB', '400'))
COMMANDS = (
    ('info',), ('info', '--output=json'), ('check',),
    ('check', '--output=json'), ('map', '--output=json'), ('snapshot', '-l'))


@ours_only('it dies of some, and destroys others')
class Fields3(case.Case):
    """Version 3, with all that an image can have."""

    options, cluster = 'compat=1.1', 4
    bitmaps = True

    def setUp(self):
        super().setUp()
        self.random = random.Random(f'{self.id()}{SEED}')
        self.image = self.path('whole')
        self.make()
        self.data = images.read(self.image)
        self.fields = Fields(self.data)
        

    def make(self):
        base = images.make(self.path('base'), MIB)
        tools.foreign_img('create', '-q', '-f', 'qcow2', '-o',
                          f'{self.options},cluster_size={self.cluster}k', '-F',
                          'raw', '-b', base, self.image, MIB)
        steps = ['write -P 1 0 20k', 'write -z 24k 4k',
                 f'write -c -P 2 32k {self.cluster}k',
                 f'write -c -P 3 48k {self.cluster}k',
                 'write -P 4 800k 8k']
        self.foreign_io(steps)
        tools.foreign_img('snapshot', '-c', 's1', self.image)
        self.foreign_io(['write -P 5 4k 4k', 'discard 8k 4k'])
        tools.foreign_img('snapshot', '-c', 's2', self.image)
        for name in ('b0', 'b1') if self.bitmaps else ():
            tools.foreign_img('bitmap', '--add', self.image, name)
        self.foreign_io(['write -P 6 64k 12k'])

    def foreign_io(self, steps):
        argv = ['/usr/bin/qemu-io', '-f', 'qcow2', '-d', 'unmap']
        for step in steps:
            argv += ['-c', step]
        tools.run([*argv, self.image])

    # -- one run of a tool

    def img(self, *args):
        """Its exit code; a crash, a hang or much memory is a failure."""
        argv = [program.find('qemu-img'), *args]
        with open(self.path('err'), 'w+b') as err:
            child = subprocess.Popen(argv, cwd=self.dir, stderr=err,
                                     stdout=subprocess.DEVNULL,
                                     preexec_fn=self.limit)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            err.seek(0)
            text = err.read().decode(errors='replace')
        process.check_exit(' '.join(args), child.returncode, text)
        self.assertLess(usage.ru_maxrss, MEMORY_MIB * KIB, f'{args}: KiB')
        self.assertTrue(child.returncode == 0 or text or 'check' in args,
                        f'{args}: {child.returncode} without a word')
        return child.returncode

    @staticmethod
    def limit():
        seconds = int(program.TIMEOUT_S)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_FSIZE, (64 * MIB, 64 * MIB))

    # -- what is readable

    def readable(self):
        """Each sector that can be read; None if the disk cannot be, or is
        too long to look at."""
        out = self.path('out')
        if os.path.exists(out):
            os.unlink(out)
        code = self.img('convert', '--salvage', '-f', 'qcow2', '-O', 'raw',
                        'bad', 'out')
        if code or os.path.getsize(out) > 16 * MIB:
            return None
        return images.read(out)

    def assert_kept(self, before, what):
        after = self.readable()
        if before is None:
            return
        self.assertIsNotNone(after, f'{what}: it cannot be read any more')
        self.assertEqual(len(after), len(before), what)
        for at in range(0, len(before), 512):
            sector = before[at:at + 512]
            if any(sector) and not self.is_table(sector):
                self.assertEqual(sector, after[at:at + 512],
                                 f'{what}: it read otherwise at {at}')

    def is_table(self, sector):
        """What the guest never wrote: the image's own tables, shown as data
        by a wrong entry, are mended like tables."""
        return len(set(sector)) > 1

    # -- one damaged image

    def damage(self, *changes):
        data = bytearray(self.data)
        for _name, at, kind, value in changes:
            struct.pack_into('>' + kind, data, at, value)
        with open(self.path('bad'), 'wb') as file:
            file.write(data)

    def try_image(self, *changes):
        self.damage(*changes)
        for command in COMMANDS:
            self.img(*command, 'bad')
        before = self.readable()
        for fix in 'leaks', 'all':
            shutil.copyfile(self.path('bad'), self.path('kept'))
            code = self.img('check', '-q', '-r', fix, 'bad')
            self.assert_kept(before, f'-r {fix}, which ended with {code}')
            if code == 0:
                self.assertEqual(self.img('check', '-q', 'bad'), 0,
                                 f'after -r {fix}')

    def choices(self):
        every = [(name, at, kind, value) for name, at, kind in self.fields.all
                 for value in self.fields.values(at, kind, self.random)]
        if COUNT and COUNT < len(every):
            return self.random.sample(every, COUNT)
        return every

    def test_one_field(self):
        for change in self.choices():
            with self.subTest('{0} at {1:#x} = {3:#x}'.format(*change)):
                self.try_image(change)

    def test_two_fields(self):
        choices = self.choices()
        for first, second in zip(choices[::2], choices[1::2]):
            with self.subTest(f'{first} {second}'):
                self.try_image(first, second)


class Fields2(Fields3):
    options = 'compat=0.10'
    bitmaps = False


class FieldsSubclusters(Fields3):
    options, cluster = 'compat=1.1,extended_l2=on', 16


if __name__ == '__main__':
    case.main()
