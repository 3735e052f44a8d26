#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""query-qmp-schema beside QEMU 7.2's: what clients find there they find here,
with the same types, but for what is listed with its reason."""

import fnmatch
import json
import subprocess

from lib import case, program
from lib.case import ours_only

# Pattern of a path -> why it is not there.
ABSENT = {
    'BLOCK_IO_ERROR absent': 'no devices',
    'VSERPORT_CHANGE absent': 'no devices',
    'block-export-add.iothread: str, alternate': 'also takes a list',
    'block-export-add.type=*': 'other kinds of exports',
    'blockdev-add*.server{inet}.mptcp': 'no multipath TCP',
    'chardev-*.backend.type=*': 'nobody would speak on them',
    'x-* absent': 'unstable in QEMU',
    'object-add.qom-type=*': 'objects of machines, and of other libraries',
    'object-add{*}.loaded': 'deprecated in QEMU',
    'object-add{throttle-group}.x-*': 'unstable: limits has them',
    '*.format-specific.type=*': 'other formats',
    '*.driver-specific.driver=*': 'other drivers',
    '*.driver-specific{host_device}.discard-*': 'counted for files only',
    'transaction.actions[[]].type=*': 'commands that are absent',
}


DAEMON = ('--chardev', 'stdio,id=c', '--monitor', 'c')
MACHINE = ('-machine', 'none', '-nodefaults', '-display', 'none', '-S',
           '-qmp', 'stdio')


def ask(program_path, args=DAEMON):
    """The schema of a program, by (is command or event, name)."""
    talk = ''.join(json.dumps({'execute': name}) + '\n' for name in (
        'qmp_capabilities', 'query-qmp-schema', 'quit'))
    done = subprocess.run(
        [program_path, *args], input=talk,
        stdout=subprocess.PIPE, text=True, check=True,
        timeout=program.TIMEOUT_S)
    for line in done.stdout.splitlines():
        answer = json.loads(line).get('return')
        if answer:
            return {(e['meta-type'] in ('command', 'event'), e['name']): e
                    for e in answer}
    raise AssertionError(f'{program_path}: no schema')


class Comparison:
    """Invariant: `seen` holds the pairs of types that were compared."""

    def __init__(self, theirs, ours):
        self.theirs, self.ours = theirs, ours
        self.seen = set()
        self.found = []

    def run(self):
        for (is_root, name), entry in self.theirs.items():
            mine = self.ours.get((True, name))
            if not is_root:
                continue
            if mine is None:
                self.found.append(f'{name} absent')
                continue
            self.compare(entry['arg-type'], mine['arg-type'], name)
            if 'ret-type' in entry:
                self.compare(entry['ret-type'], mine['ret-type'],
                             name + '->')
        return self.found

    def compare(self, theirs, ours, path):
        if (theirs, ours) in self.seen:
            return
        self.seen.add((theirs, ours))
        a, b = self.theirs[False, theirs], self.ours[False, ours]
        kinds = [e['name'] if e['meta-type'] == 'builtin' else e['meta-type']
                 for e in (a, b)]
        if kinds[0] != kinds[1]:
            self.found.append(f'{path}: {kinds[0]}, {kinds[1]}')
        elif kinds[0] == 'array':
            self.compare(a['element-type'], b['element-type'], path + '[]')
        elif kinds[0] == 'enum':
            self.found += [f'{path}={value}' for value in a['values']
                           if value not in b['values']]
        elif kinds[0] == 'object':
            self.compare_objects(a, b, path)

    def compare_objects(self, theirs, ours, path):
        mine = {m['name']: m for m in ours['members']}
        for member in theirs['members']:
            inner = f"{path}.{member['name']}"
            other = mine.get(member['name'])
            if other is None:
                self.found.append(inner)
                continue
            if ('default' in member) != ('default' in other):
                self.found.append(f'{inner}: mandatory in one of them')
            self.compare(member['type'], other['type'], inner)
        arms = {v['case']: v['type'] for v in ours.get('variants', ())}
        for variant in theirs.get('variants', ()):
            if variant['case'] in arms:
                self.compare(variant['type'], arms[variant['case']],
                             f"{path}{{{variant['case']}}}")


class Schema(case.Case):

    @ours_only('is what this compares with')
    def test_compared(self):
        found = Comparison(
            ask(program.find_foreign('qemu-storage-daemon')),
            ask(program.find('qemu-storage-daemon'))).run()
        self.assertEqual(
            [f for f in found
             if not any(fnmatch.fnmatchcase(f, p) for p in ABSENT)], [])

    @ours_only('is what this compares with')
    def test_machine(self):
        """What is there of a machine's commands is as QEMU's."""
        found = Comparison(
            ask(program.find_foreign('qemu-system-x86_64'), MACHINE),
            ask(program.find('qemu-system-x86_64'), MACHINE)).run()
        self.assertEqual(
            [f for f in found if not f.endswith(' absent') and
             not any(fnmatch.fnmatchcase(f, p) for p in ABSENT)], [])


if __name__ == '__main__':
    case.main()
