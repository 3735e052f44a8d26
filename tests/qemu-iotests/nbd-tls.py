#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""NBD over TLS: credentials of both sides, and who may connect."""

import os

import nbd

from lib import case, images, tls, tools
from lib.case import ours_only
from lib.images import MIB
from lib.tls_case import ANON, CLIENT, PSK, ServerCase


class Server(ServerCase):

    def test_start_errors(self):
        self.creds()
        self.creds('client', endpoint='client')
        self.add('authz-simple', 'a', identity='x')
        addr = {'type': 'unix', 'data': {'path': self.path('s')}}
        for ident, desc in (
                ('nosuch', "No TLS credentials with id 'nosuch'"),
                ('a', "Object with id 'a' is not TLS credentials"),
                ('client', 'Expected TLS credentials for a server '
                           'endpoint')):
            self.assert_error(self.vm, 'nbd-server-start', {
                'addr': addr, 'tls-creds': ident}, desc)
        self.assertFalse(os.path.exists(self.path('s')))

    def test_serves(self):
        self.creds()
        self.start(tls_creds='tls')
        self.assert_serves()
        handle = self.connect()
        handle.pwrite(b'secret' * 1000, 1000)
        handle.zero(4096, 65536)
        handle.flush()
        self.assertEqual(images.read(self.image, 1000, 6), b'secret')
        self.assertEqual(images.read(self.image, 65536, 4096), bytes(4096))
        other = self.connect()
        self.assertEqual(other.pread(6, 1000), b'secret')
        other.shutdown()
        handle.shutdown()

    def test_much_data(self):
        """Both ways at once, in requests of all sizes."""
        self.creds()
        self.start(tls_creds='tls')
        big = images.make(self.path('big.img'), 64 * MIB)
        self.vm.cmd('blockdev-add', driver='file', node_name='big',
                    filename=big)
        self.server.add('big')
        copy = self.path('copy.img')
        images.make(copy, 64 * MIB)
        images.fill(copy, 0, 24 * MIB, 5)
        uri = f'nbds+unix:///big?socket={self.server.path}' \
            f'&tls-certificates={self.pki.dir}&tls-verify-peer=false'
        tools.nbdcopy(copy, uri)
        self.assertEqual(images.checksum(big), images.checksum(copy))
        tools.nbdcopy(uri, self.path('back.img'))
        self.assertEqual(images.checksum(self.path('back.img')),
                         images.checksum(copy))

    def test_credentials_that_were_removed(self):
        """Who has them goes on with them."""
        self.creds()
        self.start(tls_creds='tls')
        self.vm.cmd('object-del', id='tls')
        self.assert_serves()
        self.stop()
        self.assert_error(self.vm, 'nbd-server-start', {
            'addr': {'type': 'unix', 'data': {'path': self.path('s')}},
            'tls-creds': 'tls'}, "No TLS credentials with id 'tls'")

    def test_wrong_clients(self):
        self.creds()
        self.start(tls_creds='tls')
        self.assert_denied(
            certificates=tls.make(self.path('other')).dir)
        self.assert_denied(certificates=self.folder('bare', 'ca-cert.pem'))
        with self.assertRaises(nbd.Error) as caught:
            self.connect(tls=nbd.TLS_DISABLE)
        self.assertEqual(caught.exception.errno, 'ENOTSUP')
        self.assert_serves()

    def test_without_verify_peer(self):
        self.creds(verify_peer=False)
        self.start(tls_creds='tls')
        self.assert_serves()
        self.assert_serves(certificates=self.folder('bare', 'ca-cert.pem'))

    def test_bad_priority(self):
        self.creds(priority='BAD!')
        self.start(tls_creds='tls')
        self.assert_denied()
        self.assert_denied()

    def test_priority(self):
        self.creds(priority='NORMAL:-VERS-TLS1.3')
        self.start(tls_creds='tls')
        self.assert_serves()

    def test_psk(self):
        keys = self.pki.psk('alice')
        self.creds('psk', PSK)
        self.start(tls_creds='psk')
        self.assert_serves(tls_psk_file=keys, tls_username='alice')
        self.assert_denied()
        other = tls.Authority(self.path('other')).psk('alice')
        self.assert_denied(tls_psk_file=other, tls_username='alice')

    def test_anon(self):
        self.creds('anon', ANON)
        self.start(tls_creds='anon')
        client = self.daemon()
        for args in ({}, {'priority': 'NORMAL:-VERS-TLS1.3'}):
            client.cmd('object-add', {'qom-type': ANON, 'id': 'c', **args})
            client.cmd('blockdev-add', {
                'driver': 'nbd', 'node-name': 'n', 'export': 'disk',
                'server': {'type': 'unix', 'path': self.server.path},
                'tls-creds': 'c'})
            client.cmd('blockdev-del', {'node-name': 'n'})
            client.cmd('object-del', id='c')
        self.assert_denied()

    def test_a_plain_server(self):
        self.start()
        with self.assertRaises(nbd.Error):
            self.connect()
        handle = self.connect(tls=nbd.TLS_ALLOW)
        self.assertFalse(handle.get_tls_negotiated())
        handle.shutdown()


class Authz(ServerCase):

    def setUp(self):
        super().setUp()
        self.creds()

    def test_simple(self):
        self.add('authz-simple', 'yes', identity=CLIENT)
        self.add('authz-simple', 'no', identity='CN=other')
        self.start(tls_creds='tls', tls_authz='yes')
        self.assert_serves()
        self.stop()
        self.start(tls_creds='tls', tls_authz='no')
        self.assert_denied()

    def test_list(self):
        allow, deny = {'policy': 'allow'}, {'policy': 'deny'}
        glob = {'format': 'glob'}
        for i, (served, args) in enumerate((
                (False, {}), (True, allow), (False, deny),
                (True, {'rules': [{'match': CLIENT, **allow}]}),
                (False, {'rules': [{'match': 'CN=client*', **allow}]}),
                (True, {'rules': [{'match': 'CN=client*', **allow,
                                   **glob}]}),
                (False, {**allow, 'rules': [{'match': CLIENT, **deny}]}),
                (False, {'rules': [{'match': '*', **deny, **glob},
                                   {'match': CLIENT, **allow}]}))):
            self.add('authz-list', f'list{i}', **args)
            self.start(tls_creds='tls', tls_authz=f'list{i}')
            (self.assert_serves if served else self.assert_denied)()
            self.stop()

    def test_rules_are_looked_up_for_each_client(self):
        """One that is not there, or is something else, lets nobody in."""
        self.start(tls_creds='tls', tls_authz='rules')
        self.assert_denied()
        self.add('authz-simple', 'rules', identity=CLIENT)
        self.assert_serves()
        self.vm.cmd('object-del', id='rules')
        self.assert_denied()
        self.creds('rules')
        self.assert_denied()

    @ours_only('lets everybody in')
    def test_who_proves_nothing_is_denied(self):
        self.creds('any', verify_peer=False)
        self.add('authz-list', 'all', policy='allow')
        self.start(tls_creds='any', tls_authz='all')
        self.assert_denied()

    @ours_only('lets everybody in')
    def test_names_of_keys(self):
        keys = self.pki.psk('alice')
        self.pki.psk('bob')
        self.creds('psk', PSK)
        self.add('authz-simple', 'alice', identity='alice')
        self.start(tls_creds='psk', tls_authz='alice')
        self.assert_serves(tls_psk_file=keys, tls_username='alice')
        self.assert_denied(tls_psk_file=keys, tls_username='bob')


if __name__ == '__main__':
    case.main()
