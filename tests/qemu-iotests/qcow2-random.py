#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Random operations on qcow2 images, seeded: ours and Debian's tools take
turns on the same image, and after each turn both must find it clean and read
what a model in memory says."""

import random

from lib import case, program, tools
from lib.images import KIB, MIB

FOREIGN = {'qemu-img': '/usr/bin/qemu-img', 'qemu-io': '/usr/bin/qemu-io'}
KINDS = ('', 'compat=0.10', 'cluster_size=512', 'cluster_size=2M',
         'extended_l2=on', 'refcount_bits=1', 'refcount_bits=64',
         'compression_type=zstd')
UNIT = 64 * KIB


class Image:
    """One image and what it should show."""

    def __init__(self, test, seed, options, size_bytes=4 * MIB):
        self.test = test
        self.random = random.Random(f'{seed}:{options}')
        self.model = bytearray(size_bytes)
        self.snapshots = {}
        self.options = options
        self.path = test.path('t.qcow2')

    def tool(self, name, *args):
        ours = self.random.random() < 0.7
        path = program.find(name) if ours else FOREIGN[name]
        return tools.run([path, *args], cwd=self.test.dir)

    def create(self, backing=None):
        args = ['-o', self.options] if self.options else []
        if backing:
            args += ['-b', backing, '-F', 'qcow2']
        self.tool('qemu-img', 'create', '-q', '-f', 'qcow2', *args, self.path,
                  len(self.model))

    def area(self, most):
        sectors = len(self.model) // 512
        at = self.random.randrange(sectors) * 512
        length = self.random.randrange(1, most) * 512
        return at, min(length, len(self.model) - at)

    def command(self):
        at, length = self.area(1500 if self.random.random() < 0.1 else 60)
        byte = self.random.randrange(1, 256)
        kind = self.random.random()
        if kind < 0.5:
            self.model[at:at + length] = bytes([byte]) * length
            return f'write -P {byte} {at} {length}'
        if kind < 0.7:
            self.model[at:at + length] = bytes(length)
            return f'write -z {self.random.choice(("", "-u "))}{at} {length}'
        if kind < 0.8:
            return 'flush'
        at = at // UNIT * UNIT
        length = min(UNIT * self.random.randrange(1, 8),
                     len(self.model) - at)
        if self.options == 'cluster_size=2M':
            return 'flush'  # a discard of less does nothing
        self.model[at:at + length] = bytes(length)
        return f'discard {at} {length}'

    def change(self, commands):
        args = []
        for _ in range(commands):
            args += ['-c', self.command()]
        self.tool('qemu-io', '-f', 'qcow2', '-d', 'unmap', *args, self.path)

    def check(self):
        model = self.test.path('model')
        with open(model, 'wb') as f:
            f.write(self.model)
        for find in program.find, FOREIGN.get:
            img = find('qemu-img')
            tools.run([img, 'check', '-q', self.path])
            tools.run([img, 'compare', '-q', '-f', 'qcow2', '-F', 'raw',
                       self.path, model])

    def snapshot(self, name):
        kind = self.random.random()
        known = sorted(self.snapshots)
        if kind < 0.4 or not known:
            self.tool('qemu-img', 'snapshot', '-c', name, self.path)
            self.snapshots[name] = bytes(self.model)
        elif kind < 0.7:
            name = self.random.choice(known)
            self.tool('qemu-img', 'snapshot', '-a', name, self.path)
            self.model[:] = self.snapshots[name]
        else:
            name = self.random.choice(known)
            self.tool('qemu-img', 'snapshot', '-d', name, self.path)
            del self.snapshots[name]

    def check_snapshots(self):
        out = self.test.path('out')
        for name, content in self.snapshots.items():
            tools.run([FOREIGN['qemu-img'], 'convert', '-l', name, '-O', 'raw',
                       self.path, out])
            with open(out, 'rb') as f:
                self.test.assertEqual(f.read(), content, name)


class Random(case.Case):

    def test_turns(self):
        for options in KINDS:
            with self.subTest(options=options):
                image = Image(self, 1, options)
                image.create()
                for _ in range(3):
                    image.change(25)
                    image.check()

    def test_overlay(self):
        for options in ('', 'extended_l2=on', 'cluster_size=512'):
            with self.subTest(options=options):
                base = Image(self, 2, '')
                base.path = self.path('base.qcow2')
                base.create()
                base.change(25)
                image = Image(self, 3, options)
                image.create(backing=base.path)
                image.model[:] = base.model
                for _ in range(3):
                    image.change(20)
                    image.check()

    def test_snapshots(self):
        for options in ('', 'compat=0.10', 'extended_l2=on',
                        'refcount_bits=8'):
            with self.subTest(options=options):
                image = Image(self, 4, options)
                image.create()
                for turn in range(8):
                    image.change(5)
                    image.snapshot(f's{turn}')
                    image.check()
                image.check_snapshots()

    def test_resize(self):
        image = Image(self, 5, '')
        image.create()
        for size_bytes in 9 * MIB, 3 * MIB + 512, 5 * MIB, 700 * MIB, MIB:
            image.tool('qemu-img', 'resize', '-q', '-f', 'qcow2', '--shrink',
                       image.path, size_bytes)
            del image.model[size_bytes:]
            image.model += bytes(size_bytes - len(image.model))
            image.check()
            image.change(10)
            image.check()


if __name__ == '__main__':
    case.main()
