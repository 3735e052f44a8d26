#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qom-list, qom-get, qom-set and the types of objects."""

import os

from lib import case, tls
from lib.case import ours_only

LIMITS = [f'{unit}-{way}{tail}' for unit in ('bps', 'iops')
          for way in ('total', 'read', 'write')
          for tail in ('', '-max', '-max-length')] + ['iops-size']


class Qom(case.Case):

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()

    def add(self, kind, ident, **args):
        self.vm.cmd('object-add', {'qom-type': kind, 'id': ident, **args})

    def get(self, path, name):
        return self.vm.cmd('qom-get', path=path, property=name)

    def set(self, path, name, value):
        self.vm.cmd('qom-set', path=path, property=name, value=value)

    def values(self, path):
        """All properties in order, with their values."""
        return [(p['name'], p['type'], self.get(path, p['name']))
                for p in self.vm.cmd('qom-list', path=path)]

    def names(self, path):
        return [p['name'] for p in self.vm.cmd('qom-list', path=path)]

    def assert_not_set(self, path, name, value, desc, cls='GenericError'):
        self.assert_error(self.vm, 'qom-set', {
            'path': path, 'property': name, 'value': value}, desc, cls)

    def assert_not_got(self, path, name, desc, cls='GenericError'):
        self.assert_error(self.vm, 'qom-get', {
            'path': path, 'property': name}, desc, cls)


class Paths(Qom):

    def test_paths(self):
        self.add('throttle-group', 'g')
        self.add('authz-simple', 'a', identity='x')
        for path in ('/objects', 'objects', '/objects/', '//objects'):
            entries = self.vm.cmd('qom-list', path=path)
            self.assertEqual(entries[0], {'name': 'type', 'type': 'string'})
            self.assertEqual(
                sorted((e['name'], e['type']) for e in entries[1:]),
                [('a', 'child<authz-simple>'), ('g', 'child<throttle-group>')])
        for path in ('/objects/g', 'objects/g', 'g', 'g/', '//objects//g'):
            self.assertEqual(self.get(path, 'type'), 'throttle-group')
        self.assertIn({'name': 'objects', 'type': 'child<container>'},
                      self.vm.cmd('qom-list', path='/'))
        self.assertEqual(self.get('/', 'type'), 'container')
        self.assertEqual(self.get('/', 'objects'), '/objects')
        self.assertEqual(self.get('objects', 'g'), '/objects/g')

    def test_no_such(self):
        self.add('throttle-group', 'g')
        for path in ('/nosuch', 'nosuch', '/objects/nosuch', '/objects/g/x',
                     'container', '/g', 'x' * 5000, '/'.join('abcdefgh')):
            desc = f"Device '{path}' not found"
            self.assert_error(self.vm, 'qom-list', {'path': path}, desc,
                              'DeviceNotFound')
            self.assert_not_got(path, 'type', desc, 'DeviceNotFound')
            self.assert_not_set(path, 'type', 1, desc, 'DeviceNotFound')

    def test_ambiguous(self):
        self.add('throttle-group', 'objects')
        for path in ('', 'objects'):
            self.assert_error(self.vm, 'qom-list', {'path': path},
                              f"Path '{path}' is ambiguous")
            self.assert_not_got(path, 'type', f"Device '{path}' not found",
                                'DeviceNotFound')
        self.assertEqual(self.get('/objects/objects', 'type'),
                         'throttle-group')

    def test_name_of_a_property(self):
        self.assert_error(
            self.vm, 'object-add', {'qom-type': 'throttle-group',
                                    'id': 'type'},
            "attempt to add duplicate property 'type' to object (type "
            "'container')")

    def test_arguments(self):
        for command, args, name in (
                ('qom-list', {}, 'path'), ('qom-get', {}, 'path'),
                ('qom-get', {'path': '/'}, 'property'),
                ('qom-set', {'path': '/', 'property': 'type'}, 'value')):
            self.assert_error(self.vm, command, args,
                              f"Parameter '{name}' is missing")

    def test_refused(self):
        self.add('throttle-group', 'g')
        for path, kind in (('/', 'container'), ('/objects', 'container'),
                           ('g', 'throttle-group')):
            desc = f"Property '{kind}.nosuch' not found"
            self.assert_not_got(path, 'nosuch', desc)
            self.assert_not_set(path, 'nosuch', 1, desc)
            self.assert_not_set(path, 'type', 'x',
                                f"Property '{kind}.type' is not writable")
        self.assert_not_set('/objects', 'g', 'x',
                            "Property 'container.g' is not writable")
        self.assert_not_set('/', 'objects', 'x',
                            "Property 'container.objects' is not writable")

    def test_removed(self):
        self.add('throttle-group', 'g')
        self.vm.cmd('object-del', id='g')
        self.assertEqual(self.names('/objects'), ['type'])


class Types(Qom):

    def test_types(self):
        every = self.vm.cmd('qom-list-types', abstract=True)
        for entry in (
                {'name': 'iothread', 'parent': 'event-loop-base'},
                {'name': 'secret', 'parent': 'secret_common'},
                {'name': 'authz', 'parent': 'object', 'abstract': True},
                {'name': 'object', 'abstract': True},
                {'name': 'container', 'parent': 'object'}):
            self.assertIn(entry, every)
        plain = self.vm.cmd('qom-list-types')
        self.assertEqual([e for e in every if 'abstract' not in e], plain)
        made = [e['name'] for e in self.vm.cmd('qom-list-types',
                                               implements='user-creatable')]
        self.assertIn('throttle-group', made)
        self.assertNotIn('container', made)
        for kind, n in (('iothread', 1), ('nosuch', 0), ('container', 1)):
            self.assertEqual(len(self.vm.cmd('qom-list-types',
                                             implements=kind)), n)

    def test_properties(self):
        for kind, names in (
                ('object', []), ('container', []), ('authz', []),
                ('authz-simple', ['identity']),
                ('authz-list', ['policy', 'rules']),
                ('event-loop-base',
                 ['thread-pool-min', 'aio-max-batch', 'thread-pool-max']),
                ('secret_common', ['iv', 'keyid', 'loaded', 'format']),
                ('secret_keyring',
                 ['iv', 'keyid', 'loaded', 'format', 'serial']),
                ('tls-creds', ['endpoint', 'dir', 'verify-peer',
                               'priority'])):
            self.assertEqual(
                [p['name'] for p in self.vm.cmd('qom-list-properties',
                                                typename=kind)],
                ['type'] + names, kind)
        self.add('iothread', 't')
        self.assertEqual(
            self.vm.cmd('qom-list-properties', typename='iothread'),
            self.vm.cmd('qom-list', path='t'))
        self.assert_error(self.vm, 'qom-list-properties',
                          {'typename': 'nosuch'}, "Class 'nosuch' not found",
                          'DeviceNotFound')
        for kind in ('user-creatable', 'interface'):
            self.assert_error(self.vm, 'qom-list-properties',
                              {'typename': kind},
                              "Parameter 'typename' expects a QOM type")


class Throttle(Qom):

    def test_values(self):
        self.add('throttle-group', 'g', limits={'iops-total': 5})
        limits = {name: int(name.endswith('length')) for name in LIMITS}
        limits['iops-total'] = 5
        values = self.values('g')
        self.assertEqual(self.get('g', 'limits'), limits)
        self.assertEqual(
            {name: value for name, kind, value in values if kind == 'int'},
            {f'x-{name}': value for name, value in limits.items()})
        self.assertEqual([v[0] for v in values[:5]], [
            'type', 'x-bps-write-max-length', 'x-iops-total-max-length',
            'x-iops-size', 'limits'])
        self.assertEqual(values[4][1], 'ThrottleLimits')

    def test_set(self):
        self.add('throttle-group', 'g', limits={'iops-total': 5})
        self.set('g', 'limits', {'iops-total': 7})
        self.set('g', 'limits', {})
        self.set('g', 'limits', {'iops-total-max': 10})
        self.assertEqual(self.get('g', 'x-iops-total'), 7)
        self.assertEqual(self.get('g', 'limits')['iops-total-max'], 10)

    def test_refused(self):
        self.add('throttle-group', 'g', limits={'iops-total': 5})
        before = self.get('g', 'limits')
        for value, desc in (
                ({'iops-read': 1}, 'bps/iops/max total values and read/write '
                 'values cannot be used at the same time'),
                (3, "Invalid parameter type for 'limits', expected: object"),
                (None,
                 "Invalid parameter type for 'limits', expected: object"),
                ({'x': 1}, "Parameter 'limits.x' is unexpected"),
                ({'iops-total': 'a'}, 'Invalid parameter type for '
                 "'limits.iops-total', expected: integer"),
                ({'iops-total': -1}, 'bps/iops/max values must be within [0, '
                 '1000000000000000]'),
                ({'iops-total-max-length': 0},
                 'the burst length cannot be 0'),
                ({'iops-total-max-length': 1 << 40}, 'iops-total-max-length '
                 'value must be in the range [0, 4294967295]')):
            self.assert_not_set('g', 'limits', value, desc)
        self.assert_not_set('g', 'x-iops-total', 9,
                            'Property cannot be set after initialization')
        self.assertEqual(self.get('g', 'limits'), before)


class Others(Qom):

    def test_iothread(self):
        self.add('iothread', 't')
        self.assertEqual(self.values('t'), [
            ('type', 'string', 'iothread'), ('thread-pool-min', 'int', 0),
            ('aio-max-batch', 'int', 0), ('thread-pool-max', 'int', 64),
            ('poll-max-ns', 'int', 32768), ('poll-grow', 'int', 0),
            ('poll-shrink', 'int', 0)])
        for name in ('poll-max-ns', 'poll-grow', 'poll-shrink',
                     'aio-max-batch', 'thread-pool-min'):
            self.set('t', name, 5)
            self.assertEqual(self.get('t', name), 5)
            self.assert_not_set('t', name, -1, f'{name} value must be in '
                                'range [0, 9223372036854775807]')
            self.assert_not_set('t', name, 'x', 'Invalid parameter type for '
                                f"'{name}', expected: integer")
            self.assertEqual(self.get('t', name), 5)
        for name, value in (('thread-pool-max', 0), ('thread-pool-max', 4),
                            ('thread-pool-min', 65)):
            self.assert_not_set('t', name, value,
                                'bad thread-pool-min/thread-pool-max values')

    @ours_only('has no query-iothreads in the storage daemon')
    def test_iothread_query(self):
        self.add('iothread', 't')
        self.set('t', 'poll-grow', 3)
        self.assertEqual(self.vm.cmd('query-iothreads')[0]['poll-grow'], 3)

    def test_main_loop(self):
        self.add('main-loop', 'm')
        self.assertEqual(self.values('m'), [
            ('type', 'string', 'main-loop'), ('thread-pool-min', 'int', 0),
            ('aio-max-batch', 'int', 0), ('thread-pool-max', 'int', 64)])
        self.set('m', 'aio-max-batch', 5)
        self.assertEqual(self.get('m', 'aio-max-batch'), 5)
        self.assert_not_set('m', 'thread-pool-min', 65,
                            'bad thread-pool-min/thread-pool-max values')
        for args, desc in (
                ({}, 'only one main-loop instance allowed'),
                ({'aio-max-batch': -1}, 'aio-max-batch value must be in '
                 'range [0, 9223372036854775807]'),
                ({'thread-pool-max': 0},
                 'bad thread-pool-min/thread-pool-max values')):
            self.assert_error(self.vm, 'object-add', {
                'qom-type': 'main-loop', 'id': 'n', **args}, desc)
        self.assert_error(self.vm, 'object-del', {'id': 'm'},
                          "object 'm' is in use, can not be deleted")

    def test_authz(self):
        self.add('authz-simple', 's', identity='bob')
        self.set('s', 'identity', 'al')
        self.assertEqual(self.values('s'), [
            ('type', 'string', 'authz-simple'), ('identity', 'string', 'al')])
        self.assert_not_set('s', 'identity', 4, 'Invalid parameter type for '
                            "'identity', expected: string")
        self.add('authz-list', 'l',
                 rules=[{'match': 'x', 'policy': 'allow'}])
        self.assertEqual(self.values('l'), [
            ('type', 'string', 'authz-list'),
            ('policy', 'QAuthZListPolicy', 'deny'),
            ('rules', 'QAuthZListRule', [{'match': 'x', 'policy': 'allow'}])])
        for name, value in (
                ('policy', 'allow'), ('rules', []),
                ('rules', [{'match': 'y', 'policy': 'deny',
                            'format': 'glob'}])):
            self.set('l', name, value)
            self.assertEqual(self.get('l', name), value)
        for name, value, desc in (
                ('policy', 'x', "Parameter 'policy' does not accept value "
                 "'x'"),
                ('rules', 3, "Invalid parameter type for 'rules', expected: "
                 'array'),
                ('rules', [{'match': 1}], 'Invalid parameter type for '
                 "'rules[0].match', expected: string")):
            self.assert_not_set('l', name, value, desc)

    def test_secret(self):
        self.add('secret', 's', data='abc')
        self.assertEqual(self.vm.cmd('qom-list', path='s'), [
            {'name': 'type', 'type': 'string'},
            {'name': 'iv', 'type': 'string'},
            {'name': 'keyid', 'type': 'string'},
            {'name': 'loaded', 'type': 'bool'},
            {'name': 'format', 'type': 'QCryptoSecretFormat'},
            {'name': 'file', 'type': 'string'},
            {'name': 'data', 'type': 'string'}])
        for name, value in (('iv', ''), ('keyid', ''), ('loaded', True),
                            ('format', 'raw'), ('file', '')):
            self.assertEqual(self.get('s', name), value)
        self.assert_not_set('s', 'loaded', True,
                            "Property 'secret.loaded' is not writable")

    @ours_only('tells the secret, and takes another one that nobody uses')
    def test_secret_stays(self):
        self.add('secret', 's', data='abc')
        self.assert_not_got('s', 'data',
                            "Property 'secret.data' is not readable")
        for name in ('data', 'file', 'format', 'iv', 'keyid'):
            self.assert_not_set('s', name, 'x', 'Property cannot be set '
                                'after initialization')

    def make_creds(self):
        with open(self.path('keys.psk'), 'w', encoding='ascii') as keys:
            keys.write('qemu:00112233445566778899aabbccddeeff\n')
        os.chmod(keys.name, 0o600)
        pki = tls.make(self.path('pki'))
        self.add('tls-creds-psk', 'p', endpoint='server', dir=self.dir)
        self.add('tls-creds-x509', 'x', endpoint='server',
                 dir=os.path.dirname(pki.file('ca-cert.pem')))

    def test_tls(self):
        self.make_creds()
        common = [('endpoint', 'QCryptoTLSCredsEndpoint', 'server'),
                  ('dir', 'string', self.get('x', 'dir')),
                  ('verify-peer', 'bool', True), ('priority', 'string', '')]
        self.assertEqual(self.values('x'), [
            ('type', 'string', 'tls-creds-x509'), *common,
            ('sanity-check', 'bool', True), ('passwordid', 'string', ''),
            ('loaded', 'bool', True)])
        self.add('tls-creds-anon', 'n', endpoint='client')
        self.assertEqual(self.values('n'), [
            ('type', 'string', 'tls-creds-anon'),
            ('endpoint', 'QCryptoTLSCredsEndpoint', 'client'),
            ('dir', 'string', ''), *common[2:], ('loaded', 'bool', True)])
        common[1] = ('dir', 'string', self.dir)
        self.assertEqual(self.values('p'), [
            ('type', 'string', 'tls-creds-psk'), *common,
            ('username', 'string', ''), ('loaded', 'bool', True)])
        self.assert_not_set('x', 'loaded', False,
                            "Property 'tls-creds-x509.loaded' is not writable")

    @ours_only('takes other values, without effect')
    def test_tls_stays(self):
        self.make_creds()
        for ident in 'px':
            self.assert_not_set(ident, 'dir', '/x', 'Property cannot be set '
                                'after initialization')


if __name__ == '__main__':
    case.main()
