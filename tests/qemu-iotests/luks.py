#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Images encrypted as LUKS, made by one program and read by the other."""

import json
import os
import struct

from lib import case, exports, images, tools
from lib.case import ours_only
from lib.images import KIB, MIB

SECRETS = [arg for name, word in (('s0', '123456'), ('s1', 'abc'),
                                  ('s2', 'xyz'), ('bad', 'wrong'))
           for arg in ('--object', f'secret,id={name},data={word}')]
KINDS = (
    '', 'cipher-alg=aes-128', 'cipher-alg=aes-192,hash-alg=sha512',
    'cipher-alg=aes-128,cipher-mode=cbc,ivgen-alg=essiv,hash-alg=sha1',
    'cipher-alg=aes-256,cipher-mode=cbc,ivgen-alg=plain',
    'cipher-alg=serpent-256,hash-alg=ripemd160',
    'cipher-alg=twofish-256,cipher-mode=ctr,ivgen-alg=plain64',
    'cipher-alg=cast5-128,cipher-mode=cbc,ivgen-alg=plain64')


def foreign_img(*args):
    """Debian's qemu-img, whatever is tested."""
    return tools.run(['/usr/bin/qemu-img', *args])


class LuksCase(case.Case):

    def create(self, name='a', options='', size='1M', img=tools.img):
        path = self.path(name)
        words = 'key-secret=s0,iter-time=10' + (options and ',' + options)
        # QEMU fails now and then where the time that a program takes is not
        # told exactly.
        for left in reversed(range(100)):
            try:
                img('create', '-q', '-f', 'luks', *SECRETS, '-o', words,
                    path, size)
                break
            except AssertionError as error:
                if 'accurate CPU usage' not in str(error) or not left:
                    raise
        return path

    def option(self, name='a', secret='s0'):
        return (f'driver=luks,key-secret={secret},'
                f'file.filename={self.path(name)}')

    def info(self, name='a'):
        return json.loads(tools.img('info', '--output=json',
                                    self.path(name)).stdout)

    def read(self, name='a', secret='s0', img=tools.img):
        img('convert', *SECRETS, '--image-opts', '-O', 'raw',
            self.option(name, secret), self.path('out'))
        return images.read(self.path('out'))

    def write(self, data, name='a', img=tools.img):
        with open(self.path('in'), 'wb') as f:
            f.write(data)
        img('convert', '-n', *SECRETS, '--image-opts', '--target-image-opts',
            f'driver=raw,file.filename={self.path("in")}', self.option(name))

    def fails(self, *args):
        done = tools.img(*args, check=False)
        self.assertEqual(done.returncode, 1)
        return done.stderr


class Interoperation(LuksCase):

    def test_ours_to_theirs(self):
        data = os.urandom(MIB)
        for kind in KINDS:
            self.create(options=kind)
            self.write(data)
            self.assertEqual(self.read(img=foreign_img), data, kind)
            os.unlink(self.path('a'))

    def test_theirs_to_ours(self):
        data = os.urandom(MIB)
        for kind in KINDS:
            self.create(options=kind, img=foreign_img)
            self.write(data, img=foreign_img)
            self.assertEqual(self.read(), data, kind)
            os.unlink(self.path('a'))


class Image(LuksCase):

    def test_info(self):
        self.create(options=KINDS[3])
        info = self.info()
        self.assertTrue(info['encrypted'])
        self.assertEqual(info['virtual-size'], MIB)
        self.assertEqual(info['format'], 'luks')
        self.assertEqual(info['format-specific']['type'], 'luks')
        data = info['format-specific']['data']
        slots = data.pop('slots')
        self.assertGreaterEqual(slots[0].pop('iters'), 1000)
        self.assertEqual(slots, [{'active': True, 'stripes': 4000,
                                  'key-offset': 4096}] + [
            {'active': False, 'key-offset': 4096 + i * 65536}
            for i in range(1, 8)])
        self.assertGreaterEqual(data.pop('master-key-iters'), 1000)
        self.assertRegex(data.pop('uuid'), '^[0-9a-f]{8}(-[0-9a-f]{4}){3}'
                         '-[0-9a-f]{12}$')
        self.assertEqual(data, {
            'cipher-alg': 'aes-128', 'cipher-mode': 'cbc',
            'ivgen-alg': 'essiv', 'ivgen-hash-alg': 'sha256',
            'hash-alg': 'sha1', 'payload-offset': 528384})

    def test_human_info(self):
        self.create()
        out = tools.img('info', self.path('a')).stdout
        self.assertIn('encrypted: yes\n', out)
        self.assertIn('    payload offset: 2068480\n', out)

    def test_create_refused(self):
        for options, desc in (
                ('iter-time=10', "Parameter 'key-secret' is required for "
                                 'cipher'),
                ('key-secret=no', "No secret with id 'no'"),
                ('key-secret=s0,cipher-alg=x',
                 "Parameter 'cipher-alg' does not accept value 'x'"),
                ('key-secret=s0,cipher-alg=cast5-128',
                 'Unsupported cipher mode xts')):
            self.assertEqual(
                self.fails('create', '-q', '-f', 'luks', *SECRETS, '-o',
                           options, self.path('x'), '1M'),
                f'qemu-img: {self.path("x")}: {desc}\n')

    def test_open_refused(self):
        self.create()
        name = f"qemu-img: Could not open '{self.option(secret='bad')}': "
        self.assertEqual(
            self.fails('map', *SECRETS, '--image-opts',
                       self.option(secret='bad')),
            name + 'Invalid password, cannot unlock any keyslot\n')
        self.assertEqual(
            self.fails('check', '-f', 'luks', self.path('a')),
            f"qemu-img: Could not open '{self.path('a')}': Parameter "
            "'key-secret' is required for cipher\n")
        images.make(self.path('b'), MIB)
        self.assertIn('Volume is not in LUKS format', self.fails(
            'map', *SECRETS, '--image-opts', self.option('b')))

    def test_map(self):
        self.create()
        out = tools.img('map', '--output=json', *SECRETS, '--image-opts',
                        self.option()).stdout
        self.assertEqual(json.loads(out), [
            {'start': 0, 'length': MIB, 'depth': 0, 'present': True,
             'zero': False, 'data': True}])

    def test_resize(self):
        self.create()
        self.write(b'x' * MIB)
        tools.img('resize', *SECRETS, '--image-opts', self.option(), '2M')
        self.assertEqual(self.info()['virtual-size'], 2 * MIB)
        self.assertEqual(self.read()[:MIB], b'x' * MIB)

    @ours_only('may not know how long digests take')
    def test_measure(self):
        out = tools.img('measure', '-O', 'luks', *SECRETS, '-o',
                        'key-secret=s0', '--size', '1M').stdout
        self.assertEqual(out, 'required size: 3117056\n'
                         'fully allocated size: 3117056\n')
        self.assertIn('is required for cipher',
                      self.fails('measure', '-O', 'luks', '--size', '1M'))


class Slots(LuksCase):

    def setUp(self):
        super().setUp()
        self.create()

    def amend(self, options):
        for left in reversed(range(100)):
            done = tools.img('amend', *SECRETS, '--image-opts', self.option(),
                             '-o', options, check=False)
            if 'accurate CPU usage' not in done.stderr or not left:
                return done.stderr
        raise AssertionError('not reached')

    def active(self):
        slots = self.info()['format-specific']['data']['slots']
        return [i for i, slot in enumerate(slots) if slot['active']]

    def test_come_and_go(self):
        data = os.urandom(MIB)
        self.write(data)
        self.assertEqual(
            self.amend('state=active,new-secret=s1,iter-time=10'), '')
        self.assertEqual(
            self.amend('state=active,new-secret=s2,keyslot=5,iter-time=10'),
            '')
        self.assertEqual(self.active(), [0, 1, 5])
        for secret in 's0', 's1', 's2':
            self.assertEqual(self.read(secret=secret), data)
        self.assertEqual(self.amend('state=inactive,old-secret=s1'), '')
        self.assertEqual(self.amend('state=inactive,keyslot=0'), '')
        self.assertEqual(self.active(), [5])
        self.assertEqual(self.read(secret='s2'), data)
        self.assertEqual(self.read(secret='s2', img=foreign_img), data)
        self.assertIn('Invalid password', self.fails(
            'map', *SECRETS, '--image-opts', self.option()))

    def test_refused(self):
        irreversibly = ('will erase all the data in the image irreversibly - '
                        'refusing operation')
        for options, desc in (
                ('state=inactive,keyslot=5',
                 'Given keyslot 5 is already erased (inactive) '),
                ('state=inactive,keyslot=9', 'Invalid keyslot 9 specified, '
                 'must be between 0 and 7'),
                ('state=inactive,old-secret=s2', 'No keyslots match given '
                 '(old) password for erase operation'),
                ('state=active,keyslot=0,new-secret=s2', 'Refusing to '
                 'overwrite active keyslot 0 - please erase it first'),
                ('state=active', "'new-secret' is required to activate a "
                 'keyslot'),
                ('state=x', "Parameter 'state' does not accept value 'x'"),
                ('keyslot=1', "Parameter 'state' is missing"),
                ('state=active,old-secret=s1,new-secret=s2', "'old-secret' "
                 'must not be given when activating keyslots'),
                ('state=inactive', 'To erase keyslot(s), either explicit '
                 'keyslot index or the password currently contained in them '
                 'must be given'),
                ('state=inactive,new-secret=s1', "'new-secret' must not be "
                 'given when erasing keyslots'),
                ('state=inactive,keyslot=0',
                 f'Attempt to erase the only active keyslot 0 which '
                 f'{irreversibly}'),
                ('state=inactive,old-secret=s0', 'All the active keyslots '
                 f'match the (old) password that was given and erasing them '
                 f'{irreversibly}')):
            self.assertEqual(self.amend(options), f'qemu-img: {desc}\n')
        self.assertEqual(self.active(), [0])


class Header(LuksCase):
    """What cannot be right is refused."""

    def refused(self, offset, data, desc):
        good = self.create()
        with open(good, 'r+b') as f:
            f.seek(offset)
            f.write(data)
        self.assertEqual(
            self.fails('map', *SECRETS, '--image-opts', self.option()),
            f"qemu-img: Could not open '{self.option()}': {desc}\n")

    def test_words(self):
        self.refused(6, struct.pack('>H', 2),
                     'LUKS version 2 is not supported')
        self.refused(40, b'x' * 32,
                     'LUKS header cipher mode is not NUL terminated')

    def test_numbers(self):
        slot = 208
        self.refused(slot, struct.pack('>I', 1),
                     'Keyslot 0 state (active/disable) is corrupted')
        self.refused(slot + 44, struct.pack('>I', 1),
                     'Keyslot 0 is corrupted (stripes 1 != 4000)')
        self.refused(slot + 40, struct.pack('>I', 1 << 20),
                     'Keyslot 0 is overlapping with the encrypted payload')
        self.refused(slot + 48 + 40, struct.pack('>I', 9),
                     'Keyslots 0 and 1 are overlapping in the header')


class Nodes(LuksCase):

    def setUp(self):
        super().setUp()
        self.create()
        self.vm = self.daemon(*SECRETS)
        self.options = {'driver': 'luks', 'node-name': 'disk',
                        'key-secret': 's0', 'file': {
                            'driver': 'file', 'node-name': 'file',
                            'filename': self.path('a')}}

    def test_guest(self):
        self.vm.cmd('blockdev-add', self.options)
        server = exports.Server(self.vm)
        server.add('disk')
        guest = server.connect('disk')
        self.addCleanup(exports.disconnect, guest)
        guest.pwrite(b'a' * 3 * KIB, 100)
        guest.zero(8 * KIB, 64 * KIB)
        guest.pwrite(b'b' * MIB, 0)
        guest.pwrite(b'c' * 700, MIB - 700)
        guest.flush()
        self.assertEqual(guest.pread(MIB, 0),
                         b'b' * (MIB - 700) + b'c' * 700)

    def test_queries(self):
        self.vm.cmd('blockdev-add', self.options)
        node, = [n for n in self.vm.cmd('query-named-block-nodes')
                 if n['node-name'] == 'disk']
        self.assertTrue(node['encrypted'])
        self.assertEqual(node['file'], (
            'json:{"driver": "luks", "file": {"driver": "file", "filename": '
            f'"{self.path("a")}"}}, "key-secret": "s0"}}'))
        self.vm.cmd('blockdev-reopen', {'options': [
            dict(self.options, file='file')]})
        self.vm.cmd('block_resize', {'node-name': 'disk', 'size': 2 * MIB})

    def test_refused(self):
        for secret, desc in (
                (None, "Parameter 'key-secret' is required for cipher"),
                ('no', "No secret with id 'no'"),
                ('bad', 'Invalid password, cannot unlock any keyslot')):
            options = dict(self.options, **{'key-secret': secret})
            if secret is None:
                del options['key-secret']
            self.assert_error(self.vm, 'blockdev-add', options, desc)
        self.assertEqual(self.vm.cmd('query-named-block-nodes'), [])


if __name__ == '__main__':
    case.main()
