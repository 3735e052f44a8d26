#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The driver nbd over TLS: whom it talks to, what it tells of refusals, and
that data is what it was. Both sides are under test; some servers are
Debian's."""

import subprocess

from lib import case, images, program, tls, tools
from lib.images import MIB

X509, PSK = 'tls-creds-x509', 'tls-creds-psk'


class TlsCase(case.Case):
    kind = X509

    def setUp(self):
        super().setUp()
        self.pki = tls.make(self.path('pki'))
        self.sock = self.path('tls.sock')
        self.image = images.make(self.path('disk.img'), MIB)
        self.server = self.daemon(
            '--blockdev', f'file,node-name=d,filename={self.image}')
        self.vm = self.daemon()

    def creds(self, vm, ident='t', kind=X509, **args):
        vm.cmd('object-add', {'qom-type': kind, 'id': ident,
                              'dir': self.pki.dir, **args})

    def serve(self, kind=X509, **tls_args):
        if kind:
            self.creds(self.server, kind=kind, endpoint='server')
            tls_args['tls-creds'] = 't'
        self.server.cmd('nbd-server-start', addr={
            'type': 'unix', 'data': {'path': self.sock}}, **tls_args)
        self.server.cmd('block-export-add', {
            'type': 'nbd', 'id': 'e', 'node-name': 'd', 'name': 'e',
            'writable': True})

    def add(self, **args):
        return self.vm.execute('blockdev-add', {
            'driver': 'nbd', 'node-name': 'n', 'export': 'e',
            'server': {'type': 'unix', 'path': self.sock}, **args})

    def open(self, hostname='localhost', **args):
        return self.add(**{'tls-creds': 't', 'tls-hostname': hostname}, **args)

    def assert_opens(self, answer):
        self.assertEqual(answer, {'return': {}})

    def assert_refused(self, answer, desc):
        self.assertEqual(answer, {'error': {'class': 'GenericError',
                                            'desc': desc}})


class Certificates(TlsCase):

    def test_good(self):
        self.serve()
        self.creds(self.vm, endpoint='client')
        self.assert_opens(self.open())

    def test_credentials(self):
        self.creds(self.vm, endpoint='server')
        self.vm.cmd('object-add', {'qom-type': 'authz-simple', 'id': 'a',
                                   'identity': 'x'})
        self.serve()
        self.assert_refused(self.open(),
                            'Expected TLS credentials for a client endpoint')
        self.assert_refused(self.add(**{'tls-creds': 'a'}),
                            "Object with id 'a' is not TLS credentials")
        self.assert_refused(self.add(**{'tls-creds': 'x'}),
                            "No TLS credentials with id 'x'")

    def test_one_side_only(self):
        self.serve()
        self.assert_refused(self.add(), 'TLS negotiation required before '
                                        'option 7 (go)')

    def test_server_without(self):
        self.serve(None)
        self.creds(self.vm, endpoint='client')
        self.assert_refused(self.open(),
                            'Denied by server for option 5 (starttls)')

    def test_names(self):
        self.serve()
        self.creds(self.vm, endpoint='client')
        self.assert_refused(self.open('other.test'),
                            'Certificate does not match the hostname '
                            'other.test')
        self.assert_refused(self.add(**{'tls-creds': 't'}),
                            'No hostname for certificate validation')
        self.assert_opens(self.open('127.0.0.1'))

    def test_other_authority(self):
        self.serve()
        other = tls.make(self.path('other'))
        self.creds(self.vm, endpoint='client', dir=other.dir)
        self.assert_refused(self.open(),
                            "The certificate hasn't got a known issuer")

    def test_not_allowed(self):
        self.server.cmd('object-add', {
            'qom-type': 'authz-simple', 'id': 'a', 'identity': 'nobody'})
        self.serve(**{'tls-authz': 'a'})
        self.creds(self.vm, endpoint='client')
        # It may notice that nobody listens any more before it reads why, and
        # QEMU has two words for a connection that ended too early.
        self.assertRegex(self.open()['error']['desc'],
                         '(read option reply: Cannot read from|send option '
                         'request header: Cannot write to) TLS channel: '
                         '(Input/output error|Software caused connection '
                         'abort)$')


class Keys(TlsCase):

    def test_good(self):
        self.pki.psk('qemu')
        self.serve(PSK)
        self.creds(self.vm, kind=PSK, endpoint='client')
        self.assert_opens(self.add(**{'tls-creds': 't'}))

    def test_wrong_kind(self):
        self.pki.psk('qemu')
        self.serve(X509)
        self.creds(self.vm, kind=PSK, endpoint='client')
        answer = self.add(**{'tls-creds': 't'})
        self.assertRegex(answer['error']['desc'], '^TLS handshake failed: ')


class Data(TlsCase):

    def export(self):
        """What the client sees, to read and write it; its URI."""
        self.vm.cmd('nbd-server-start', addr={
            'type': 'unix', 'data': {'path': self.path('own')}})
        self.vm.cmd('block-export-add', {
            'type': 'nbd', 'id': 'n', 'node-name': 'n', 'writable': True})
        return f"nbd+unix:///n?socket={self.path('own')}"

    def write_and_check(self):
        several = {} if program.is_oracle() else {'multi-conn': 4}
        self.creds(self.vm, endpoint='client')
        self.assert_opens(self.open(**several))
        # Pieces of all sizes around a record's.
        offset, pieces = 0, []
        for i, size in enumerate((1, 511, 16383, 16384, 16385, 40000, 300000)):
            pieces.append((offset, size, i + 1))
            offset += size
        tools.io(self.export(),
                 *[f'aio_write -P {n} {o} {s}' for o, s, n in pieces],
                 'aio_flush', 'flush',
                 *[f'read -P {n} {o} {s}' for o, s, n in pieces])
        with open(self.image, 'rb') as f:
            self.assertEqual(f.read(offset), b''.join(
                bytes([n]) * s for _, s, n in pieces))

    def test_own_server(self):
        self.serve()
        self.write_and_check()

    def test_debian_server(self):
        server = subprocess.Popen([
            program.find_foreign('qemu-nbd'), '-t', '-f', 'raw', '-x', 'e',
            '-k', self.sock, '-e', '8', '--object',
            f'{X509},id=t,dir={self.pki.dir},endpoint=server',
            '--tls-creds', 't', self.image])
        try:
            self.assertTrue(program.wait_listening(server, self.sock))
            self.write_and_check()
        finally:
            server.terminate()
            server.wait()

    def test_reconnect(self):
        """Credentials are good for connections to come, deleted or not."""
        self.serve()
        self.creds(self.vm, endpoint='client')
        self.assert_opens(self.open(**{'reconnect-delay': 50}))
        self.vm.cmd('object-del', id='t')
        uri = self.export()
        tools.io(uri, 'read 0 4k')
        self.server.cmd('nbd-server-stop')
        self.server.cmd('object-del', id='t')
        self.serve()
        tools.io(uri, 'read 0 4k')


if __name__ == '__main__':
    case.main()
