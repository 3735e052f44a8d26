#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""QMP about guests, their memory, and who looks on: what is answered, and what
is refused with which words."""

from lib import case, machine
from lib.case import ours_only

ANSWERS = [
    ('query-display-options', None, {'type': 'none'}),
    ('query-dump-guest-memory-capability', None,
     {'formats': ['elf', 'kdump-zlib', 'win-dmp']}),
    ('query-rx-filter', None, []),
    ('query-spice', None, {'enabled': False, 'migrated': False,
                           'mouse-mode': 'client'}),
    ('query-vnc', None, {'enabled': False}),
    ('query-vnc-servers', None, []),
    ('query-xen-replication-status', None, {'error': False}),
    ('x-query-virtio', None, []),
    ('cancel-vcpu-dirty-limit', None, {}),
    ('rtc-reset-reinjection', None, {}),
    ('trace-event-get-state', {'name': 'no_such_*'}, []),
    ('trace-event-set-state', {'name': 'no_such_*', 'enable': True}, {}),
]

SPICE = 'SPICE is not in use'

REFUSED = [
    ('change-vnc-password', {'password': 'x'}, 'Could not set password'),
    ('client_migrate_info', {'protocol': 'x', 'hostname': 'x'},
     "Parameter 'protocol' expects 'spice'"),
    ('dump-guest-memory', {'paging': False, 'protocol': 'x'},
     "Invalid parameter 'protocol'"),
    ('dump-guest-memory', {'paging': False, 'protocol': 'file:x', 'begin': 5},
     "Parameter 'length' is missing"),
    ('dump-guest-memory', {'paging': True, 'protocol': 'file:x',
                           'format': 'kdump-zlib'},
     "kdump-compressed format doesn't support paging or filter"),
    ('dumpdtb', {'filename': 'x'}, "This machine doesn't have a FDT"),
    ('expire_password', {'protocol': 'vnc', 'time': 'now'},
     'Could not set password expire time'),
    ('set_password', {'protocol': 'vnc', 'password': 'x'},
     'Could not set password'),
    ('set_password', {'protocol': 'vnc', 'password': 'x', 'connected': 'fail'},
     "Invalid parameter 'connected'"),
    ('set_password', {'protocol': 'x', 'password': 'x'},
     "Parameter 'protocol' does not accept value 'x'"),
    ('memsave', {'val': 0, 'size': 1, 'filename': 'x', 'cpu-index': 9},
     "Parameter 'cpu-index' expects a CPU number"),
    ('query-rocker', {'name': 'x'}, 'rocker x not found'),
    ('query-rx-filter', {'name': 'x'}, 'invalid net client name: x'),
    ('query-sev-attestation-report', {'mnonce': 'x'}, 'SEV is not enabled'),
    ('sev-inject-launch-secret', {'packet-header': 'x', 'secret': 'x'},
     'SEV not enabled for guest'),
    ('replay-break', {'icount': 5},
     'setting the breakpoint is allowed only in play mode'),
    ('replay-delete-break', None,
     'replay breakpoints are allowed only in play mode'),
    ('replay-seek', {'icount': 5}, 'replay must be enabled to seek'),
    ('screendump', {'filename': 'x'},
     'There is no console to take a screendump from'),
    ('screendump', {'filename': 'x', 'head': 1},
     "'head' must be specified together with 'device'"),
    ('set-vcpu-dirty-limit', {'dirty-rate': 5},
     'dirty page limit feature requires KVM with accelerator property '
     "'dirty-ring-size' set'"),
    ('trace-event-get-state', {'name': 'no_such'}, 'unknown event "no_such"'),
    ('trace-event-set-state', {'name': 'no_such', 'enable': True},
     'unknown event "no_such"'),
    ('x-colo-lost-heartbeat', None, "The feature 'colo' is not enabled"),
    ('x-exit-preconfig', None,
     'The command is permitted only before machine initialization'),
    ('x-query-usb', None, 'USB support not enabled'),
]


class NoGuest(machine.MachineCase):

    def test_answers(self):
        vm = self.machine('-machine', 'pc')
        for name, args, answer in ANSWERS:
            with self.subTest(name):
                self.assertEqual(vm.cmd(name, args), answer)

    def test_refused(self):
        vm = self.machine('-machine', 'pc')
        for name, args, text in REFUSED:
            with self.subTest(name, args=args):
                self.assert_error(vm, name, args, text)
        for name, args in (
                ('client_migrate_info', {'hostname': 'x'}),
                ('expire_password', {'time': 'now'}),
                ('set_password', {'password': 'x'})):
            self.assert_error(vm, name, {'protocol': 'spice', **args}, SPICE,
                              cls='DeviceNotActive')
        for name, args in (('set_link', {'name': 'x', 'up': False}),
                           ('screendump', {'filename': 'x', 'device': 'x'})):
            self.assert_error(vm, name, args, "Device 'x' not found",
                              cls='DeviceNotFound')

    def test_virtio(self):
        vm = self.machine('-machine', 'pc', '-device', 'virtio-scsi-pci,id=s')
        self.assertEqual(vm.cmd('x-query-virtio'), [
            {'path': '/machine/peripheral/s/virtio-backend',
             'name': 'virtio-scsi'}])

    @ours_only('QEMU has a guest')
    def test_needs_guest(self):
        vm = self.machine('-machine', 'pc')
        none = 'this machine has no guest'
        memory = f'{none} that has memory'
        for name, args, why in (
                ('dump-guest-memory', {'paging': False, 'protocol': 'file:x'},
                 memory),
                ('memsave', {'val': 0, 'size': 1, 'filename': 'x'}, memory),
                ('pmemsave', {'val': 0, 'size': 1, 'filename': 'x'}, memory),
                ('x-query-ramblock', None, memory),
                ('x-query-roms', None, memory),
                ('x-query-irq', None, f'{none} that would be interrupted'),
                ('x-query-jit', None,
                 f'{none} whose code would be translated')):
            self.assert_error(vm, name, args, f'{name}: {why}')


if __name__ == '__main__':
    case.main()
