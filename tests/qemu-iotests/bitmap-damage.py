#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Damaged bitmaps in an image: the disk is served, whatever is wrong with
them, and they can be got rid of. QEMU does not open such images."""

import random
import struct

from lib import case, tools
from lib.case import ours_only
from lib.images import KIB, MIB
from lib.persist_case import PersistCase

CHUNK = 64 * KIB
EXTENSION = 0x23852875
# Fields of an entry of the directory: offset and format.
TABLE, ENTRIES, FLAGS, TYPE, GRANULARITY, NAME_BYTES, EXTRA_BYTES = (
    (0, '>Q'), (8, '>I'), (12, '>I'), (16, '>B'), (17, '>B'), (18, '>H'),
    (20, '>I'))


class Image:
    """Where things are in a qcow2 file, and changing them."""

    def __init__(self, path):
        self.path = path
        with open(path, 'rb') as file:
            self.bytes = bytearray(file.read())
        at = self.get(100, '>I')
        while self.get(at, '>I') != EXTENSION:
            assert self.get(at, '>I'), 'no bitmaps'
            at += 8 + -(-self.get(at + 4, '>I') // 8) * 8
        self.extension = at + 8
        self.directory = self.get(at + 24, '>Q')
        self.directory_bytes = self.get(at + 16, '>Q')

    def get(self, at, form):
        return struct.unpack_from(form, self.bytes, at)[0]

    def put(self, at, form, value):
        struct.pack_into(form, self.bytes, at, value)

    def table(self, entry=0):
        return self.get(self.entry(entry), '>Q')

    def entry(self, number):
        at = self.directory
        for _ in range(number):
            at += -(-(24 + self.get(at + 18, '>H') +
                      self.get(at + 20, '>I')) // 8) * 8
        return at

    def write(self):
        with open(self.path, 'wb') as file:
            file.write(self.bytes)


@ours_only('does not open the image')
class Damage(PersistCase):
    """The image has the bitmaps `first`, damaged in most tests, and `second`;
    what the guest sees is all ones."""

    def setUp(self):
        super().setUp()
        self.start()
        # The last that is added is the first in the image.
        self.add('second')
        self.add('first', granularity=4 * KIB)
        self.write((0, self.size_bytes))
        self.bitmap('clear', 'second')
        self.write((MIB, CHUNK))
        self.hash = self.hashes()['second']
        self.bitmap('clear', 'first')
        self.write((MIB, CHUNK))
        self.quit()
        self.assert_clean()
        with open(self.image, 'rb') as file:
            self.whole = file.read()
        self.where = Image(self.image)

    def damage(self, *changes):
        """(place, form, value): place is an offset or a field of `first`."""
        with open(self.image, 'wb') as file:
            file.write(self.whole)
        image = Image(self.image)
        for place, form, value in changes:
            image.put(place, form, value)
        image.write()

    def assert_served(self):
        for options in ((), ('-r',)):
            tools.io(self.image, f'read -q -P 1 0 {self.size_bytes}',
                     options=('-f', 'qcow2', *options))

    def assert_inconsistent(self, reason):
        """`first` is, `second` is not; the first may be removed."""
        self.start(read_only=True)
        self.assertEqual(self.names(), ['second', 'first'])
        self.assertTrue(self.find('first')['inconsistent'])
        self.assertNotIn('inconsistent', self.find('second'))
        self.assertEqual(self.hashes()['second'], self.hash)
        self.assertIn(f"is inconsistent: {reason}", self.quit())
        self.start()
        self.assert_refused(
            'clear', {'name': 'first'},
            "Bitmap 'first' is inconsistent and cannot be used")
        self.bitmap('remove', 'first')
        self.quit()
        self.assertEqual(self.info(), [('second', CHUNK, ['auto'])])
        tools.img('check', '-q', '-r', 'leaks', self.image)
        self.assert_clean()
        self.assert_served()
        self.start(read_only=True)
        self.assertEqual(self.hashes(), {'second': self.hash})
        self.quit()

    def field(self, field, value, reason):
        at = self.where.directory
        self.damage((at + field[0], field[1], value))
        self.assert_inconsistent(reason)

    def test_entry(self):
        for field, value, reason in (
                (TABLE, 512, 'its table is not in the image'),
                (TABLE, 0, 'its table is not in the image'),
                (TABLE, 1 << 62, 'its table is not in the image'),
                (ENTRIES, 0, 'its size is not that of the disk'),
                (ENTRIES, 2, 'its size is not that of the disk'),
                (ENTRIES, 0xffffffff, 'its size is not that of the disk'),
                (FLAGS, 8, 'it has unknown flags'),
                (FLAGS, 1 << 31, 'it has unknown flags'),
                (TYPE, 0, 'it is of an unknown type'),
                (TYPE, 2, 'it is of an unknown type'),
                (GRANULARITY, 8, 'its granularity is not supported'),
                (GRANULARITY, 32, 'its granularity is not supported'),
                (GRANULARITY, 255, 'its granularity is not supported')):
            with self.subTest(field=field, value=value):
                self.field(field, value, reason)

    def test_table(self):
        table = Image(self.image).table()
        for value in (512, 2, 1 << 63 | 5 << 16, 1 << 54, 6 << 16 | 1):
            with self.subTest(value=hex(value)):
                self.damage((table, '>Q', value))
                self.assert_inconsistent(
                    'its table names a place that cannot be')

    def test_table_names_metadata(self):
        """Removing it frees nothing that is not its own."""
        table = Image(self.image).table()
        for value in (1 << 16, 2 << 16, 3 << 16):
            with self.subTest(value=hex(value)):
                self.damage((table, '>Q', value))
                tools.img('bitmap', '--remove', self.image, 'first')
                tools.img('check', '-q', '-r', 'leaks', self.image)
                self.assert_clean()
                self.assert_served()

    def test_shared(self):
        """Two that share all clusters: one of them is enough of that."""
        image = Image(self.image)
        self.damage((image.entry(1), '>Q', image.table()))
        self.assert_served()
        tools.img('check', self.image, check=False)
        tools.img('bitmap', '--remove', self.image, 'first')
        tools.img('bitmap', '--remove', self.image, 'second')
        tools.img('check', '-q', '-r', 'all', self.image)
        self.assert_clean()
        self.assert_served()

    def test_extension(self):
        at = Image(self.image).extension
        for place, form, value in (
                (at, '>I', 0), (at, '>I', 1), (at, '>I', 3),
                (at, '>I', 65536), (at, '>I', 0xffffffff),
                (at + 4, '>I', 1), (at + 8, '>Q', 0), (at + 8, '>Q', 1),
                (at + 8, '>Q', 24), (at + 8, '>Q', 1 << 26),
                (at + 8, '>Q', (1 << 64) - 1), (at + 16, '>Q', 0),
                (at + 16, '>Q', 512), (at + 16, '>Q', 1 << 62),
                (at - 4, '>I', 23)):
            with self.subTest(place=place - at, value=value):
                self.damage((place, form, value))
                self.start(read_only=True)
                self.assertIn('the directory of its bitmaps is damaged',
                              self.quit())
                self.assert_served()
                # Whoever wrote has made it whole again, for QEMU too.
                tools.foreign_img('info', self.image)
                tools.img('check', '-q', '-r', 'leaks', self.image)
                self.assert_clean()

    def test_extension_that_is_too_short(self):
        """What follows is no extension: the header itself is damaged."""
        self.damage((Image(self.image).extension - 4, '>I', 16))
        done = tools.img('info', self.image, check=False)
        self.assertEqual((done.returncode, done.stderr),
                         (1, f"qemu-img: Could not open '{self.image}': "
                          'Header extension too large\n'))

    def test_names(self):
        image = Image(self.image)
        name = image.directory + 24
        for text in (b'fir\0t', b'\xff\xfe\xfdst'):
            with self.subTest(text=text):
                self.damage((name, '5s', text))
                self.start()
                self.assertEqual(self.names(), ['second'])
                self.assertIn('its name is no name', self.quit())
                self.assert_served()
        second = image.entry(1) + 24
        self.damage((second, '5s', b'first'),
                    (image.entry(1) + 18, '>H', 5))
        self.start(read_only=True)
        self.assertEqual(self.names(), ['first'])
        self.assertIn('there are two of that name', self.quit())
        self.assert_served()

    def test_lengths(self):
        at = Image(self.image).directory
        for field, value in ((NAME_BYTES, 0), (NAME_BYTES, 6),
                             (NAME_BYTES, 0xffff), (EXTRA_BYTES, 8),
                             (EXTRA_BYTES, 0xffffffff)):
            with self.subTest(field=field, value=value):
                self.damage((at + field[0], field[1], value))
                self.start(read_only=True)
                self.assertNotEqual(self.quit(), '')
                self.assert_served()

    def test_no_autoclear_bit(self):
        """Somebody wrote who does not know of bitmaps."""
        self.damage((88, '>Q', 0))
        self.start()
        self.assertEqual(self.all(), [])
        self.assertIn('a program lacking bitmap support modified this file',
                      self.quit())
        self.assert_served()
        tools.img('check', '-q', '-r', 'leaks', self.image)
        self.assert_clean()

    def test_random(self):
        """Bytes at random in all that bitmaps consist of."""
        rand = random.Random(7)
        image = Image(self.image)
        areas = [(image.extension - 8, 32),
                 (image.directory, image.directory_bytes),
                 # (not those that name a cluster of the guest's: only a
                 # check of the whole image could tell)
                 (image.table(0) + 6, 2), (image.table(1) + 6, 2),
                 (image.table(0), 1)]
        for number in range(60):
            changes = []
            for _ in range(rand.randrange(1, 4)):
                start, length = rand.choice(areas[1:] if number % 4
                                            else areas)
                changes.append((start + rand.randrange(length), '>B',
                                rand.choice((0, 1, 0x7f, 0x80, 0xff,
                                             rand.randrange(256)))))
            with self.subTest(number=number, changes=changes):
                self.damage(*changes)
                done = tools.io(self.image,
                                f'read -q -P 1 0 {self.size_bytes}',
                                options=('-f', 'qcow2'), check=False)
                # (an extension that became another one may be anything)
                if not any(start < image.directory
                           for start, _, _ in changes):
                    self.assertEqual(done.returncode, 0, done.stderr)
                for args in (('info', self.image),
                             ('bitmap', '--remove', self.image, 'first'),
                             ('check', '-q', '-r', 'all', self.image)):
                    tools.img(*args, check=False)
                if done.returncode == 0:
                    self.assert_served()


if __name__ == '__main__':
    case.main()
