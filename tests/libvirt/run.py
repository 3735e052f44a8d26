#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A domain of a private libvirtd on a machine of ours: see README.md."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

HIDDEN = ('/var/lib/libvirt', '/var/cache/libvirt', '/run', '/etc/libvirt',
          '/var/log/libvirt')
TIMEOUT_S = 60

DOMAIN = """<domain type='qemu'>
  <name>d</name><memory unit='MiB'>64</memory><vcpu>2</vcpu>
  <iothreads>1</iothreads>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/><apic/><vmport state='off'/></features>
  <devices>
    <emulator>{emulator}</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none' discard='unmap'/>
      <source file='{dir}/vda.qcow2'/><target dev='vda' bus='virtio'/>
      <serial>S1</serial></disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' error_policy='report' iothread='1'/>
      <source file='{dir}/vdb.raw'/><target dev='vdb' bus='virtio'/></disk>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
      <source file='{dir}/sda.qcow2'/><target dev='sda' bus='scsi'/></disk>
    <disk type='file' device='cdrom'><driver name='qemu' type='raw'/>
      <source file='{dir}/cd.iso'/><target dev='sdb' bus='sata'/>
      <readonly/></disk>
    <controller type='scsi' index='0' model='virtio-scsi'/>
    <controller type='usb' index='0' model='qemu-xhci'/>
    <interface type='user'><model type='virtio'/></interface>
    <serial type='pty'><target port='0'/></serial>
    <channel type='unix'><source mode='bind'/>
      <target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <input type='tablet' bus='usb'/>
    <graphics type='vnc' port='-1' autoport='yes'/>
    <sound model='ich9'/><video><model type='qxl'/></video>
    <watchdog model='i6300esb' action='reset'/>
    <memballoon model='virtio'/>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>"""

MAC = '52:54:00:12:34:57'
CARD = f"""<interface type='user'><mac address='{MAC}'/>
  <model type='virtio'/></interface>"""

PUSH = """<domainbackup>{since}<disks>
  <disk name='vda' type='file'><target file='{dir}/{name}'/>
    <driver type='qcow2'/></disk>
  <disk name='vdb' backup='no'/><disk name='sda' backup='no'/>
</disks></domainbackup>"""

PULL = """<domainbackup mode='pull'>{since}
  <server transport='unix' socket='{dir}/nbd'/><disks>
  <disk name='vda' type='file'><scratch file='{dir}/{name}'/></disk>
  <disk name='vdb' backup='no'/><disk name='sda' backup='no'/>
</disks></domainbackup>"""


class Flow:
    """Runs virsh in the namespace; `failed` are the steps that failed."""

    def __init__(self, directory, emulator):
        self.dir, self.emulator = directory, emulator
        self.failed = []

    def step(self, *argv):
        done = subprocess.run(argv, capture_output=True, text=True,
                              timeout=TIMEOUT_S, check=False)
        ok = done.returncode == 0
        print('ok' if ok else 'not ok', '-', ' '.join(argv[:6]), flush=True)
        if not ok:
            self.failed.append(argv)
            print('# ' + (done.stderr.strip() or done.stdout.strip()))
        return done.stdout

    def virsh(self, *argv):
        return self.step('virsh', '-c', 'qemu:///system', *argv)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, file_name, text, **values):
        path = self.path(file_name)
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text.format(dir=self.dir, emulator=self.emulator,
                                **values))
        return path

    def backup(self, text, name, since=None):
        since = f'<incremental>{since}</incremental>' if since else ''
        self.virsh('backup-begin', 'd',
                   self.write(name + '.xml', text, name=name, since=since))

    def wait_for_job(self):
        deadline = time.monotonic() + TIMEOUT_S
        while 'None' not in self.virsh('domjobinfo', 'd'):
            assert time.monotonic() < deadline, 'the job does not end'
            time.sleep(0.2)

    def snapshot(self, name):
        self.virsh('snapshot-create-as', 'd', name, '--disk-only',
                   '--no-metadata', '--diskspec',
                   f'vda,file={self.path(name)}', '--diskspec',
                   'vdb,snapshot=no')

    def run(self):
        for name, kind, size in (('vda.qcow2', 'qcow2', '64M'),
                                 ('vdb.raw', 'raw', '16M'),
                                 ('sda.qcow2', 'qcow2', '8M'),
                                 ('cd.iso', 'raw', '1M'),
                                 ('other.iso', 'raw', '2M'),
                                 ('hot.qcow2', 'qcow2', '8M')):
            self.step('qemu-img', 'create', '-q', '-f', kind,
                      self.path(name), size)
        self.virsh('define', self.write('d.xml', DOMAIN))
        self.virsh('start', 'd')
        self.checkpoints()
        self.copies()
        self.chains()
        self.others()
        return not self.failed

    def checkpoints(self):
        for name in 'c1', 'c2':
            self.virsh('checkpoint-create-as', 'd', name, '--diskspec', 'vda',
                       '--diskspec', 'vdb,checkpoint=no', '--diskspec',
                       'sda,checkpoint=no')
        self.virsh('checkpoint-dumpxml', 'd', 'c1', '--size')
        self.backup(PUSH, 'full')
        self.wait_for_job()
        self.backup(PUSH, 'increment', 'c1')
        self.wait_for_job()
        self.backup(PULL, 'scratch', 'c2')
        self.step('nbdinfo', '--map=qemu:dirty-bitmap:backup-vda',
                  f'nbd+unix:///vda?socket={self.path("nbd")}')
        self.virsh('domjobabort', 'd')
        self.virsh('checkpoint-delete', 'd', 'c1')

    def copies(self):
        copy = ('--wait', '--transient-job')
        self.virsh('blockcopy', 'd', 'vda', self.path('copy'), '--format',
                   'qcow2', '--pivot', *copy)
        self.virsh('blockcopy', 'd', 'vdb', self.path('copyb'), '--format',
                   'raw', '--finish', *copy)

    def chains(self):
        self.snapshot('s1')
        self.snapshot('s2')
        self.virsh('blockcommit', 'd', 'vda', '--top', self.path('s1'),
                   '--base', self.path('copy'), '--wait')
        self.virsh('blockcommit', 'd', 'vda', '--active', '--wait', '--pivot')
        self.snapshot('s3')
        self.virsh('blockcopy', 'd', 'vda', self.path('copy3'), '--shallow',
                   '--wait', '--transient-job', '--pivot')
        self.virsh('snapshot-create-as', 'd', 'memory', '--memspec',
                   self.path('memory'), '--diskspec',
                   f'vda,file={self.path("s4")}', '--diskspec',
                   'vdb,snapshot=no', '--diskspec', 'sda,snapshot=no')
        self.virsh('snapshot-delete', 'd', 'memory', '--metadata')
        self.virsh('blockpull', 'd', 'vda', '--wait')

    def others(self):
        self.virsh('blockresize', 'd', 'vda', '80M')
        self.virsh('blkdeviotune', 'd', 'vda', '--total-bytes-sec', '1000000')
        self.virsh('blkdeviotune', 'd', 'vda')
        self.virsh('attach-disk', 'd', self.path('hot.qcow2'), 'vdc',
                   '--driver', 'qemu', '--subdriver', 'qcow2', '--live')
        self.virsh('detach-disk', 'd', 'vdc', '--live')
        card = self.write('card.xml', CARD)
        self.virsh('attach-device', 'd', card, '--live')
        self.virsh('domif-setlink', 'd', MAC, 'down')
        self.virsh('detach-interface', 'd', 'user', '--mac', MAC, '--live')
        self.virsh('suspend', 'd')
        self.virsh('resume', 'd')
        self.virsh('reset', 'd')
        for command in 'domstats', 'dommemstat', 'domblkerror', 'domblklist':
            self.virsh(command, 'd')
        self.virsh('setmem', 'd', '32M', '--live')
        self.virsh('iothreadadd', 'd', '2')
        self.virsh('iothreaddel', 'd', '2')
        self.media()
        self.virsh('save', 'd', self.path('saved'))
        self.virsh('restore', self.path('saved'))

    def media(self):
        change = ('change-media', 'd', 'sdb')
        self.virsh(*change, '--eject')
        self.virsh(*change, self.path('other.iso'), '--insert')
        self.virsh(*change, self.path('cd.iso'), '--update')


def hide_host():
    subprocess.run(['mount', '--make-rprivate', '/'], check=True)
    for path in HIDDEN:
        os.makedirs(path, exist_ok=True)
        subprocess.run(['mount', '-t', 'tmpfs', 'tmpfs', path], check=True)
    for path in '/run/libvirt', '/run/lock', '/etc/libvirt/qemu', \
            '/var/lib/libvirt/qemu':
        os.makedirs(path)


def write_qemu_conf():
    with open('/etc/libvirt/qemu.conf', 'w', encoding='utf-8') as f:
        f.write('security_driver = "none"\nuser = "root"\ngroup = "root"\n'
                'dynamic_ownership = 0\nremember_owner = 0\nnamespaces = []\n'
                'stdio_handler = "file"\ncgroup_controllers = []\n')


def start_libvirtd(directory):
    with open('/etc/libvirt/libvirtd.conf', 'w', encoding='utf-8') as f:
        f.write('auth_unix_ro = "none"\nauth_unix_rw = "none"\n'
                'log_filters = "1:qemu.qemu_monitor"\n'
                f'log_outputs = "1:file:{directory}/libvirtd.log"\n')
    write_qemu_conf()
    daemon = subprocess.Popen(['libvirtd'], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + TIMEOUT_S
    while not os.path.exists('/run/libvirt/libvirt-sock'):
        assert daemon.poll() is None, 'libvirtd does not start'
        assert time.monotonic() < deadline, 'libvirtd is not ready'
        time.sleep(0.1)
    return daemon


def inside(options):
    """In the namespace."""
    hide_host()
    daemon = start_libvirtd(options.inside)
    flow = Flow(options.inside, options.emulator)
    try:
        ok = flow.run()
    finally:
        subprocess.run(['virsh', '-c', 'qemu:///system', 'destroy', 'd'],
                       capture_output=True, check=False)
        daemon.terminate()
        daemon.wait(TIMEOUT_S)
    return 0 if ok else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--build', help='test the machine of this build')
    parser.add_argument('--emulator', help='test this program')
    parser.add_argument('--keep', action='store_true',
                        help='keep the directory with the log of libvirtd')
    parser.add_argument('--inside', help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.build:
        options.emulator = os.path.abspath(
            os.path.join(options.build, 'compat', 'qemu-system-x86_64'))
    if not options.emulator:
        parser.error('say --build or --emulator')
    if options.inside:
        sys.exit(inside(options))
    directory = tempfile.mkdtemp(prefix='libvirt-')
    try:
        code = subprocess.run(
            ['unshare', '-m', sys.executable, os.path.abspath(__file__),
             '--inside', directory, '--emulator', options.emulator],
            check=False).returncode
    finally:
        if options.keep:
            print(f'# kept: {directory}')
        else:
            shutil.rmtree(directory, ignore_errors=True)
    sys.exit(code)


if __name__ == '__main__':
    main()
