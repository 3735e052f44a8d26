#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sessions of libvirt 9.0 with QEMU 7.2, replayed command by command.

libvirt/ has what libvirt sent, and what it read of the answers and waited
for. Every answer, event and field is compared; the guest writes between the
commands, and a full backup holds what the disks held at its moment.
"""

import json
import os

from lib import case, libvirt_replay, libvirt_stage, program

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'libvirt')


# What libvirt looks for in a probe, and a machine without a guest has not.
WITHOUT = (
    'CXL', 'add_client', 'blockdev-add/arg-type/+nvme',
    'blockdev-add/arg-type/+rbd/encrypt', 'calc-dirty-rate',
    'calc-dirty-rate/arg-type/mode', 'ccid-card-emulated',
    'ccid-card-passthru', 'chardev-add/arg-type/backend/+qemu-vdagent',
    'chardev-spicevmc', 'dbus-vmstate', 'gpex-pcihost', 'i440FX-pcihost',
    'input-linux', 'memory-region',
    'object-add/arg-type/+sev-guest/kernel-hashes', 'pc-dimm',
    'pr-manager-helper', 'q35-pcihost', 'query-memory-devices',
    'query-tpm-models tpm-crb', 'query-tpm-models tpm-tis', 'rng-egd',
    'scsi-block', 'scsi-generic', 'send-key',
    'set-numa-node/arg-type/+hmat-lb', 'sev-guest', 'sgx-epc',
    'thread-context', 'tpm-emulator', 'tpm-passthrough',
    'vfio-pci-nohotplug', 'vhost-scsi', 'vhost-scsi-pci-non-transitional',
    'vhost-scsi-pci-transitional', 'vhost-user-blk', 'vhost-user-vga',
    'vhost-vsock-device', 'vhost-vsock-pci-non-transitional', 'virtio-mmio')


class Sessions(case.Case):

    def replay(self, name, without=()):
        with open(os.path.join(FOLDER, name + '.jsonl'),
                  encoding='utf-8') as f:
            steps = [json.loads(line) for line in f]
        libvirt_replay.Replay(self, steps, libvirt_stage.Stage,
                              without).run()

    def test_start(self):
        self.replay('01-start')

    def test_pull_failures(self):
        self.replay('06b-pull-failures')

    def test_probe(self):
        self.replay('10-probe', () if program.is_oracle() else WITHOUT)

    def test_restart(self):
        self.replay('11-restart')

    def test_checkpoints(self):
        self.replay('02-checkpoints')

    def test_push_full(self):
        self.replay('03-push-full')

    def test_push_incremental(self):
        self.replay('04-push-incremental')

    def test_pull_full(self):
        self.replay('05-pull-full')

    def test_pull_incremental(self):
        self.replay('06-pull-incremental')

    def test_blockcopy_with_checkpoints(self):
        self.replay('07b-blockcopy-checkpoints')

    def test_blockcopy_shallow(self):
        self.replay('07d-blockcopy-shallow')

    def test_failures(self):
        self.replay('07c-failures')

    def test_chains(self):
        self.replay('08-chains')

    @case.ours_only('firmware that starts meanwhile closes the trays')
    def test_devices(self):
        self.replay('09-devices')

    def test_blockcopy(self):
        self.replay('07-blockcopy')


if __name__ == '__main__':
    case.main()
