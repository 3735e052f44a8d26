#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes a session for libvirt-replay.py of a recording of libvirt's monitor.

    trim.py RECORDING >SESSION

A line of RECORDING is {"dir": "greeting|send|reply|event", "msg": MESSAGE}; a
greeting may have an "argv", with which libvirt started the program, and
"files", sizes of images that nobody asks for. A line of SESSION is one step, in
the order of the recording:

    {"start": DISKS, "argv": []} the program starts with these disks, and with
                                 options for buses and removable media
    {"file": NAME, ...}          someone makes an image for libvirt
    {"do": COMMAND, "with": ARGUMENTS, "gives": G | "fails": TEXT}
    {"see": EVENT, ...}          an event; before the answer of the step
                                 above it if "early"
    {"end": "signal"}            libvirt ends the program by SIGTERM

Answers of queries are cut down to what libvirt reads of them and what does
not depend on the moment. A backup that was cancelled half way gets a low
speed, for the disks of the replay hold too little to be caught at it.
"""

import json
import os
import sys

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
    return {d['qdev']: [d.get('inserted', {}).get('node-name'),
                        d['removable'], d.get('io-status')]
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
    'query-named-block-nodes': nodes, 'query-block': devices,
    'query-jobs': jobs, 'query-block-jobs': block_jobs,
}


def gives(command, arguments, answer):
    if command == 'query-blockstats':
        return stats(answer)
    return GIVES.get(command, lambda a: a)(answer)


class Trimmer:
    """Invariant: `steps` is the session up to the message in hand, `files` are
    the images that are there by then."""

    def __init__(self, messages):
        self.messages = messages
        self.steps = []
        self.size = {}
        self.files = set()

    def run(self):
        waiting = None
        for i, entry in enumerate(self.messages):
            kind, msg = entry['dir'], entry['msg']
            if kind == 'greeting':
                self.size.update(entry.get('files', {}))
                self.start(i, entry.get('argv', []))
            elif kind == 'send':
                waiting = self.send(i, msg)
            elif kind == 'reply':
                self.reply(waiting, msg)
                waiting = None
            else:
                self.event(msg, waiting is not None)
        self.hold_cancelled()
        return self.steps

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
        if not any(v['driver'] == 'virtio-scsi-pci' for _, v in pairs):
            pairs = []
        media = {v['drive'] for _, v in pairs
                 if v['driver'] == 'scsi-cd' and 'drive' in v}
        media |= {v['file'] for _, v in pairs if v.get('node-name') in media}
        for option, value in pairs:
            if value.get('node-name') in media or value['driver'] in (
                    'pcie-root-port', 'virtio-scsi-pci', 'scsi-cd'):
                if 'filename' in value:
                    self.user_file(i, value['filename'], 'raw',
                                   value['node-name'])
                step.setdefault('argv', []).extend([
                    option,
                    json.dumps(value).replace('/images/', 'DIR/')])
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
                told = told.get('inserted', told)
                if told.get('node-name') == node and 'image' in told:
                    return told['image']['virtual-size']
        return 1 << 20

    def find_disks(self, start):
        """The disks at the start, off the first two queries."""
        files, disks = {}, []
        for entry in self.messages[start:]:
            answer = entry['msg'].get('return')
            if not isinstance(answer, list) or not answer:
                continue
            if not files:
                files = {n['node-name']: n['file'] for n in answer}
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
        step = {'do': command}
        if arguments:
            step['with'] = json.loads(
                json.dumps(arguments).replace('/images/', 'DIR/'))
        self.steps.append(step)
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
            return
        answer = msg['return']
        if step['do'] == 'query-named-block-nodes':
            self.size.update((n['node-name'], n['image']['virtual-size'])
                             for n in answer)
        if answer != {}:
            step['gives'] = gives(step['do'], step.get('with'), answer)

    def event(self, msg, before_reply):
        name, data = msg['event'], msg.get('data', {})
        if name == 'SHUTDOWN':
            self.steps.append({'end': 'signal'})
            return
        step = {'see': name}
        for key in ('id', 'status', 'device', 'type', 'error', 'speed'):
            if key in data:
                step[key] = data[key]
        early = name in EARLY or data.get('status') in EARLY_STATES
        if before_reply and early:
            step['early'] = True
        self.steps.append(step)


def main():
    with open(sys.argv[1], encoding='utf-8') as f:
        messages = [json.loads(line) for line in f]
    for step in Trimmer(messages).run():
        print(json.dumps(step))


if __name__ == '__main__':
    main()
