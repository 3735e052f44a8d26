#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects of the type secret: where they come from, how they are written
down, who uses them."""

import base64
import os
import shutil
import subprocess

from lib import case, tls
from lib.case import ours_only

KEY = '12345678901234567890123456789012'
IV = base64.b64encode(bytes(16)).decode()


def encrypt(text):
    """TEXT, encrypted with KEY, in base64."""
    done = subprocess.run(
        ['openssl', 'enc', '-aes-256-cbc', '-a', '-K', KEY.encode().hex(),
         '-iv', '0' * 32], input=text.encode(), check=True,
        capture_output=True)
    return done.stdout.decode()


class Secrets(case.Case):

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()

    def add(self, ident='s', **args):
        return self.vm.execute('object-add', {
            'qom-type': 'secret', 'id': ident, **args})

    def assert_added(self, ident='s', **args):
        self.assertEqual(self.add(ident, **args), {'return': {}})

    def assert_refused(self, desc, **args):
        self.assertEqual(self.add(**args), {
            'error': {'class': 'GenericError', 'desc': desc}})

    def write(self, data):
        path = self.path('file')
        with open(path, 'wb') as f:
            f.write(data)
        return path

    def test_source(self):
        self.assert_refused("Either 'file' or 'data' must be provided")
        self.assert_refused("'file' and 'data' are mutually exclusive",
                            data='a', file='b')
        self.assert_refused('Unable to read /no/such: Failed to open file '
                            '“/no/such”: No such file or directory',
                            file='/no/such')
        self.assert_refused(f'Unable to read {self.dir}: Error reading file '
                            f'“{self.dir}”: Is a directory', file=self.dir)
        self.assert_refused("Parameter 'format' does not accept value 'x'",
                            data='a', format='x')
        self.assert_added(data='')
        self.assert_added('f', file=self.write(b'\xff\0'))

    @ours_only('reads whatever comes')
    def test_bounded(self):
        path = self.write(b'')
        os.truncate(path, (1 << 20) + 1)
        for name in (path, '/dev/zero'):
            self.assert_refused(
                f'Unable to read {name}: longer than 1048576 bytes', file=name)
        os.truncate(path, 1 << 20)
        self.assert_added(file=path)

    def test_named_pipe(self):
        path = self.path('pipe')
        os.mkfifo(path)
        writer = subprocess.Popen(['dd', f'of={path}', 'status=none'],
                                  stdin=subprocess.PIPE)
        writer.stdin.write(b'secret')
        writer.stdin.close()
        self.assert_added(file=path)
        writer.wait()

    def test_base64(self):
        bad = 'Base64 data contains invalid characters'
        for text in ('YWJj!', 'YW Jj', 'YWJj\r\n'):
            self.assert_refused(bad, data=text, format='base64')
        self.assert_refused('Base64 data contains embedded NUL characters',
                            file=self.write(b'YWJj\0'), format='base64')
        for i, text in enumerate(('', 'YWJj', 'YW\nJj\n', 'YWJjZA')):
            self.assert_added(f's{i}', data=text, format='base64')

    def test_encrypted_refusals(self):
        self.assert_refused("No secret with id 'k'", data='YWJj', keyid='k')
        self.assert_added('k', data=KEY)
        self.assert_added('short', data='short')
        self.vm.cmd('object-add', {'qom-type': 'authz-simple', 'id': 'a',
                                   'identity': 'x'})
        self.assert_refused("Object with id 'a' is not a secret",
                            data='YWJj', keyid='a', iv=IV)
        for desc, args in (
                ('IV is required to decrypt secret', {}),
                ('Key should be 32 bytes in length',
                 {'keyid': 'short', 'iv': 'AAAA'}),
                ('IV should be 16 bytes in length not 3', {'iv': 'AAAA'}),
                ('Base64 data contains invalid characters', {'iv': '!!'}),
                ('Length 3 must be a multiple of block size 16', {'iv': IV}),
                ('Incorrect number of padding bytes (95) found on decrypted '
                 'data', {'iv': IV, 'data': IV})):
            self.assert_refused(desc, **{'data': 'YWJj', 'format': 'base64',
                                         'keyid': 'k', **args})

    def test_key_files(self):
        """The key of a certificate opens with the right password only."""
        pki = tls.make(self.path('pki'))
        path = self.path('locked')
        os.makedirs(path)
        for name in ('ca-cert.pem', 'server-cert.pem'):
            shutil.copy(pki.file(name), path)
        tls.run('certtool', '--to-p8', '--load-privkey',
                pki.file('server-key.pem'), '--password', 'open sesame',
                '--pkcs-cipher', 'aes-256', '--outfile',
                f'{path}/server-key.pem')
        self.assert_added('k', data=KEY)
        self.assert_added('good', data=encrypt('open sesame'), keyid='k',
                          iv=IV, format='base64')
        self.assert_added('bad', data='open')
        self.assert_added('bytes', file=self.write(b'\xff'))
        creds = {'qom-type': 'tls-creds-x509', 'id': 't', 'dir': path,
                 'endpoint': 'server'}
        closed = f"Cannot load certificate '{path}/server-cert.pem' & key " \
            f"'{path}/server-key.pem': Decryption has failed."
        for args, desc in (
                ({}, closed), ({'passwordid': 'bad'}, closed),
                ({'passwordid': 'no'}, "No secret with id 'no'"),
                ({'passwordid': 'bytes'},
                 'Data from secret bytes is not valid UTF-8')):
            self.assert_error(self.vm, 'object-add', {**creds, **args}, desc)
        self.vm.cmd('object-add', {**creds, 'passwordid': 'good'})
        # Not needed any more.
        self.vm.cmd('object-del', id='good')

    @ours_only('has key rings')
    def test_keyring(self):
        self.assert_error(self.vm, 'object-add', {
            'qom-type': 'secret_keyring', 'id': 's', 'serial': 1},
            'secret_keyring is not supported: keep the secret in a file, and '
            "name that in an object of type 'secret'")


if __name__ == '__main__':
    case.main()
