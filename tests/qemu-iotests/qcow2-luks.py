#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Encrypted qcow2 images, made by one program and read by the other."""

import json
import os
import struct

from lib import case, images, tools
from lib.case import ours_only
from lib.encryption import SECRETS, create_qcow2, patient, qcow2_options
from lib.images import KIB, MIB
from lib.tools import foreign_img

KINDS = ('', 'compat=0.10', 'cluster_size=512', 'cluster_size=2M',
         'extended_l2=on', 'encrypt.cipher-alg=aes-128',
         'encrypt.cipher-alg=aes-128,encrypt.cipher-mode=cbc,'
         'encrypt.ivgen-alg=essiv,encrypt.hash-alg=sha1',
         'encrypt.cipher-alg=serpent-256', 'data_file=d.data',
         'data_file=d.data,data_file_raw=on', 'preallocation=metadata')
CRYPTO_EXTENSION = 0x0537be77


def foreign_io(image, *commands):
    argv = ['/usr/bin/qemu-io', *SECRETS, '--image-opts']
    for command in commands:
        argv += ['-c', command]
    return tools.run([*argv, image])


class EncryptedCase(case.Case):

    def setUp(self):
        super().setUp()
        os.chdir(self.dir)
        self.addCleanup(os.chdir, '/')

    def create(self, name='a', size='1M', **kwargs):
        path = self.path(name)
        for other in path, self.path('d.data'):
            if os.path.exists(other):
                os.unlink(other)
        create_qcow2(path, size, **kwargs)
        return path

    def option(self, name='a', **kwargs):
        return qcow2_options(self.path(name), **kwargs)

    def io(self, *commands, image=None, check=True):
        return tools.io(image or self.option(), *commands, check=check,
                        options=(*SECRETS, '--image-opts')).stdout

    def read(self, name='a', img=tools.img, **kwargs):
        img('convert', *SECRETS, '--image-opts', '-O', 'raw',
            self.option(name, **kwargs), self.path('out'))
        return images.read(self.path('out'))

    def img(self, command, *args, image=None, **kwargs):
        return tools.img(command, *SECRETS, *args, '--image-opts',
                         image or self.option(), **kwargs)

    def fails(self, *args):
        done = tools.img(*args, check=False)
        self.assertEqual(done.returncode, 1)
        return done.stderr

    def info(self, name='a'):
        return json.loads(tools.img('info', '--output=json',
                                    self.path(name)).stdout)


class Interoperation(EncryptedCase):
    """What is written with all kinds of requests reads the same in both."""

    WRITES = ('write -P 1 0 300k', 'write -P 2 100k 1k', 'write -z 64k 64k',
              'write -P 3 700k 100', 'discard 128k 64k', 'write -P 4 130k 5k',
              'write -z 705k 3k', 'write -P 5 1023k 1k', 'flush')

    def expected(self):
        data = bytearray(MIB)
        data[:300 * KIB] = b'\1' * (300 * KIB)
        data[64 * KIB:128 * KIB] = bytes(64 * KIB)
        data[128 * KIB:192 * KIB] = bytes(64 * KIB)
        data[130 * KIB:135 * KIB] = b'\4' * (5 * KIB)
        data[700 * KIB:700 * KIB + 100] = b'\3' * 100
        data[1023 * KIB:] = b'\5' * KIB
        return bytes(data)

    def test_both_ways(self):
        for kind in KINDS:
            for ours_makes in True, False:
                with self.subTest(kind=kind, ours_makes=ours_makes):
                    self.create(options=kind,
                                img=tools.img if ours_makes else foreign_img)
                    writes = list(self.WRITES)
                    if 'prealloc' in kind or 'raw' in kind:
                        # There QEMU's new images read as anything.
                        writes.insert(0, 'write -z 0 1M')
                    if '2M' in kind:
                        writes[writes.index('discard 128k 64k')] = \
                            'write -z 128k 64k'
                    half = len(writes) // 2
                    self.io(*writes[:half])
                    foreign_io(self.option(), *writes[half:])
                    self.assertEqual(self.read(), self.expected())
                    self.assertEqual(self.read(img=foreign_img),
                                     self.expected())
                    for img in tools.img, foreign_img:
                        img('check', '-q', *SECRETS, '--image-opts',
                            self.option())

    @ours_only('QEMU leaves what was never written as it is')
    def test_preallocated_reads_as_zeroes(self):
        for mode in 'metadata', 'falloc', 'full':
            self.create(options=f'preallocation={mode}')
            self.assertEqual(self.read(), bytes(MIB))
            self.assertEqual(self.read(img=foreign_img), bytes(MIB))

    def test_nothing_is_plain(self):
        path = self.create()
        word = b'nobody may read this'
        with open(self.path('in'), 'wb') as f:
            f.write((word * MIB)[:MIB])
        tools.img('convert', '-n', *SECRETS, '--image-opts',
                  '--target-image-opts',
                  f'driver=raw,file.filename={self.path("in")}', self.option())
        self.io('write -s in 0 512k')
        self.assertNotIn(word, images.read(path))

    def test_old_way(self):
        """AES-CBC, with the password as the key."""
        for compat in '0.10', '1.1':
            self.create(kind='aes', options=f'compat={compat}')
            self.io('write -P 7 0 100k', 'write -P 8 512k 1k')
            foreign_io(self.option(), 'read -P 7 0 100k', 'read -P 8 512k 1k',
                       'write -P 9 64k 64k')
            self.assertEqual(self.read()[64 * KIB:128 * KIB],
                             b'\t' * (64 * KIB))
            info = self.info()
            self.assertTrue(info['encrypted'])
            self.assertEqual(info['format-specific']['data']['encrypt'],
                             {'format': 'aes'})


class Image(EncryptedCase):

    def test_header(self):
        path = self.create()
        head = images.read(path, 0, 136)
        self.assertEqual(struct.unpack('>I', head[32:36]), (2,))
        kind, length, offset, size = struct.unpack('>IIQQ', head[112:136])
        self.assertEqual((kind, length, size), (CRYPTO_EXTENSION, 16, 2068480))
        self.assertEqual(images.read(path, offset, 8),
                         b'LUKS\xba\xbe\x00\x01')

    def test_info(self):
        self.create(options='encrypt.cipher-alg=aes-128,'
                    'encrypt.cipher-mode=cbc,encrypt.ivgen-alg=essiv')
        info = self.info()
        self.assertTrue(info['encrypted'])
        encrypt = info['format-specific']['data']['encrypt']
        self.assertEqual(encrypt.pop('format'), 'luks')
        slots = encrypt.pop('slots')
        self.assertGreaterEqual(slots[0].pop('iters'), 1000)
        self.assertEqual(slots[0], {'active': True, 'stripes': 4000,
                                    'key-offset': 4096})
        self.assertEqual(len(slots), 8)
        self.assertGreaterEqual(encrypt.pop('master-key-iters'), 1000)
        self.assertRegex(encrypt.pop('uuid'), '^[0-9a-f-]{36}$')
        self.assertEqual(encrypt, {
            'cipher-alg': 'aes-128', 'cipher-mode': 'cbc',
            'ivgen-alg': 'essiv', 'ivgen-hash-alg': 'sha256',
            'hash-alg': 'sha256', 'payload-offset': 528384})

    def test_human_info(self):
        self.create()
        out = tools.img('info', self.path('a')).stdout
        self.assertIn('encrypted: yes\n', out)
        self.assertIn('''    encrypt:
        ivgen alg: plain64
        hash alg: sha256
        cipher alg: aes-256
''', out)
        self.assertIn('''        format: luks
        cipher mode: xts
        slots:
            [0]:
                active: true
''', out)

    def test_map(self):
        self.create()
        self.io('write 0 64k', 'write -z 64k 64k')
        out = self.img('map', '--output=json').stdout
        self.assertEqual(json.loads(out), [
            {'start': 0, 'length': 64 * KIB, 'depth': 0, 'present': True,
             'zero': False, 'data': True},
            {'start': 64 * KIB, 'length': 64 * KIB, 'depth': 0,
             'present': True, 'zero': True, 'data': False},
            {'start': 128 * KIB, 'length': 896 * KIB, 'depth': 0,
             'present': False, 'zero': True, 'data': False}])
        done = self.img('map', check=False)
        self.assertEqual(
            (done.returncode, done.stderr),
            (1, 'qemu-img: File contains external, encrypted or compressed '
             'clusters.\n'))

    def test_measure(self):
        for options, required in (('', 2490368),
                                  (',cluster_size=512', 23453696),
                                  (',cluster_size=2M', 12582912),
                                  (',encrypt.cipher-alg=aes-128', 1507328)):
            words = ('encrypt.format=luks,encrypt.key-secret=s0,'
                     'encrypt.iter-time=10' + options)
            out = patient(tools.img, 'measure', '--output=json', '-O', 'qcow2',
                          *SECRETS, '-o', words, '--size', '1G').stdout
            self.assertEqual(json.loads(out)['required'], required, options)

    def test_measure_others(self):
        for words in ('encrypt.format=aes', 'encryption=on',
                      'encrypt.key-secret=s0'):
            out = tools.img('measure', '--output=json', '-O', 'qcow2',
                            *SECRETS, '-o', words, '--size', '1G').stdout
            self.assertEqual(json.loads(out)['required'], 393216, words)
        self.assertEqual(
            self.fails('measure', '-O', 'qcow2', '-o', 'encrypt.format=luks',
                       '--size', '1G'),
            "qemu-img: Parameter 'encrypt.key-secret' is required for "
            'cipher\n')

    def test_snapshots_and_size(self):
        self.create()
        self.io('write -P 1 0 1M')
        self.img('snapshot', '-c', 's')
        self.io('write -P 2 10k 200k')
        self.img('snapshot', '-a', 's')
        self.assertEqual(self.read(img=foreign_img), b'\1' * MIB)
        self.img('snapshot', '-d', 's')
        tools.img('resize', *SECRETS, '-q', '--image-opts', self.option(),
                  '2M')
        self.assertEqual(self.read(), b'\1' * MIB + bytes(MIB))
        tools.img('resize', *SECRETS, '-q', '--shrink', '--image-opts',
                  self.option(), '512k')
        self.assertEqual(self.read(img=foreign_img), b'\1' * (MIB // 2))
        self.img('check', '-q')

    def test_version(self):
        self.create()
        self.io('write -P 1 0 100k', 'write -z 512k 64k')
        self.img('amend', '-o', 'compat=0.10')
        self.assertEqual(self.info()['format-specific']['data']['compat'],
                         '0.10')
        self.assertEqual(self.read(img=foreign_img),
                         b'\1' * (100 * KIB) + bytes(MIB - 100 * KIB))

    def test_check_finds_the_header(self):
        path = self.create()
        with open(path, 'r+b') as f:
            f.seek(2 * 65536 + 10)  # the count of a cluster of the header
            f.write(b'\0\0')
        done = self.img('check', '-r', 'all', check=False)
        self.assertIn('ERROR cluster 5 refcount=0 reference=1\n',
                      done.stdout + done.stderr)
        self.img('check', '-q')
        self.read()


class Convert(EncryptedCase):

    def setUp(self):
        super().setUp()
        self.data = os.urandom(300 * KIB) + bytes(MIB - 300 * KIB)
        with open('raw', 'wb') as f:
            f.write(self.data)

    def test_to_and_from(self):
        for words in ('encrypt.format=luks,encrypt.iter-time=10',
                      'encrypt.format=aes', 'encryption=on',
                      'encrypt.format=luks,encrypt.iter-time=10,'
                      'preallocation=metadata'):
            if os.path.exists('a'):
                os.unlink('a')
            patient(tools.img, 'convert', *SECRETS, '-f', 'raw', '-O', 'qcow2',
                    '-o', words + ',encrypt.key-secret=s0', 'raw', 'a')
            self.assertEqual(self.read(), self.data, words)
            self.assertEqual(self.read(img=foreign_img), self.data, words)

    def test_luks(self):
        patient(tools.img, 'convert', *SECRETS, '-f', 'raw', '-O', 'luks',
                '-o', 'key-secret=s0,iter-time=10', 'raw', 'a')
        foreign_img('compare', *SECRETS, '--image-opts',
                    'driver=luks,key-secret=s0,file.filename=a',
                    'driver=raw,file.filename=raw')

    def test_compressed(self):
        self.assertEqual(
            self.fails('convert', *SECRETS, '-c', '-f', 'raw', '-O', 'qcow2',
                       '-o', 'encrypt.format=luks,encrypt.key-secret=s0',
                       'raw', 'a'),
            'qemu-img: Compression and encryption not supported at the same '
            'time\n')

    @ours_only('writes what is compressed in the clear')
    def test_nothing_is_compressed(self):
        self.create()
        out = self.io('write -c -P 7 0 64k', check=False)
        self.assertIn('write failed: Input/output error', out)
        self.assertEqual(self.read(), bytes(MIB))


class Chain(EncryptedCase):
    """Images behind others, each with a password of its own."""

    def setUp(self):
        super().setUp()
        self.create('base')
        self.io('write -P 1 0 1M', image=self.option('base'))
        create_qcow2(self.path('a'), None, '-b', 'base', '-F', 'qcow2',
                     secret='s1')
        self.both = self.option('a', secret='s1',
                                **{'backing.encrypt.key-secret': 's0'})

    def test_secrets(self):
        image = self.option('a', secret='s1')
        self.assertEqual(
            self.fails('map', *SECRETS, '--image-opts', image),
            f"qemu-img: Could not open '{image}': Could not open backing "
            "file: Parameter 'encrypt.key-secret' is required for cipher\n")
        self.io('read -P 1 0 1M', image=self.both)
        info = json.loads(tools.img('info', '--backing-chain', '--output=json',
                                    'a').stdout)
        self.assertEqual([layer['encrypted'] for layer in info], [True, True])

    def test_copy_on_write(self):
        self.io('write -P 2 1k 1k', image=self.both)
        out = foreign_io(self.both, 'read -P 1 0 1k', 'read -P 2 1k 1k',
                         'read -P 1 2k 1022k').stdout
        self.assertNotIn('failed', out)

    def test_commit(self):
        self.io('write -P 2 1k 1k', 'write -P 3 512k 64k', image=self.both)
        self.img('commit', image=self.both)
        data = self.read('base', img=foreign_img)
        self.assertEqual(data[KIB:2 * KIB], b'\2' * KIB)
        self.assertEqual(data[512 * KIB:576 * KIB], b'\3' * (64 * KIB))
        self.img('check', '-q', image=self.both)

    def test_rebase(self):
        tools.img('rebase', *SECRETS, '-b', '', '--image-opts', self.both)
        self.assertEqual(self.read(secret='s1', img=foreign_img), b'\1' * MIB)

    def test_json_name(self):
        name = ('json:{"driver":"qcow2","encrypt.key-secret":"s0",'
                '"file.filename":"base"}')
        os.unlink('a')
        create_qcow2(self.path('a'), None, '-b', name, '-F', 'qcow2',
                     secret='s1')
        self.assertEqual(self.read(secret='s1'), b'\1' * MIB)


class Refused(EncryptedCase):

    def test_create(self):
        luks = 'encrypt.format=luks,encrypt.key-secret=s0'
        for options, desc in (
                ('encrypt.format=luks', "Parameter 'encrypt.key-secret' is "
                 'required for cipher'),
                ('encryption=on', "Parameter 'encrypt.key-secret' is "
                 'required for cipher'),
                ('encrypt.format=luks,encrypt.key-secret=no',
                 "No secret with id 'no'"),
                ('encrypt.format=foo,encrypt.key-secret=s0',
                 "Parameter 'format' does not accept value 'foo'"),
                ('encrypt.key-secret=s0',
                 "Parameter 'encrypt.format' is missing"),
                ('encryption=on,encrypt.format=aes',
                 "'encrypt.format' and its alias 'encryption' can't be used "
                 'at the same time'),
                ('encrypt.format=aes,encrypt.key-secret=s0,'
                 'encrypt.cipher-alg=aes-128',
                 "Parameter 'encrypt.cipher-alg' is unexpected"),
                (luks + ',encrypt.cipher-alg=foo',
                 "Parameter 'cipher-alg' does not accept value 'foo'"),
                (luks + ',encrypt.cipher-alg=cast5-128',
                 'Unsupported cipher mode xts'),
                (luks + ',encrypt.iter-time=x',
                 "Parameter 'encrypt.iter-time' expects a number"),
                (luks + ',encrypt.keyslot=1',
                 "Invalid parameter 'encrypt.keyslot'")):
            done = patient(tools.img, 'create', '-q', '-f', 'qcow2', *SECRETS,
                           '-o', options, 'x', '1M', check=False)
            self.assertEqual((done.returncode, done.stderr),
                             (1, f'qemu-img: x: {desc}\n'))

    def test_open(self):
        self.create('a')
        tools.img('create', '-q', '-f', 'qcow2', 'plain', '1M')
        for name, options, desc in (
                ('a', 'encrypt.key-secret=bad',
                 'Invalid password, cannot unlock any keyslot'),
                ('a', 'encrypt.key-secret=no', "No secret with id 'no'"),
                ('a', 'encrypt.format=luks', "Parameter 'encrypt.key-secret' "
                 'is required for cipher'),
                ('a', 'encrypt.format=aes,encrypt.key-secret=s0',
                 "Header reported 'luks' encryption format but options "
                 "specify 'aes'"),
                ('plain', 'encrypt.format=luks,encrypt.key-secret=s0',
                 'No encryption in image header, but options specified format '
                 "'luks'")):
            image = f'driver=qcow2,file.filename={name},{options}'
            self.assertEqual(
                self.fails('map', *SECRETS, '--image-opts', image),
                f"qemu-img: Could not open '{image}': {desc}\n")
        tools.img('map', *SECRETS, '--image-opts',
                  'driver=qcow2,file.filename=plain,encrypt.key-secret=s0')

    def test_open_by_name(self):
        self.create('a')
        for command in (('check', 'a'), ('map', 'a'), ('snapshot', '-l', 'a'),
                        ('resize', 'a', '2M'),
                        ('rebase', '-u', '-b', 'x', '-F', 'raw', 'a')):
            self.assertEqual(
                self.fails(*command),
                "qemu-img: Could not open 'a': Parameter "
                "'encrypt.key-secret' is required for cipher\n")

    def damaged(self, *patches):
        self.create('a')
        with open('a', 'r+b') as f:
            for offset, data in patches:
                f.seek(offset)
                f.write(data)
        image = self.option()
        text = self.fails('map', *SECRETS, '--image-opts', image)
        start = f"qemu-img: Could not open '{image}': "
        self.assertTrue(text.startswith(start), text)
        return text[len(start):-1]

    def test_damaged(self):
        for patch, desc in (
                ((32, b'\0\0\0\3'), 'Unsupported encryption method 3'),
                ((32, b'\0\0\0\0'), 'CRYPTO header extension only expected '
                 'with LUKS encryption method'),
                ((32, b'\0\0\0\1'), 'CRYPTO header extension only expected '
                 'with LUKS encryption method'),
                ((112, b'\1\1\1\1'),
                 'Missing CRYPTO header for crypt method 2'),
                ((116, b'\0\0\0\x08'),
                 'CRYPTO header extension size 8, but expected size 16'),
                ((126, b'\2\0'), "Encryption header offset '262656' is not a "
                 "multiple of cluster size '65536'"),
                ((120, bytes(8)), 'Volume is not in LUKS format'),
                ((128, bytes(7) + b'\x10'),
                 'Request for data outside of extension header'),
                ((0x40006, b'\0\xff'), 'LUKS version 255 is not supported')):
            self.assertEqual(self.damaged(patch), desc)


class Slots(EncryptedCase):

    def setUp(self):
        super().setUp()
        self.create()

    def amend(self, options, *args, secret='s0'):
        return patient(tools.img, 'amend', *SECRETS, *args, '-o', options,
                       '--image-opts', self.option(secret=secret),
                       check=False).stderr

    def active(self):
        data = self.info()['format-specific']['data']
        return [i for i, slot in enumerate(data['encrypt']['slots'])
                if slot['active']]

    def test_come_and_go(self):
        new = 'encrypt.state=active,encrypt.iter-time=10,encrypt.new-secret='
        self.io('write -P 1 0 1M')
        self.assertEqual(self.amend(new + 's1'), '')
        self.assertEqual(self.amend(new + 's2,encrypt.keyslot=5,'
                                    'lazy_refcounts=on'), '')
        self.assertEqual(self.active(), [0, 1, 5])
        for secret in 's0', 's1', 's2':
            self.assertEqual(self.read(secret=secret, img=foreign_img),
                             b'\1' * MIB)
        self.assertEqual(self.amend('encrypt.state=inactive,'
                                    'encrypt.old-secret=s0'), '')
        self.assertEqual(self.amend('encrypt.state=inactive,'
                                    'encrypt.keyslot=1', secret='s1'), '')
        self.assertEqual(self.active(), [5])
        self.assertEqual(self.read(secret='s2'), b'\1' * MIB)

    def test_refused(self):
        for options, desc in (
                ('encrypt.new-secret=s1', "Parameter 'state' is missing"),
                ('encrypt.state=foo',
                 "Parameter 'state' does not accept value 'foo'"),
                ('encrypt.state=active', "'new-secret' is required to "
                 'activate a keyslot'),
                ('encrypt.state=inactive,encrypt.iter-time=10',
                 "'iter-time' must not be given when erasing keyslots"),
                ('encrypt.state=active,encrypt.new-secret=s1,'
                 'encrypt.keyslot=9', 'Invalid keyslot 9 specified, must be '
                 'between 0 and 7'),
                ('encrypt.state=inactive,encrypt.keyslot=0',
                 'Attempt to erase the only active keyslot 0 which will erase '
                 'all the data in the image irreversibly - refusing '
                 'operation')):
            self.assertEqual(self.amend(options), f'qemu-img: {desc}\n')
        for options in 'encrypt.format=luks', 'encrypt.key-secret=s1':
            self.assertEqual(
                self.amend(options),
                f"qemu-img: Invalid parameter '{options.split('=')[0]}'\n"
                'This option is only supported for image creation\n')
        self.assertEqual(self.active(), [0])

    def test_no_slots(self):
        state = 'encrypt.state=active,encrypt.new-secret=s1'
        tools.img('create', '-q', '-f', 'qcow2', 'plain', '1M')
        self.assertEqual(
            self.fails('amend', *SECRETS, '-o', state, 'plain'),
            "qemu-img: Can't amend encryption options - encryption not "
            'present\n')
        self.create(kind='aes')
        self.assertEqual(self.amend(state), 'qemu-img: Only LUKS encryption '
                         'options can be amended\n')


if __name__ == '__main__':
    case.main()
