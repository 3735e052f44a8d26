# SPDX-License-Identifier: GPL-2.0-or-later
"""Cases for TLS: credentials, and a server that asks for them."""

import os
import shutil

import nbd

from . import case, exports, images, tls
from .images import KIB, MIB

X509, PSK, ANON = 'tls-creds-x509', 'tls-creds-psk', 'tls-creds-anon'
CLIENT = 'CN=client.test'


class TlsCase(case.Case):

    def setUp(self):
        super().setUp()
        self.pki = tls.make(self.path('pki'))
        self.vm = self.daemon()

    def add(self, kind, ident, **args):
        args = {k.replace('_', '-'): v for k, v in args.items()}
        self.vm.cmd('object-add', {'qom-type': kind, 'id': ident, **args})

    def creds(self, ident='tls', kind=X509, **args):
        self.add(kind, ident, **{'dir': self.pki.dir, 'endpoint': 'server',
                                 **args})

    def assert_refused(self, desc, kind=X509, **args):
        args = {'id': 'x', 'endpoint': 'server',
                **{k.replace('_', '-'): v for k, v in args.items()}}
        self.assert_error(self.vm, 'object-add', {'qom-type': kind, **args},
                          desc)

    def folder(self, name, *files, **others):
        """A folder with those files of the authority, or (name='path') with
        another file under that name."""
        path = self.path(name)
        os.makedirs(path)
        for file in files:
            shutil.copy(self.pki.file(file), path)
        for file, source in others.items():
            shutil.copy(source, os.path.join(
                path, file.replace('_', '-') + '.pem'))
        return path


class ServerCase(TlsCase):

    def setUp(self):
        super().setUp()
        self.image = images.make_patterned(self.path('disk.img'), MIB)
        self.vm.cmd('blockdev-add', {
            'driver': 'file', 'node-name': 'disk', 'filename': self.image})

    def start(self, **options):
        self.server = exports.Server(
            self.vm, **{k.replace('_', '-'): v for k, v in options.items()})
        self.server.add('disk')

    def stop(self):
        self.vm.cmd('nbd-server-stop')

    def connect(self, certificates=None, **settings):
        return self.server.connect('disk', **{
            'tls': nbd.TLS_REQUIRE, 'tls_verify_peer': False,
            'tls_certificates': certificates or self.pki.dir, **settings})

    def assert_serves(self, **settings):
        handle = self.connect(**settings)
        self.assertTrue(handle.get_tls_negotiated())
        self.assertEqual(handle.pread(64 * KIB, 512),
                         images.pattern(512, 64 * KIB))
        handle.shutdown()

    def assert_denied(self, **settings):
        with self.assertRaises(nbd.Error):
            self.connect(**settings).pread(512, 0)
