#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What management programs ask before they start a machine, and after."""

from lib import case, hmp
from lib.case import ours_only

PC = ('-machine', 'pc', '-S')


class Probe(case.Case):

    def setUp(self):
        super().setUp()
        self.vm = hmp.start(self)

    def properties(self, model):
        return {p['name']: p for p in self.vm.cmd(
            'device-list-properties', {'typename': model})}

    def test_defaults(self):
        for model, name, kind, value in (
                ('virtio-blk-pci', 'num-queues', 'uint16', 65535),
                ('virtio-blk-pci', 'werror', 'BlockdevOnError', 'auto'),
                ('virtio-blk-pci', 'share-rw', 'bool', False),
                ('virtio-net-pci', 'tx_queue_size', 'uint16', 256),
                ('scsi-hd', 'rotation_rate', 'uint16', 0),
                ('pcie-root-port', 'hotplug', 'bool', True),
                ('VGA', 'vgamem_mb', 'uint32', 16),
                ('qxl-vga', 'vram_size', 'uint64', 64 << 20),
                ('virtio-gpu-pci', 'addr', 'int32', -1)):
            p = self.properties(model)[name]
            self.assertEqual((p['type'], p['default-value']), (kind, value),
                             (model, name))
        serial = self.properties('virtio-blk-pci')['serial']
        self.assertEqual(serial, {'name': 'serial', 'type': 'str'})

    def test_models(self):
        """All that libvirt asks about is there."""
        for model in ('virtio-net-pci', 'virtio-scsi-pci', 'ide-hd',
                      'PIIX4_PM', 'usb-redir', 'kvm-pit', 'vmport', 'vmware-svga', 'qxl',
                      'virtio-gpu-device', 'ICH9-LPC', 'virtio-balloon-pci',
                      'intel-iommu', 'mch', 'nvdimm', 'vhost-user-fs-device',
                      'virtio-mem-pci', 'virtio-iommu-pci', 'vfio-pci'):
            self.assertTrue(self.properties(model), model)
        self.assert_error(self.vm, 'device-list-properties',
                          {'typename': 'virtio-net-ccw'},
                          "Device 'virtio-net-ccw' not found",
                          cls='DeviceNotFound')

    def test_not_pluggable(self):
        for model in 'mch', 'ICH9-LPC', 'kvm-pit', 'vmport':
            self.assert_error(self.vm, 'device_add', {'driver': model},
                              "Parameter 'driver' expects a pluggable device "
                              'type')

    def test_machines(self):
        found = {m['name']: m for m in self.vm.cmd('query-machines')}
        self.assertEqual(found['pc-q35-7.2'], {
            'name': 'pc-q35-7.2', 'alias': 'q35', 'cpu-max': 288,
            'hotpluggable-cpus': True, 'numa-mem-supported': False,
            'deprecated': False, 'default-cpu-type': 'qemu64-x86_64-cpu',
            'default-ram-id': 'pc.ram'})
        self.assertTrue(found['pc-i440fx-1.4']['deprecated'])
        self.assertEqual(found['none']['default-ram-id'], 'ram')

    def test_types(self):
        types = {t['name'] for t in self.vm.cmd('qom-list-types')}
        self.assertLess({'virtio-blk-pci', 'memory-backend-ram', 'rng-random',
                         'qemu64-x86_64-cpu', 'tcg-accel', 'none-machine'},
                        types)
        names = {p['name'] for p in self.vm.cmd(
            'qom-list-properties', {'typename': 'memory-backend-file'})}
        self.assertLess({'mem-path', 'pmem', 'discard-data', 'share'}, names)
        names = {p['name'] for p in self.vm.cmd(
            'qom-list-properties', {'typename': 'max-x86_64-cpu'})}
        self.assertLess({'sse2', 'unavailable-features', 'migratable',
                         'vmx-apicv-vid', 'hv-passthrough', 'xlevel2'}, names)
        self.assertEqual(len(names), 441)

    def test_processors(self):
        models = {m['name']: m for m in self.vm.cmd('query-cpu-definitions')}
        self.assertEqual(models['Haswell']['alias-of'], 'Haswell-v1')
        props = self.vm.cmd('query-cpu-model-expansion', {
            'type': 'static', 'model': {'name': 'max'}})['model']['props']
        self.assertEqual((props['sse2'], props['ia64']), (True, False))

    def test_command_line(self):
        options = {o['option']: {p['name']: p['type']
                                 for p in o['parameters']}
                   for o in self.vm.cmd('query-command-line-options')}
        self.assertEqual(options['memory'], {
            'size': 'size', 'slots': 'number', 'maxmem': 'size'})
        self.assertEqual(options['boot-opts']['strict'], 'boolean')


class Absent(case.Case):

    def test_queries(self):
        """Hardware that is not there is told to be not there."""
        vm = hmp.start(self, *PC)
        for command, answer in (
                ('query-tpm', []), ('query-acpi-ospm-status', []),
                ('query-vcpu-dirty-limit', []), ('query-pr-managers', []),
                ('query-dump', {'total': 0, 'status': 'none', 'completed': 0}),
                ('query-colo-status', {'last-mode': 'none', 'mode': 'none',
                                       'reason': 'none'}),
                ('query-replay', {'icount': 0, 'mode': 'none'}),
                ('query-mice', [{'index': 2, 'name': 'QEMU PS/2 Mouse',
                                 'current': True, 'absolute': False}]),
                ('x-query-numa', {'human-readable-text': '0 nodes\n'}),
                ('x-query-rdma', {'human-readable-text': ''})):
            self.assertEqual(vm.cmd(command), answer, command)
        self.assertEqual(vm.cmd('query-sev')['state'], 'uninit')

    def test_refused(self):
        vm = hmp.start(self, *PC)
        for command, desc in (
                ('query-vm-generation-id', 'VM Generation ID device not found'),
                ('query-sev-launch-measure',
                 'SEV launch measurement is not available'),
                ('query-sgx', 'No EPC regions defined, SGX not available'),
                ('x-query-profile', 'Internal profiler not compiled')):
            self.assert_error(vm, command, {}, desc)

    def test_nothing_at_all(self):
        vm = hmp.start(self, '-machine', 'none')
        self.assertEqual(vm.cmd('query-mice'), [])
        self.assert_error(vm, 'query-acpi-ospm-status', {},
                          'command is not supported, missing ACPI device')
        self.assert_error(vm, 'query-sgx', {},
                          'SGX is only supported on PC machines')


class Chosen(case.Case):

    def test_values(self):
        """What devices chose is shown, not that nothing was said."""
        vm = hmp.start(
            self, *PC, '-smp', '2', '-device', 'virtio-scsi,id=s', '-blockdev',
            'null-co,node-name=n', '-blockdev', 'null-co,node-name=m',
            '-device', 'scsi-hd,drive=n,id=a', '-device',
            'scsi-hd,drive=m,id=b', '-device', 'scsi-cd,id=c,lun=5',
            '-device', 'ide-cd,id=i')
        for path, name, value in (
                ('a', 'scsi-id', 0), ('a', 'lun', 0), ('b', 'scsi-id', 1),
                ('b', 'lun', 0), ('c', 'scsi-id', 0), ('c', 'lun', 5),
                ('a', 'bootindex', -1), ('s', 'num_queues', 2),
                ('i', 'unit', 0), ('s', 'parent_bus', '/machine/i440fx/pci.0'),
                ('a', 'parent_bus',
                 '/machine/peripheral/s/virtio-backend/s.0')):
            with self.subTest(path=path, name=name):
                self.assertEqual(
                    vm.cmd('qom-get', path=path, property=name), value)


class Started(case.Case):

    def test_processors(self):
        vm = hmp.start(self, *PC, '-smp', '2')
        cpu = vm.cmd('query-cpus-fast')[0]['qom-path']
        self.assertEqual(cpu, '/machine/unattached/device[0]')
        names = {p['name'] for p in vm.cmd('qom-list', {'path': cpu})}
        self.assertLess({'sse2', 'avx', 'hypervisor', 'realized',
                         'unavailable-features'}, names)
        for name, value in (('sse2', True), ('avx', False),
                            ('unavailable-features', [])):
            self.assertEqual(vm.cmd('qom-get', {
                'path': cpu, 'property': name}), value)
        for index, text in ((1, 'VM status: paused (prelaunch)\r\n'), ):
            self.assertEqual(vm.cmd('human-monitor-command', {
                'command-line': 'info status', 'cpu-index': index}), text)

    def test_memory(self):
        vm = hmp.start(self, '-object', 'memory-backend-ram,id=m,size=64M',
                       '-object', 'rng-random,id=r,filename=/dev/urandom',
                       '-machine', 'pc,memory-backend=m', '-m', '64', '-S',
                       '-device', 'virtio-rng-pci,rng=r')
        self.assertEqual(vm.cmd('qom-get', {'path': '/objects/m',
                                            'property': 'size'}), 64 << 20)
        self.assert_error(
            vm, 'object-add', {'qom-type': 'memory-backend-ram', 'id': 'n',
                               'size': 0},
            "property 'size' of memory-backend-ram doesn't take value '0'")

    def test_statistics(self):
        """Nobody has counted anything."""
        vm = hmp.start(self, '-machine', 'none')
        for target in 'vm', 'vcpu':
            self.assertEqual(vm.cmd('query-stats', target=target), [])
        self.assertEqual(vm.cmd('query-stats', {
            'target': 'vcpu', 'vcpus': ['/x'],
            'providers': [{'provider': 'kvm', 'names': ['x']}]}), [])
        self.assertEqual(vm.cmd('query-stats-schemas'), [])
        self.assert_error(vm, 'query-stats', {'target': 'x'},
                          "Parameter 'target' does not accept value 'x'")

    def test_balloon(self):
        vm = hmp.start(self, *PC)
        self.assert_error(vm, 'query-balloon', {}, 'No balloon device has '
                          'been activated', cls='DeviceNotActive')
        vm = hmp.start(self, *PC, '-m', '128',
                       '-device', 'virtio-balloon-pci,id=b')
        self.assertEqual(vm.cmd('query-balloon'), {'actual': 128 << 20})
        stats = vm.cmd('qom-get', {'path': '/machine/peripheral/b',
                                   'property': 'guest-stats'})
        self.assertEqual(stats['last-update'], 0)

    @ours_only('needs the device')
    def test_kvm(self):
        """Says that it is used if it was asked for and is there: libvirt asks
        for ever otherwise."""
        vm = hmp.start(self, '-machine', 'pc', '-accel', 'tcg', '-S')
        self.assertEqual(vm.cmd('query-kvm'),
                         {'enabled': False, 'present': True})

    def test_fixed_buses(self):
        vm = hmp.start(self, '-machine', 'q35', '-S', '-blockdev',
                       'driver=null-co,node-name=n', '-device',
                       'pcie-root-port,id=rp', '-device',
                       'pcie-root-port,id=rq,chassis=2', '-device',
                       'virtio-scsi,id=s,bus=rq')
        fixed = "Bus 'pcie.0' does not support hotplugging"
        blk = {'driver': 'virtio-blk-pci', 'drive': 'n', 'id': 'v'}
        for bus in {}, {'bus': 'pcie.0'}:
            self.assert_error(vm, 'device_add', {**blk, **bus}, fixed)
        self.assert_error(vm, 'device_del', {'id': 'rp'}, fixed)
        self.assert_error(vm, 'device_add', {'driver': 'ide-cd',
                                             'bus': 'ide.1'},
                          "Bus 'ide.1' does not support hotplugging")
        self.assert_error(vm, 'device_add', {
            'driver': 'scsi-cd', 'bus': 's.0', 'lun': 20000},
                          'bad scsi device lun: 20000')
        vm.cmd('device_add', {**blk, 'bus': 'rp'})

    def test_actions(self):
        vm = hmp.start(self, *PC, '-no-reboot', '-no-shutdown')
        vm.cmd('cont')
        vm.cmd('system_reset')
        event = vm.qmp.event('SHUTDOWN')
        self.assertEqual(event['data']['reason'], 'host-qmp-system-reset')
        vm.qmp.event('STOP')
        self.assertEqual(vm.cmd('query-status')['status'], 'shutdown')
        self.assert_error(vm, 'cont', {},
                          'Resetting the Virtual Machine is required')
        vm.cmd('set-action', {'reboot': 'reset'})
        vm.cmd('system_reset')
        vm.qmp.event('RESET')
        self.assertEqual(vm.cmd('query-status')['status'], 'prelaunch')


if __name__ == '__main__':
    case.main()
