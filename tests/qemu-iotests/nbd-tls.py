#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""NBD over TLS: credentials, who may connect, and what goes in the clear."""

import os
import shutil
import ssl

import nbd

from lib import case, exports, images, nbdwire, tls, tools
from lib.case import ours_only
from lib.images import KIB, MIB

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


class Wire(ServerCase):
    """The protocol by hand."""

    def setUp(self):
        super().setUp()
        self.creds()
        self.start(tls_creds='tls')

    def wire(self):
        wire = nbdwire.Wire(self.server.path)
        self.addCleanup(wire.close)
        wire.greet()
        return wire

    def secure(self, wire):
        wire.option(nbdwire.OPT_STARTTLS)
        self.assertEqual(wire.option_replies(), [(nbdwire.REP_ACK, b'')])
        context = ssl.create_default_context(
            cafile=self.pki.file('ca-cert.pem'))
        context.check_hostname = False
        context.load_cert_chain(self.pki.file('client-cert.pem'),
                                self.pki.file('client-key.pem'))
        wire.sock = context.wrap_socket(wire.sock)

    def test_nothing_before_tls(self):
        wire = self.wire()
        for number, data in (
                (nbdwire.OPT_LIST, b''), (nbdwire.OPT_LIST, b'x'),
                (nbdwire.OPT_INFO, nbdwire.go_data('disk')),
                (nbdwire.OPT_GO, nbdwire.go_data('disk')),
                (nbdwire.OPT_STRUCTURED, b''),
                (nbdwire.OPT_LIST_META, nbdwire.meta('disk', [])),
                (nbdwire.OPT_SET_META, nbdwire.meta('disk', [])),
                (99, b'')):
            wire.option(number, data)
            self.assertEqual(wire.option_replies(), [(
                nbdwire.REP_ERR | 5,
                f'Option {number:#x} not permitted before TLS'.encode())])
        self.secure(wire)

    def test_starttls_with_data(self):
        wire = self.wire()
        wire.option(nbdwire.OPT_STARTTLS, b'x')
        self.assertEqual(wire.option_replies(), [(
            nbdwire.REP_ERR_INVALID,
            b"option 'starttls' has unexpected length")])

    def test_export_name_before_tls(self):
        wire = self.wire()
        wire.option(nbdwire.OPT_EXPORT_NAME, b'disk')
        self.assertEqual(wire.recv_until_closed(), b'')

    def test_twice(self):
        wire = self.wire()
        self.secure(wire)
        wire.option(nbdwire.OPT_STARTTLS)
        self.assertEqual(wire.option_replies(), [(
            nbdwire.REP_ERR_INVALID, b'TLS already enabled')])
        wire.option(nbdwire.OPT_LIST)
        self.assertEqual(wire.option_replies(), [
            (nbdwire.REP_SERVER, nbdwire.string('disk')),
            (nbdwire.REP_ACK, b'')])

    def test_junk_instead_of_tls(self):
        for data in b'junk' * 100, b'', b'\x16\x03\x01\xff\xff' * 5000:
            wire = self.wire()
            wire.option(nbdwire.OPT_STARTTLS)
            self.assertEqual(wire.option_replies()[-1][0], nbdwire.REP_ACK)
            try:
                wire.send(data)
                wire.sock.shutdown(1)
            except OSError:
                pass
            wire.recv_until_closed()
        self.assert_serves()

    @ours_only('takes it for a handshake')
    def test_options_slipped_in_before_tls(self):
        """What comes with STARTTLS must not be believed afterwards."""
        wire = self.wire()
        wire.send(nbdwire.OPTION_MAGIC + b'\0\0\0\5\0\0\0\0' +
                  nbdwire.OPTION_MAGIC + b'\0\0\0\3\0\0\0\0')
        self.assertEqual(wire.option_reply()[1], nbdwire.REP_ACK)
        self.assertEqual(wire.recv_until_closed(), b'')
        self.assert_serves()

    def test_cut_connections(self):
        for _ in range(20):
            wire = self.wire()
            self.secure(wire)
            wire.option(nbdwire.OPT_GO, nbdwire.go_data('disk'))
            self.assertEqual(wire.option_replies()[-1][0], nbdwire.REP_ACK)
            wire.request(nbdwire.CMD_READ, 0, 65536)
            wire.close()
        self.assert_serves()

    def test_stop_with_a_client(self):
        handle = self.connect()
        handle.pread(512, 0)
        self.stop()
        self.assertEqual(exports.errno_of(handle.pread, 512, 0), 'ENOTCONN')

    @ours_only('hangs until these clients leave')
    def test_stop_in_handshakes(self):
        shaken, shaking = self.wire(), self.wire()
        self.secure(shaken)
        shaking.option(nbdwire.OPT_STARTTLS)
        self.assertEqual(shaking.option_replies()[-1][0], nbdwire.REP_ACK)
        self.stop()
        self.assertEqual(shaking.recv_until_closed(), b'')


if __name__ == '__main__':
    case.main()
