#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS credentials as objects: files that are missing, junk or too old."""

import os

from lib import case, tls
from lib.tls_case import ANON, PSK, X509, TlsCase


class Objects(TlsCase):

    def test_life(self):
        self.add('authz-simple', 'a', identity='x')
        self.assert_error(self.vm, 'object-add', {
            'qom-type': 'authz-list', 'id': 'a'},
            "attempt to add duplicate property 'a' to object (type "
            "'container')")
        self.vm.cmd('object-del', id='a')
        self.assert_error(self.vm, 'object-del', {'id': 'a'},
                          "object 'a' not found")
        self.add('authz-list', 'a')
        self.vm.cmd('object-del', id='a')

    def test_bad_arguments(self):
        for args, desc in (
                ({}, "Parameter 'qom-type' is missing"),
                ({'qom-type': 'x', 'id': 'a'},
                 "Parameter 'qom-type' does not accept value 'x'"),
                ({'qom-type': 'authz-list'}, "Parameter 'id' is missing"),
                ({'qom-type': 'authz-list', 'id': ''},
                 "Parameter 'id' expects an identifier"),
                ({'qom-type': 'authz-list', 'id': '1 x'},
                 "Parameter 'id' expects an identifier"),
                ({'qom-type': 'authz-simple', 'id': 'a'},
                 "Parameter 'identity' is missing"),
                ({'qom-type': 'authz-list', 'id': 'a', 'policy': 'x'},
                 "Parameter 'policy' does not accept value 'x'"),
                ({'qom-type': 'authz-list', 'id': 'a',
                  'rules': [{'match': 'x'}]},
                 "Parameter 'rules[0].policy' is missing"),
                ({'qom-type': X509, 'id': 'a', 'endpoint': 'x'},
                 "Parameter 'endpoint' does not accept value 'x'"),
                ({'qom-type': X509, 'id': 'a', 'foo': 1},
                 "Parameter 'foo' is unexpected")):
            self.assert_error(self.vm, 'object-add', args, desc)
        self.assert_error(self.vm, 'object-del', {},
                          "Parameter 'id' is missing")

    def test_command_line(self):
        vm = self.daemon(
            '--object', f'{X509},id=t,dir={self.pki.dir},endpoint=server',
            '--object', 'authz-list,id=a,policy=deny,rules.0.match=CN=c*,'
            'rules.0.policy=allow,rules.0.format=glob',
            '--nbd-server', f"addr.type=unix,addr.path={self.path('s')},"
            'tls-creds=t,tls-authz=a')
        self.assert_error(vm, 'object-add', {
            'qom-type': 'authz-list', 'id': 'a'},
            "attempt to add duplicate property 'a' to object (type "
            "'container')")

    def test_client_credentials(self):
        self.creds('c', endpoint='client')
        # The default; and the certificate may be missing.
        self.add(X509, 'd', dir=self.folder('only', 'ca-cert.pem'))

    def test_missing_files(self):
        self.assert_refused("Missing 'dir' property value")
        self.assert_refused("Missing 'dir' property value", PSK)
        missing = 'Unable to access credentials {}/{}: No such file or ' \
            'directory'
        self.assert_refused(missing.format('/no/such', 'ca-cert.pem'),
                            dir='/no/such')
        for i, (there, first) in enumerate((
                ((), 'ca-cert.pem'), (('ca-cert.pem',), 'server-cert.pem'),
                (('ca-cert.pem', 'server-cert.pem'), 'server-key.pem'),
                (('server-cert.pem', 'server-key.pem'), 'ca-cert.pem'))):
            path = self.folder(f'dir{i}', *there)
            self.assert_refused(missing.format(path, first), dir=path)
        self.assert_refused(missing.format(self.pki.dir, 'keys.psk'), PSK,
                            dir=self.pki.dir)

    def test_junk_files(self):
        junk = self.path('junk')
        with open(junk, 'w', encoding='utf-8') as f:
            f.write('junk')
        own = 'server-cert.pem', 'server-key.pem'
        path = self.folder('a', *own, ca_cert=junk)
        self.assert_refused('Unable to import CA certificate list '
                            f'{path}/ca-cert.pem', dir=path)
        path = self.folder('b', 'ca-cert.pem', own[1], server_cert=junk)
        self.assert_refused('Unable to import server certificate '
                            f'{path}/server-cert.pem: Base64 unexpected '
                            'header error.', dir=path)
        path = self.folder('c', 'ca-cert.pem', own[0], server_key=junk)
        self.assert_refused(
            f"Cannot load certificate '{path}/server-cert.pem' & key "
            f"'{path}/server-key.pem': The requested data were not "
            'available.', dir=path)
        path = self.folder('d', 'ca-cert.pem', own[0],
                           server_key=self.pki.file('client-key.pem'))
        self.assert_refused(
            f"Cannot load certificate '{path}/server-cert.pem' & key "
            f"'{path}/server-key.pem': The certificate and the given key do "
            'not match.', dir=path)

    def test_sanity(self):
        own = 'server-cert.pem', 'server-key.pem'
        path = self.folder('ca', 'ca-cert.pem',
                           server_cert=self.pki.file('ca-cert.pem'),
                           server_key=self.pki.file('ca-key.pem'))
        self.assert_refused(
            f'The certificate {path}/server-cert.pem basic constraints show '
            'a CA, but we need one for a server', dir=path)
        path = self.folder('noca', *own,
                           ca_cert=self.pki.file('server-cert.pem'))
        self.assert_refused(
            f'The certificate {path}/ca-cert.pem basic constraints do not '
            'show a CA', dir=path)
        other = tls.Authority(self.path('other'))
        path = self.folder('wrong', *own, ca_cert=other.file('ca-cert.pem'))
        self.assert_refused(
            f'Our own certificate {path}/server-cert.pem failed validation '
            f"against {path}/ca-cert.pem: The certificate hasn't got a known "
            'issuer', dir=path)
        self.add(X509, 'x', dir=path, endpoint='server', sanity_check=False)
        no_signing = tls.Authority(self.path('ns'), usage='signing_key\n')
        no_signing.issue('server')
        self.assert_refused(
            f'Certificate {no_signing.dir}/ca-cert.pem usage does not permit '
            'certificate signing', id='y', dir=no_signing.dir)

    def test_times(self):
        for start, end, what in ((2020, 2021, 'has expired'),
                                 (2090, 2091, 'is not yet active')):
            self.pki.issue('server', 'cn = s\nactivation_date = '
                           f'"{start}-01-01 00:00:00"\nexpiration_date = '
                           f'"{end}-01-01 00:00:00"\n')
            self.assert_refused(
                f'The server certificate {self.pki.dir}/server-cert.pem '
                f'{what}', dir=self.pki.dir)

    def test_psk(self):
        self.pki.psk('alice')
        self.creds('s', PSK)
        self.creds('c', PSK, endpoint='client', username='alice')
        self.assert_refused('Username qemu not found in PSK file '
                            f'{self.pki.dir}/keys.psk', PSK,
                            dir=self.pki.dir, endpoint='client')
        self.assert_refused('username should not be set when '
                            'endpoint=server', PSK, dir=self.pki.dir,
                            username='alice')


    def test_anon(self):
        self.add(ANON, 'a', endpoint='server')
        self.add(ANON, 'b', dir='/nonexistent', endpoint='client')
        folder = self.folder('dh')
        params = os.path.join(folder, 'dh-params.pem')
        with open(params, 'w', encoding='ascii') as file:
            file.write('no parameters\n')
        self.assert_refused(
            f'Unable to load DH parameters from {params}: '
            'Base64 unexpected header error.', ANON, dir=folder)


if __name__ == '__main__':
    case.main()
