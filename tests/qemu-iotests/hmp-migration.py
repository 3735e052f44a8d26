#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""HMP's commands of migrations: what is set and shown, and their errors."""

from lib import case, hmp, images
from lib.images import MIB

TRY = 'Try "help {}" for more information\n'


class Migration(case.Case):

    def setUp(self):
        super().setUp()
        self.vm = hmp.start(self)

    def assert_says(self, line, text):
        self.assertEqual(hmp.run(self.vm, line), text, line)

    def test_words(self):
        for name in ('migrate', 'migrate -d', 'migrate_continue',
                     'migrate_incoming', 'migrate_recover',
                     'migrate_set_capability', 'migrate_set_parameter x'):
            command = name.split()[0]
            self.assert_says(name, f'{command}: string expected\n'
                             + TRY.format(command))
        self.assert_says('migrate -x',
                         'migrate: unsupported option -x\n'
                         + TRY.format('migrate'))
        for words in 'x', 'events', 'events foo':
            self.assert_says(f'migrate_set_capability {words}',
                             "Expected 'on' or 'off'\n"
                             + TRY.format('migrate_set_capability'))

    def test_refused(self):
        for line, text in (
                ('migrate foo',
                 "Parameter 'uri' expects a valid migration protocol"),
                ('migrate -r exec:true',
                 'Cannot resume if there is no paused migration'),
                ('migrate_continue x', 'invalid parameter value: x'),
                ('migrate_incoming tcp:1',
                 "'-incoming' was not specified on the command line"),
                ('migrate_pause', 'migrate-pause is currently only supported '
                 'during postcopy-active state'),
                ('migrate_recover x', 'Migrate recover can only be run when '
                 'postcopy is paused.'),
                ('migrate_start_postcopy', 'Enable postcopy with '
                 'migrate_set_capability before the start of migration'),
                ('migrate_set_capability x on', 'invalid parameter value: x'),
                ('migrate_set_parameter x 1', 'invalid parameter value: x'),
                ('migrate_set_parameter max-bandwidth z', 'Invalid size z'),
                ('migrate_set_parameter block-bitmap-mapping x', 'The '
                 'block-bitmap-mapping parameter can only be set through QMP'),
                ('migrate_set_parameter downtime-limit 5000000',
                 "Parameter 'downtime_limit' expects an integer in the range "
                 'of 0 to (2000 * 1000) ms'),
                ('migrate_set_parameter block-incremental foo',
                 "Parameter 'block-incremental' expects 'on' or 'off'"),
                ('migrate_set_parameter multifd-compression foo', 'Parameter '
                 "'multifd-compression' does not accept value 'foo'")):
            self.assert_says(line, f'Error: {text}\n')
        self.assert_says('migrate_cancel', '')

    def test_parameters(self):
        for words in ('max-bandwidth 5', 'multifd-channels 5',
                      'tls-creds abc', 'block-incremental on',
                      'xbzrle-cache-size 128M'):
            self.assert_says(f'migrate_set_parameter {words}', '')
        text = hmp.run(self.vm, 'info migrate_parameters')
        self.assertEqual(text.splitlines()[13:],
                         ["tls-creds: 'abc'", "tls-hostname: ''",
                          'max-bandwidth: 5242880 bytes/second',
                          'downtime-limit: 300 ms',
                          'x-checkpoint-delay: 20000 ms',
                          'block-incremental: on', 'multifd-channels: 5',
                          'multifd-compression: none',
                          'xbzrle-cache-size: 134217728 bytes',
                          'max-postcopy-bandwidth: 0', "tls-authz: ''"])

    def test_names_of_bitmaps(self):
        self.vm.cmd('migrate-set-parameters', {'block-bitmap-mapping': [
            {'node-name': 'n', 'alias': 'a', 'bitmaps': [
                {'name': 'b', 'alias': 'c'}]},
            {'node-name': 'm', 'alias': 'd', 'bitmaps': []}]})
        text = hmp.run(self.vm, 'info migrate_parameters')
        self.assertTrue(text.endswith(
            "block-bitmap-mapping:\n  'n' -> 'a'\n    'b' -> 'c'\n"
            "  'm' -> 'd'\n"), text)

    def test_capabilities(self):
        self.assert_says('migrate_set_capability dirty-bitmaps on', '')
        lines = hmp.run(self.vm, 'info migrate_capabilities').splitlines()
        self.assertEqual([x for x in lines if not x.endswith(': off')],
                         ['dirty-bitmaps: on'])
        self.assertIn('events: off', lines)

    def test_runs(self):
        globals_ = hmp.run(self.vm, 'info migrate')
        self.assertTrue(globals_.startswith('globals:\n'))
        self.vm.cmd('migrate-set-capabilities', {'capabilities': [
            {'capability': 'events', 'state': True}]})
        self.assert_says('migrate exec:cat>/dev/null', 'terminal does not '
                         'allow synchronous migration, continuing detached\n')
        while self.vm.qmp.event('MIGRATION')['data']['status'] != 'completed':
            pass
        text = hmp.run(self.vm, 'info migrate')
        self.assertTrue(text.startswith(
            globals_ + 'Migration status: completed\ntotal time: '), text)
        self.assertIn('\npage size: 4 kbytes\n', text)
        self.assert_says('migrate exec:true', "Error: Can't migrate the vm "
                         'that was paused due to previous migration\n')
        self.assert_says('info status', 'VM status: paused (postmigrate)\n')

    def test_images_are_not_ours_yet(self):
        images.make(self.path('d.img'), MIB)
        vm = hmp.start(self, '-incoming', 'defer', '-blockdev',
                       'null-co,node-name=n', '-drive',
                       f'if=none,id=d,file={self.path("d.img")},format=raw')
        self.assertEqual(hmp.run(vm, 'qemu-io d "write 0 512"'),
                         'Block node is read-only\n')
        self.assertEqual(hmp.run(vm, 'savevm x'), "Error: Device 'd' is "
                         'writable but does not support snapshots\n')
        path = self.path('mig')
        self.assertEqual(hmp.run(vm, f'migrate_incoming unix:{path}'), '')
        self.assertTrue(hmp.run(vm, 'info migrate').endswith(
            f'\nsocket address: [\n\tunix:{path}\n]\n'))
        self.assertEqual(hmp.run(vm, 'qemu-io n "write 0 512"'),
                         'Block node is read-only\n')
        self.assertEqual(hmp.run(vm, 'qemu-io n "read 0 512"'), '')


if __name__ == '__main__':
    case.main()
