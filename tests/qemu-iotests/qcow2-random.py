#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Random operations on qcow2 images, seeded: ours and Debian's tools take
turns on the same image, and after each turn both must find it clean and read
what a model in memory says."""

import os
import random

from lib import case, program, tools
from lib.encryption import SECRETS, create_qcow2, qcow2_options
from lib.images import KIB, MIB

FOREIGN = {'qemu-img': '/usr/bin/qemu-img', 'qemu-io': '/usr/bin/qemu-io'}
KINDS = ('', 'compat=0.10', 'cluster_size=512', 'cluster_size=2M',
         'extended_l2=on', 'refcount_bits=1', 'refcount_bits=64',
         'compression_type=zstd')
LUKS = 'luks'  # an encrypted image; its options behind it
UNIT = 64 * KIB


def random_kind(rng):
    """Any combination of what an image can be made with."""
    v2 = rng.random() < 0.2
    bits = rng.randrange(9, 22)
    words = [f'cluster_size={1 << bits}']
    if v2:
        words.append('compat=0.10')
    else:
        words.append(f'refcount_bits={1 << rng.randrange(7)}')
        if bits >= 14 and rng.random() < 0.4:
            words.append('extended_l2=on')
        if rng.random() < 0.3:
            words.append('compression_type=zstd')
        if rng.random() < 0.3:
            words.append('lazy_refcounts=on')
        if rng.random() < 0.25:
            words.append('data_file=t.data')
            if rng.random() < 0.5:
                words.append('data_file_raw=on')
    if 'data_file_raw=on' not in words and rng.random() < 0.25:
        words.insert(0, LUKS)
    return ','.join(words)


class Image:
    """One image and what it should show."""

    def __init__(self, test, seed, options, size_bytes=4 * MIB):
        self.test = test
        self.random = random.Random(f'{seed}:{options}')
        self.model = bytearray(size_bytes)
        self.snapshots = {}
        self.encrypted = options.startswith(LUKS)
        self.options = options[len(LUKS) + 1:] if self.encrypted else options
        # Compressed clusters share places: small counts may not count them.
        self.compressible = not (
            self.encrypted or 'data_file' in options or any(
                f'refcount_bits={bits},' in options + ','
                for bits in (2, 4, 8)))
        self.path = test.path('t.qcow2')
        for name in 't.qcow2', 't.data':
            if os.path.exists(test.path(name)):
                os.unlink(test.path(name))

    def image(self):
        """The arguments that name it to a tool."""
        if self.encrypted:
            return [*SECRETS, '--image-opts', qcow2_options(self.path)]
        return ['-f', 'qcow2', self.path]

    def snapshot_image(self):
        """The same to `snapshot`, which takes no format."""
        return self.image()[0 if self.encrypted else 2:]

    def cluster_bytes(self):
        for word in self.options.split(','):
            if word.startswith('cluster_size='):
                size = word[len('cluster_size='):]
                return 2 * MIB if size == '2M' else int(size)
        return UNIT

    def run(self, ours, name, *args):
        path = program.find(name) if ours else FOREIGN[name]
        return tools.run([path, *args], cwd=self.test.dir)

    def tool(self, name, *args):
        return self.run(self.random.random() < 0.7, name, *args)

    def create(self, backing=None):
        args = ['-b', backing, '-F', 'qcow2'] if backing else []
        if self.encrypted:
            ours = self.random.random() < 0.7
            create_qcow2(self.path, len(self.model), *args,
                         options=self.options, img=lambda *a, **k: tools.run(
                             [program.find('qemu-img') if ours else
                              FOREIGN['qemu-img'], *a], cwd=self.test.dir,
                             **k))
            return
        if self.options:
            args += ['-o', self.options]
        self.tool('qemu-img', 'create', '-q', '-f', 'qcow2', *args, self.path,
                  len(self.model))

    def area(self, most):
        sectors = len(self.model) // 512
        at = self.random.randrange(sectors) * 512
        length = self.random.randrange(1, most) * 512
        return at, min(length, len(self.model) - at)

    def compressed(self, byte):
        size = self.cluster_bytes()
        at = self.random.randrange(len(self.model) // size) * size
        length = min(size * self.random.randrange(1, 4),
                     len(self.model) - at)
        self.model[at:at + length] = bytes([byte]) * length
        # Only what has no place is written compressed.
        return f'discard {at} {length}', f'write -c -P {byte} {at} {length}'

    def discard(self, at):
        unit = max(UNIT, self.cluster_bytes())
        at = at // unit * unit
        length = min(unit * self.random.randrange(1, 8), len(self.model) - at)
        self.model[at:at + length] = bytes(length)
        return f'discard {at} {length}',

    def commands(self, ours):
        at, length = self.area(1500 if self.random.random() < 0.1 else 60)
        byte = self.random.randrange(1, 256)
        kind = self.random.random()
        if kind < 0.5:
            self.model[at:at + length] = bytes([byte]) * length
            return f'write -P {byte} {at} {length}',
        if kind < 0.7:
            self.model[at:at + length] = bytes(length)
            return f'write -z {self.random.choice(("", "-u "))}{at} {length}',
        if kind < 0.75:
            return 'flush',
        # After a discard QEMU may put compressed data and plain data into
        # one cluster.
        if kind < 0.85 and self.compressible and ours and \
                program.find('qemu-io') != FOREIGN['qemu-io']:
            return self.compressed(byte)
        return self.discard(at)

    def change(self, commands):
        ours = self.random.random() < 0.7
        args = []
        for _ in range(commands):
            for command in self.commands(ours):
                args += ['-c', command]
        self.run(ours, 'qemu-io', '-d', 'unmap', *args, *self.image())

    def check(self):
        model = self.test.path('model')
        with open(model, 'wb') as f:
            f.write(self.model)
        for ours in True, False:
            self.run(ours, 'qemu-img', 'check', '-q', *self.image())
            if self.encrypted:
                self.run(ours, 'qemu-img', 'compare', '-q', *self.image(),
                         f'driver=raw,file.filename={model}')
            else:
                self.run(ours, 'qemu-img', 'compare', '-q', '-f', 'qcow2',
                         '-F', 'raw', self.path, model)

    def snapshot(self, name):
        kind = self.random.random()
        known = sorted(self.snapshots)
        if kind < 0.4 or not known:
            self.tool('qemu-img', 'snapshot', '-c', name, *self.snapshot_image())
            self.snapshots[name] = bytes(self.model)
        elif kind < 0.7:
            name = self.random.choice(known)
            self.tool('qemu-img', 'snapshot', '-a', name, *self.snapshot_image())
            self.model[:] = self.snapshots[name]
        else:
            name = self.random.choice(known)
            self.tool('qemu-img', 'snapshot', '-d', name, *self.snapshot_image())
            del self.snapshots[name]

    def check_snapshots(self):
        out = self.test.path('out')
        for name, content in self.snapshots.items():
            for ours in True, False:
                self.run(ours, 'qemu-img', 'convert', '-l', name, '-O', 'raw',
                         *self.image(), out)
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

    def test_any_kind(self):
        """IOTEST_QCOW2_SEED and IOTEST_QCOW2_RUNS try others."""
        first = int(os.environ.get('IOTEST_QCOW2_SEED', 1))
        for seed in range(first, first +
                          int(os.environ.get('IOTEST_QCOW2_RUNS', 12))):
            rng = random.Random(seed)
            options = random_kind(rng)
            with self.subTest(seed=seed, options=options):
                image = Image(self, seed, options)
                image.create()
                can_snapshot = 'data_file' not in options and \
                    'refcount_bits=1,' not in options + ','
                for turn in range(4):
                    image.change(20)
                    if can_snapshot and rng.random() < 0.5:
                        image.snapshot(f's{turn}')
                    image.check()
                image.check_snapshots()

    def test_overlay(self):
        for options in ('', 'extended_l2=on', 'cluster_size=512',
                        LUKS, 'luks,extended_l2=on'):
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
                        'refcount_bits=8', LUKS):
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
