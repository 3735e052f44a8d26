#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A migration of a domain with its disks by libvirt 9.0, replayed.

Both ends of one recorded `virsh migrate --copy-storage-all` (see
libvirt-replay.py): the guest writes until it stops here, and goes on there;
what it wrote, and its checkpoint, are there in the end.
"""

import json
import os

from lib import case, libvirt_migration, libvirt_stage

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'libvirt')


def steps(name):
    with open(os.path.join(FOLDER, name + '.jsonl'), encoding='utf-8') as f:
        return [json.loads(line) for line in f]


class Migration(case.Case):

    def test_storage(self):
        there = libvirt_migration.End(
            self, steps('12-migration-there'), libvirt_stage.Stage)
        here = libvirt_migration.End(
            self, steps('12-migration-here'), libvirt_stage.Stage)
        there.run_until({'see': 'MIGRATION', 'status': 'active'})
        here.run_until()
        there.take_guest(here)
        there.run_until()
        self.assertIn('completed', there.reached)
        self.assertTrue(any(here.guest.wrote.values()))
        bitmaps = [b['name'] for node in there.stage.cmd(
            'query-named-block-nodes') for b in node.get('dirty-bitmaps', [])]
        self.assertIn('c1', bitmaps)
        here.end_stage()
        disks = there.stage.disks
        there.end_stage()
        for disk in disks:
            there.check_end(disk)


if __name__ == '__main__':
    case.main()
