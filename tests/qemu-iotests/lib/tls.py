# SPDX-License-Identifier: GPL-2.0-or-later
"""Certificates and keys for NBD with TLS, made by GnuTLS' own tools."""

import os
import subprocess

VALID = 'expiration_days = 3650\n'
LEAF = 'signing_key\nencryption_key\n'


def run(*args):
    try:
        subprocess.run(args, check=True, capture_output=True)
    except FileNotFoundError:
        raise RuntimeError(f'no {args[0]}: install gnutls-bin') from None


class Authority:
    """A folder with a certificate authority, and what it signs."""

    def __init__(self, path, name='TestCA', usage='cert_signing_key\n'):
        self.dir = path
        os.makedirs(path, exist_ok=True)
        self._key('ca')
        run('certtool', '--generate-self-signed', '--load-privkey',
            self.file('ca-key.pem'), '--template',
            self._template('ca', f'cn = {name}\nca\n{usage}' + VALID),
            '--outfile', self.file('ca-cert.pem'))

    def file(self, name):
        return os.path.join(self.dir, name)

    def _key(self, role):
        run('certtool', '--generate-privkey', '--key-type', 'ecdsa',
            '--outfile', self.file(f'{role}-key.pem'))

    def _template(self, role, text):
        path = self.file(f'{role}.info')
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
        return path

    def issue(self, role, template=None):
        """ROLE-cert.pem and ROLE-key.pem for `server` or `client`."""
        if template is None:
            template = {
                'server': 'cn = server.test\ndns_name = localhost\n'
                          'ip_address = 127.0.0.1\ntls_www_server\n',
                'client': 'cn = client.test\ntls_www_client\n',
            }[role] + LEAF + VALID
        self._key(role)
        run('certtool', '--generate-certificate',
            '--load-ca-certificate', self.file('ca-cert.pem'),
            '--load-ca-privkey', self.file('ca-key.pem'),
            '--load-privkey', self.file(f'{role}-key.pem'),
            '--template', self._template(role, template),
            '--outfile', self.file(f'{role}-cert.pem'))
        return self

    def psk(self, username):
        """keys.psk with a key for USERNAME; its path."""
        run('psktool', '-u', username, '-p', self.file('keys.psk'))
        return self.file('keys.psk')


def make(path):
    """An authority with a server's and a client's certificate."""
    return Authority(path).issue('server').issue('client')
