#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes a session for libvirt-replay.py of a recording of libvirt's monitor.

    trim.py RECORDING [WORDS] >SESSION

A line of RECORDING is {"dir": "greeting|send|reply|event", "msg": MESSAGE}; a
greeting may have an "argv", with which libvirt started the program, and
"files", sizes of images that nobody asks for; it has "probe" if libvirt asks a
machine that has nothing, and "reconnect" if the program ran already. A send
has "full" if it adds a file whose file system gets full. WORDS are strings of
libvirt's driver, one a line: of what a probe lists, the names among them count.
A line of SESSION is one step, in the order of the recording:

    {"start": DISKS, "argv": []} the program starts with these disks, and with
                                 options for buses and removable media
    {"reconnect": true}          libvirt comes back to the running program
    {"file": NAME, ...}          someone makes an image for libvirt
    {"do": "qom-get", "with": {"path": P}, "each": {PROPERTY: VALUE}}
    {"do": COMMAND, "with": ARGUMENTS, "gives": G | "fails": TEXT}
                                 and the "class" of the failure if unusual
    {"see": EVENT, ...}          an event; before the answer of the step
                                 above it if "early"
    {"end": "signal"}            libvirt ends the program by SIGTERM

Answers of queries are cut down to what libvirt reads of them and what does
not depend on the moment. Addresses of NBD and of a migration become sockets in
DIR, for a port may be taken. A backup that was cancelled half way gets a low
speed, for the disks of the replay hold too little to be caught at it.
"""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..'))

from lib.libvirt_answers import (  # noqa: E402
    ANSWERS, HOLDS, Schema, node_of)

# What a host has, or its KVM, and not the program.
HOST = ('query-sev-capabilities', 'query-sgx-capabilities')

# What is sure to come before the answer of the command that brings it.
EARLY = ('RESUME', 'STOP', 'DEVICE_TRAY_MOVED', 'BLOCK_EXPORT_DELETED')
EARLY_STATES = ('created', 'null')


def nodes(answer):
    """{node: what libvirt reads} of query-named-block-nodes."""
    found = {}
    for node in answer:
        if node['node-name'].startswith('#'):
            continue
        image = node['image']
        entry = {'cluster': image.get('cluster-size'), 'bitmaps': {
            b['name']: [b['granularity'], b['recording'], b['persistent']]
            for b in node.get('dirty-bitmaps', []) if 'name' in b}}
        if node['drv'] != 'file':
            entry['size'] = image['virtual-size']
        found[node['node-name']] = entry
    return found


def devices(answer):
    """{qdev: [node, removable, io-status]} of query-block."""
    return {d['qdev']: [node_of(d), d['removable'], d.get('io-status')]
            for d in answer}


def stats(answer):
    """Which devices or nodes query-blockstats lists."""
    names = [e.get('qdev') or e['node-name'] for e in answer]
    return sorted(n for n in names if not n.startswith('#'))


def jobs(answer):
    """{id: [type, error]} of query-jobs."""
    return {j['id']: [j['type'], j.get('error')] for j in answer}


def block_jobs(answer):
    """{device: type} of query-block-jobs."""
    return {j['device']: j['type'] for j in answer}


GIVES = {
    **ANSWERS,
    'query-named-block-nodes': nodes, 'query-block': devices,
    'query-jobs': jobs, 'query-block-jobs': block_jobs,
}


def gives(command, arguments, answer):
    if command == 'query-blockstats':
        return stats(answer)
    return GIVES.get(command, lambda a: a)(answer)


def to_sockets(command, arguments):
    """Sockets for what ARGUMENTS name by host and port."""
    if command == 'nbd-server-start':
        if arguments['addr']['type'] == 'inet':
            arguments['addr'] = {'type': 'unix',
                                 'data': {'path': '/images/nbd.sock'}}
    elif command == 'blockdev-add' and arguments['driver'] == 'nbd':
        if arguments['server']['type'] == 'inet':
            arguments['server'] = {'type': 'unix', 'path': '/images/nbd.sock'}
    elif command == 'migrate-incoming':
        arguments['uri'] = 'unix:/images/migrate.sock'


class Trimmer:
    """Invariant: `steps` is the session up to the message in hand, `files` are
    the images that are there by then."""

    def __init__(self, messages, words):
        self.messages, self.words = messages, words
        self.steps = []
        self.size = {}
        self.files = set()
        self.property = None

    def run(self):
        waiting = None
        for i, entry in enumerate(self.messages):
            kind, msg = entry['dir'], entry['msg']
            if kind == 'greeting':
                self.size.update(entry.get('files', {}))
                self.greeting(i, entry)
            elif kind == 'send':
                waiting = self.send(i, msg)
                if entry.get('full'):
                    waiting['full'] = True
            elif kind == 'reply':
                self.reply(waiting, msg)
                waiting = None
            else:
                self.event(msg, waiting is not None)
        self.hold_cancelled()
        self.steps = [step for step in self.steps if not self.of_host(step)]
        return self.steps

    @staticmethod
    def of_host(step):
        model = step.get('with', {}).get('model', {})
        return step.get('do') in HOST or model.get('name') == 'host'

    def greeting(self, i, entry):
        if entry.get('probe'):
            self.steps.append({'start': [], 'machine': 'none'})
        elif entry.get('reconnect'):
            self.steps.append({'reconnect': True})
        else:
            self.start(i, entry.get('argv', []))

    def starts(self):
        """Arguments of the starts of jobs, the last first."""
        for step in reversed(self.steps):
            for action in step.get('with', {}).get('actions', []):
                if 'job-id' in action['data']:
                    yield action['data']

    def hold_cancelled(self):
        """What is cancelled must not be over before. (A backup that copies
        only what is written goes on by itself.)"""
        lasting = {data['job-id'] for data in self.starts()
                   if data.get('sync') == 'none'}
        jobs = set()
        for step in self.steps:
            if step.get('see') == 'BLOCK_JOB_CANCELLED' and \
                    step['type'] == 'backup' and step['device'] not in lasting:
                jobs.add(step['device'])
                step['speed'] = 1
        # The last start of a job of that name is the one.
        for data in self.starts():
            if data['job-id'] in jobs:
                jobs.remove(data['job-id'])
                data['speed'] = 1

    def start(self, i, argv):
        """Virtio disks are the stage's; of the rest all that SCSI needs."""
        step = {'start': self.find_disks(i)}
        pairs = [(option, json.loads(text))
                 for option, text in zip(argv, argv[1:])
                 if option in ('-device', '-blockdev') and text[0] == '{']
        needs = ('virtio-scsi-pci', 'virtio-balloon-pci')
        if not any(v['driver'] in needs for _, v in pairs):
            pairs = []
        media = {v['drive'] for _, v in pairs
                 if v['driver'] == 'scsi-cd' and 'drive' in v}
        media |= {v['file'] for _, v in pairs if v.get('node-name') in media}
        for option, value in pairs:
            if value.get('node-name') in media or value['driver'] in (
                    'pcie-root-port', 'scsi-cd', *needs):
                if 'filename' in value:
                    self.user_file(i, value['filename'], 'raw',
                                   value['node-name'])
                step.setdefault('argv', []).extend([
                    option,
                    json.dumps(value).replace('/images/', 'DIR/')])
        if '-incoming' in argv:
            step.setdefault('argv', []).extend(['-incoming', 'defer'])
        if any(v['driver'] == 'virtio-balloon-pci' for _, v in pairs):
            step['argv'] += ['-m', argv[argv.index('-m') + 1]]
        self.steps.append(step)

    def user_file(self, i, path, driver, node):
        """The image in PATH was there before NODE was."""
        name = os.path.basename(path)
        self.files.add(name)
        self.steps.append({'file': name, 'format': driver,
                           'size': self.first_size(i, node)})

    def first_size(self, i, node):
        """What is told first of NODE; any if nobody asks for it."""
        for entry in self.messages[i:]:
            answer = entry['msg'].get('return')
            for told in answer if isinstance(answer, list) else ():
                if not isinstance(told, dict):
                    break
                told = told.get('inserted', told)
                if told.get('node-name') == node and 'image' in told:
                    return told['image']['virtual-size']
        return 1 << 20

    def find_disks(self, start):
        """The disks at the start, off the first two queries."""
        files, disks = {}, []
        for entry in self.messages[start:]:
            answer = entry['msg'].get('return')
            if not isinstance(answer, list) or not answer or \
                    not isinstance(answer[0], dict):
                continue
            if 'drv' in answer[0]:
                files = {n['node-name']: n['file'] for n in answer}
                continue
            if not files or 'removable' not in answer[0]:
                continue
            for device in answer:
                if '/virtio-disk' not in device['qdev']:
                    continue
                inserted = device['inserted']
                disks.append({
                    'qdev': device['qdev'].split('/')[3],
                    'node': inserted['node-name'],
                    'driver': inserted['drv'],
                    'file': os.path.basename(inserted['file']),
                    'size': inserted['image']['virtual-size']})
                self.size[inserted['node-name']] = \
                    inserted['image']['virtual-size']
                self.files.add(disks[-1]['file'])
            return disks
        raise ValueError('no disks in the recording')

    def send(self, i, msg):
        command, arguments = msg['execute'], msg.get('arguments', {})
        if command == 'blockdev-add' and arguments['driver'] == 'file':
            self.find_file(i, arguments)
        if command == 'qom-get':
            return self.send_get(arguments)
        to_sockets(command, arguments)
        step = {'do': command}
        if arguments:
            step['with'] = json.loads(
                json.dumps(arguments).replace('/images/', 'DIR/'))
        self.steps.append(step)
        return step

    def send_get(self, arguments):
        """What is asked of one object in a row is one step."""
        step, path = self.steps[-1], {'path': arguments['path']}
        if step.get('do') != 'qom-get' or step['with'] != path:
            step = {'do': 'qom-get', 'with': path, 'each': {}}
            self.steps.append(step)
        self.property = arguments['property']
        return step

    def find_file(self, i, storage):
        """Who made the file of node STORAGE: libvirt, a user or a job?"""
        name = os.path.basename(storage['filename'])
        made = {s['with']['options'].get('filename') for s in self.steps
                if s.get('do') == 'blockdev-create'}
        if f'DIR/{name}' in made or name in self.files:
            return
        self.files.add(name)
        after = [e['msg'] for e in self.messages[i + 1:]
                 if e['dir'] == 'send'][:8]
        node = storage['node-name']
        creates = [m for m in after if m['execute'] == 'blockdev-create'
                   and m['arguments']['options'].get('file') == node]
        if creates:
            self.steps.append({'file': name})
            return
        user = next(m['arguments'] for m in after
                    if m['execute'] == 'blockdev-add'
                    and m['arguments'].get('file') == node)
        size = self.size.get(name)
        if size is None:
            size = self.target_size(after, user['node-name'])
        if size is None:
            size = self.first_size(i, user['node-name'])
        self.steps.append({'file': name, 'format': user['driver'],
                           'size': size})

    def target_size(self, after, node):
        """The size of what is copied to NODE; None: it is no target."""
        for msg in after:
            arguments = msg.get('arguments', {})
            actions = [a['data'] for a in arguments.get('actions', [])]
            for data in actions + [arguments]:
                if data.get('target') == node and 'device' in data:
                    return self.size[data['device']]
        return None

    def reply(self, step, msg):
        if 'error' in msg:
            step['fails'] = msg['error']['desc'].replace('/images/', 'DIR/')
            if msg['error']['class'] != 'GenericError':
                step['class'] = msg['error']['class']
            return
        answer = msg['return']
        if 'each' in step:
            step['each'][self.property] = answer
            return
        if step['do'] == 'query-named-block-nodes':
            self.size.update((n['node-name'], n['image']['virtual-size'])
                             for n in answer)
        if answer != {}:
            step['gives'] = self.known(step['do'], gives(
                step['do'], step.get('with'), answer))

    def known(self, command, found):
        """Of names, those that libvirt knows."""
        if command == 'query-qmp-schema':
            schema = Schema(found)
            return sorted(w for w in self.words
                          if '/' in w and schema.holds(w))
        if command == 'query-command-line-options':
            return [name for name in found
                    if self.words >= set(name.split('.'))]
        if command in HOLDS:
            return [name for name in found if name in self.words]
        return found

    def event(self, msg, before_reply):
        name, data = msg['event'], msg.get('data', {})
        if name == 'SHUTDOWN':
            self.steps.append({'end': 'signal'})
            return
        step = {'see': name}
        for key in ('id', 'status', 'device', 'type', 'error', 'speed',
                    'node-name', 'write-threshold'):
            if key in data:
                step[key] = data[key]
        early = name in EARLY or data.get('status') in EARLY_STATES
        if before_reply and early:
            step['early'] = True
        self.steps.append(step)


def main():
    with open(sys.argv[1], encoding='utf-8') as f:
        messages = [json.loads(line) for line in f]
    words = set()
    if len(sys.argv) > 2:
        with open(sys.argv[2], encoding='utf-8') as f:
            words = set(f.read().splitlines()) - {''}
    for step in Trimmer(messages, words).run():
        print(json.dumps(step))


if __name__ == '__main__':
    main()
