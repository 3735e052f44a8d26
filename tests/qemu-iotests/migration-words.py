#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What migrations are told: parameters, and capabilities that do not go
together."""

import socket

from lib import case, hmp, machine

ZERO_COPY = ('Zero copy only available for non-compressed non-TLS multifd '
             'migration')
NO_SIZE = ("Error: Parameter '{}' expects a non-negative number below 2^64\n"
           'Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, '
           'tera-, peta-\nand exabytes, respectively.\n')


class WordsCase(machine.MachineCase):

    def setUp(self):
        super().setUp()
        self.vm = self.machine()

    def shown(self, name):
        return self.vm.cmd('query-migrate-parameters')[name]

    def set(self, **values):
        self.vm.cmd('migrate-set-parameters',
                    {name.replace('_', '-'): v for name, v in values.items()})

    def refused(self, text, **values):
        self.assert_error(self.vm, 'migrate-set-parameters',
                          {name.replace('_', '-'): value
                           for name, value in values.items()}, text)


class Parameters(WordsCase):

    def test_ranges(self):
        before = self.vm.cmd('query-migrate-parameters')
        self.assertNotIn('block-bitmap-mapping', before)
        for name, value, text in (
                ('downtime_limit', 3000000,
                 'an integer in the range of 0 to (2000 * 1000) ms'),
                ('compress_level', 10, 'a value between 0 and 9'),
                ('max_cpu_throttle', 5,
                 'an integer in the range of cpu_throttle_initial to 99'),
                ('xbzrle_cache_size', 1000,
                 'a power of two no less than the target page size')):
            self.refused(f"Parameter '{name}' expects {text}", **{name: value})
        self.set(max_bandwidth=1 << 20, tls_creds=None)
        self.assertEqual(self.vm.cmd('query-migrate-parameters'),
                         dict(before, **{'max-bandwidth': 1 << 20}))

    def test_negative(self):
        """As a large number, where 64 bits hold it."""
        for name, most in (('announce_initial', 100000),
                           ('announce_rounds', 1000)):
            self.refused(f"Parameter '{name}' expects a value between 0 and "
                         f'{most}', **{name: -1})
        self.refused("Parameter 'compress-level' expects uint8_t",
                     compress_level=-1)
        self.refused("Parameter 'xbzrle_cache_size' expects a power of two no "
                     'less than the target page size', xbzrle_cache_size=-1)
        self.set(max_bandwidth=-1)
        self.assertEqual(self.shown('max-bandwidth'), (1 << 64) - 1)

    def test_throttles_go_together(self):
        text = ("Parameter 'max_cpu_throttle' expects an integer in the range "
                'of cpu_throttle_initial to 99')
        self.refused(text, cpu_throttle_initial=50, max_cpu_throttle=40)
        self.set(max_cpu_throttle=40)
        self.refused(text, cpu_throttle_initial=41)
        self.refused(text, cpu_throttle_initial=99, announce_step=0)
        self.set(cpu_throttle_initial=40)

    def test_in_a_terminal(self):
        def says(words, text):
            self.assertEqual(hmp.run(self.vm, f'migrate_set_parameter {words}'),
                             text, words)

        for name in 'announce-max', 'downtime-limit', 'xbzrle-cache-size':
            says(f'{name} -1', NO_SIZE.format(name))
            says(f'{name} x', NO_SIZE.format(name))
            says(f'{name} 18446744073709551616', 'Error: Value '
                 "'18446744073709551616' is out of range for parameter "
                 f"'{name}'\n")
        says('xbzrle-cache-size 9223372036854775808',
             'Error: Invalid size 9223372036854775808\n')
        for name in 'compress-level', 'multifd-channels':
            says(f'{name} x',
                 f"Error: Parameter '{name}' expects uint64\n")
        says('downtime-limit 1M', '')
        self.assertEqual(self.shown('downtime-limit'), 1 << 20)


class Capabilities(WordsCase):

    def turn(self, on, names):
        return {'capabilities': [{'capability': name, 'state': on}
                                 for name in names.split()]}

    def test_conflicts(self):
        names = ' '.join(c['capability'] for c
                         in self.vm.cmd('query-migrate-capabilities'))
        self.assertEqual(len(names.split()), 21)
        background = 'Background-snapshot is not compatible with '
        for together, text in (
                ('postcopy-preempt', 'Postcopy preempt requires postcopy-ram'),
                ('postcopy-preempt postcopy-ram compress',
                 'Postcopy preempt not compatible with compress'),
                ('multifd compress', 'Multifd is not compatible with compress'),
                ('zero-copy-send', ZERO_COPY),
                ('zero-copy-send multifd xbzrle', ZERO_COPY),
                ('zero-copy-send multifd compress', ZERO_COPY),
                (names, 'Postcopy is not compatible with ignore-shared'),
                ('background-snapshot xbzrle', background + 'xbzrle'),
                ('background-snapshot xbzrle return-path dirty-bitmaps',
                 background + 'dirty-bitmaps'),
                ('background-snapshot zero-copy-send',
                 background + 'zero-copy-send')):
            self.assert_error(self.vm, 'migrate-set-capabilities',
                              self.turn(True, together), text)
        shown = self.vm.cmd('query-migrate-capabilities')
        self.assertEqual([c for c in shown if c['state']], [])

    def test_one_after_the_other(self):
        self.vm.cmd('migrate-set-capabilities', self.turn(True, 'compress'))
        self.assert_error(self.vm, 'migrate-set-capabilities',
                          self.turn(True, 'multifd'),
                          'Multifd is not compatible with compress')

    def test_zero_copy(self):
        names = 'multifd zero-copy-send'
        self.set(tls_creds='x')
        self.assert_error(self.vm, 'migrate-set-capabilities',
                          self.turn(True, names), ZERO_COPY)
        self.set(tls_creds='')
        self.vm.cmd('migrate-set-capabilities', self.turn(True, names))
        self.refused(ZERO_COPY, tls_creds='x')
        self.refused(ZERO_COPY, multifd_compression='zlib')
        self.refused("Parameter 'compress_level' expects a value between 0 "
                     'and 9', multifd_compression='zlib', compress_level=10)


class Addresses(WordsCase):
    """Where to: texts that make no sense are refused at once."""

    BAD = (
        ('foo:', "Parameter 'uri' expects a valid migration protocol"),
        ('unix:', 'invalid Unix socket address'),
        ('tcp:', "error parsing address ''"),
        ('tcp:a:,b', "error parsing address 'a:,b'"),
        ('tcp::', "error parsing port in address ':'"),
        ('tcp:[::1]', "error parsing IPv6 address '[::1]'"),
        ('tcp:[]:1', "error parsing IPv6 address '[]:1'"),
        ('tcp:h:1,ipv4=x,ipv6=y', "error parsing 'ipv4' flag '=x,ipv6=y'"),
        ('tcp:h:1,ipv6x', "error parsing 'ipv6' flag 'x'"),
        ('tcp:h:1,keep-alive=1', "error parsing 'keep-alive' flag '=1'"),
        ('tcp:h:1,to=5x,ipv4=z', 'error parsing to= argument'),
        ('fd:1x', "File descriptor named '1x' has not been found"),
        ('fd:999', "File descriptor named '999' has not been found"))

    def test_out(self):
        for uri, text in self.BAD:
            self.assert_error(self.vm, 'migrate', {'uri': uri}, text)
            self.assertEqual(hmp.run(self.vm, f'migrate -d {uri}'),
                             f'Error: {text}\n')
        self.assertEqual(self.vm.cmd('query-status')['status'], 'prelaunch')

    def test_in(self):
        vm = self.machine('-incoming', 'defer')
        for uri, text in self.BAD[1:-2]:
            self.assert_error(vm, 'migrate-incoming', {'uri': uri}, text)
            done = machine.run('-nodefaults', '-display', 'none', '-S',
                               '-incoming', uri)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f'-incoming {uri}: {text}', done.stderr)
        text = 'unknown migration protocol: foo:'
        self.assert_error(vm, 'migrate-incoming', {'uri': 'foo:'}, text)

    def test_listened_at(self):
        """A port of a range, which others may use."""
        taken = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(taken.close)
        port = taken.getsockname()[1]
        vm = self.machine('-incoming', 'defer')
        uri = f'tcp:127.0.0.1:{port}'
        self.assert_error(vm, 'migrate-incoming', {'uri': uri},
                          'Failed to find an available port: Address already '
                          'in use')
        self.assert_error(vm, 'migrate-incoming', {'uri': f'{uri},ipv4=off'},
                          f'address resolution failed for 127.0.0.1:{port}: '
                          'Address family for hostname not supported')
        vm.cmd('migrate-incoming', uri=f'{uri},to=65535,ipv4')
        (address,) = vm.cmd('query-migrate')['socket-address']
        self.assertGreater(int(address.pop('port')), port)
        self.assertEqual(address, {'type': 'inet', 'host': '127.0.0.1',
                                   'ipv4': True})


if __name__ == '__main__':
    case.main()
