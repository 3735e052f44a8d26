#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A domain goes from one private libvirtd to another, and back, with its disks
and checkpoints: see README.md."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

import run

DISKS = '/tmp/libvirt-migrate-disks'  # of each side; nobody else sees it
TIMEOUT_S = 60

DOMAIN = f"""<domain type='qemu'>
  <name>m</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <emulator>{{emulator}}</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
      <source file='{DISKS}/vda.qcow2'/><target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/>
      <source file='{DISKS}/vdb.raw'/><target dev='vdb' bus='virtio'/></disk>
    <memballoon model='none'/>
  </devices>
</domain>"""

GUEST = '/machine/peripheral/virtio-disk0/virtio-backend'


def wait_for(path):
    deadline = time.monotonic() + TIMEOUT_S
    while not os.path.exists(path):
        assert time.monotonic() < deadline, path
        time.sleep(0.1)


class Side:
    """One host: a namespace with a name, disks and a libvirtd of its own."""

    def __init__(self, shared, name):
        self.shared, self.name = shared, name
        run.hide_host()
        os.makedirs(DISKS, exist_ok=True)
        subprocess.run(['mount', '-t', 'tmpfs', 'tmpfs', DISKS], check=True)
        subprocess.run(['hostname', f'host-{name}'], check=True)
        os.mkdir(os.path.join(shared, name))
        with open('/etc/libvirt/libvirtd.conf', 'w', encoding='utf-8') as f:
            f.write('auth_unix_ro = "none"\nauth_unix_rw = "none"\n'
                    f'unix_sock_dir = "{shared}/{name}"\n'
                    'host_uuid = "31a1b1c1-1d11-4e11-9f11-'
                    f'1a111b11111{ord(name) - ord("a")}"\n')
        run.write_qemu_conf()
        self.daemon = subprocess.Popen(['libvirtd'],
                                       stderr=subprocess.DEVNULL)
        wait_for(socket_of(shared, name))

    def end(self):
        self.daemon.terminate()
        self.daemon.wait(TIMEOUT_S)


def socket_of(shared, name):
    return os.path.join(shared, name, 'libvirt-sock')


def uri(shared, name):
    return f'qemu+unix:///system?socket={socket_of(shared, name)}'


class Flow:
    """`failed` are the steps that failed."""

    def __init__(self, shared, emulator):
        self.shared, self.emulator = shared, emulator
        self.failed = []

    def virsh(self, name, *argv, wanted=''):
        done = subprocess.run(
            ['virsh', '-c', uri(self.shared, name), *argv],
            capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        ok = done.returncode == 0 and wanted in done.stdout
        print('ok' if ok else 'not ok', '-', name, *argv[:3], flush=True)
        if not ok:
            self.failed.append(argv)
            print('# ' + done.stderr.strip() + done.stdout.strip())

    def go(self, here, there, storage):
        self.virsh(here, 'migrate', '--live', storage, 'm',
                   uri(self.shared, there), '--migrateuri',
                   'tcp://127.0.0.1', '--timeout', '30')
        self.virsh(there, 'domstate', 'm', wanted='running')

    def guest(self, name, command):
        self.virsh(name, 'qemu-monitor-command', 'm', '--hmp',
                   f'qemu-io -d {GUEST} "{command}"')

    def run(self):
        path = os.path.join(self.shared, 'm.xml')
        with open(path, 'w', encoding='utf-8') as f:
            f.write(DOMAIN.format(emulator=self.emulator))
        self.virsh('a', 'define', path)
        self.virsh('a', 'start', 'm')
        self.virsh('a', 'checkpoint-create-as', 'm', 'c1', '--diskspec', 'vda',
                   '--diskspec', 'vdb,checkpoint=no')
        self.guest('a', 'write -P 5 0 1M')
        self.go('a', 'b', '--copy-storage-all')
        self.guest('b', 'read -P 5 0 1M')
        self.virsh('b', 'qemu-monitor-command', 'm',
                   '{"execute":"query-named-block-nodes"}',
                   wanted='"name":"c1"')
        self.guest('b', 'write -P 6 0 1M')
        self.go('b', 'a', '--copy-storage-all')
        self.guest('a', 'read -P 6 0 1M')
        self.virsh('a', 'destroy', 'm')
        return not self.failed


def inside(options):
    """In the namespace of one side."""
    shared, name = options.inside
    side = Side(shared, name)
    done = os.path.join(shared, 'done')
    try:
        for disk, kind, size in (('vda.qcow2', 'qcow2', '64M'),
                                 ('vdb.raw', 'raw', '16M')):
            subprocess.run(['qemu-img', 'create', '-q', '-f', kind,
                            os.path.join(DISKS, disk), size], check=True)
        if name == 'b':
            wait_for(done)
            return 0
        wait_for(socket_of(shared, 'b'))
        try:
            return 0 if Flow(shared, options.emulator).run() else 1
        finally:
            with open(done, 'wb'):
                pass
    finally:
        side.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--build', help='test the machine of this build')
    parser.add_argument('--emulator', help='test this program')
    parser.add_argument('--inside', nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.build:
        options.emulator = os.path.abspath(
            os.path.join(options.build, 'compat', 'qemu-system-x86_64'))
    if not options.emulator:
        parser.error('say --build or --emulator')
    if options.inside:
        sys.exit(inside(options))
    shared = tempfile.mkdtemp(prefix='libvirt-')
    try:
        sides = [subprocess.Popen(
            ['unshare', '-m', '-u', sys.executable, os.path.abspath(__file__),
             '--inside', shared, name, '--emulator', options.emulator])
                 for name in 'ab']
        codes = [side.wait(4 * TIMEOUT_S) for side in sides]
    finally:
        shutil.rmtree(shared, ignore_errors=True)
    sys.exit(max(codes))


if __name__ == '__main__':
    main()
