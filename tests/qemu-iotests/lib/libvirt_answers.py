# SPDX-License-Identifier: GPL-2.0-or-later
"""What libvirt reads of answers, as comparable values.

Each function takes what a command returned. What depends on the host or on
the moment (threads, times, whether KVM is usable) is left out.
"""


def names(answer):
    return sorted(entry['name'] for entry in answer)


def version(answer):
    return [answer['qemu'][part] for part in ('major', 'minor', 'micro')]


def node_of(device):
    """The node in DEVICE of query-block; '#' for those that QEMU names."""
    node = device.get('inserted', {}).get('node-name')
    return '#' if node and node[0] == '#' else node


def chardevs(answer):
    return {c['label']: c['frontend-open'] for c in answer
            if not c['label'].startswith('compat_monitor')}


def cpus(answer):
    """[index, path, place] of each processor."""
    return [[c['cpu-index'], c['qom-path'], c['props']] for c in answer]


def options(answer):
    """option.parameter of query-command-line-options."""
    return sorted(f"{o['option']}.{p['name']}"
                  for o in answer for p in o['parameters'])


def capabilities(answer):
    return sorted(c['capability'] for c in answer)


# Children that no client asks about, and buses that a replay does without.
INNER = ('child<memory-region>', 'child<apic>', 'child<virtio-pci-bus>',
         'child<pcie-root-port>', 'child<qemu-xhci>')


def members(answer):
    """{name: type} of features of a processor, and of devices."""
    return {p['name']: p['type'] for p in answer
            if p['type'] == 'bool' or
            p['type'].startswith('child<') and p['type'] not in INNER}


ANSWERS = {
    'query-version': version,
    'query-kvm': lambda answer: answer['present'],
    'query-chardev': chardevs,
    'query-cpus-fast': cpus,
    'query-iothreads': lambda answer: sorted(t['id'] for t in answer),
    'query-migrate-capabilities': capabilities,
    'query-migrate': lambda answer: {
        k: v for k, v in answer.items() if k == 'status'},
    'query-dirty-rate': lambda answer: answer['status'],
    'query-cpu-definitions': names,
    'query-cpu-model-expansion': lambda answer: sorted(
        answer['model']['props']),
    'qom-list': members,
    'device-list-properties': names,
    'qom-list-properties': names,
    'query-commands': names,
    'qom-list-types': names,
    'query-command-line-options': options,
    'query-machines': lambda answer: {m.pop('name'): m for m in answer},
}

# Of these answers libvirt looks for names that it knows; more may be there.
HOLDS = ('query-commands', 'qom-list-types', 'query-command-line-options',
         'query-tpm-models', 'query-tpm-types')


class Schema:
    """Paths through query-qmp-schema, as libvirt writes them: members by name,
    `*` an optional one, `+` the branch of a union, `^` a value of an enum,
    `$` a feature."""

    def __init__(self, answer):
        self.types = {entry['name']: entry for entry in answer}

    def holds(self, path):
        words = path.split('/')
        entry = self.types.get(words.pop(0))
        while entry is not None and words:
            word = words.pop(0)
            if word[0] in '^$':
                return self.marks(entry, word)
            entry = self.types.get(self.below(entry, word))
        return entry is not None

    @staticmethod
    def marks(entry, word):
        if word[0] == '$':
            return word[1:] in entry.get('features', ())
        return word[1:] in entry.get('values', ())

    def below(self, entry, word):
        """The name of the type that WORD leads to; None: there is none."""
        kind = entry['meta-type']
        if kind in ('command', 'event'):
            return entry.get(word) if word in ('arg-type', 'ret-type') else None
        if kind == 'array':
            return self.below(self.types[entry['element-type']], word)
        if kind == 'alternate':
            found = (self.below(self.types[m['type']], word)
                     for m in entry['members'])
            return next((name for name in found if name), None)
        if kind != 'object':
            return None
        if word[0] == '+':
            return next((v['type'] for v in entry.get('variants', ())
                         if v['case'] == word[1:]), None)
        return next((m['type'] for m in entry['members']
                     if m['name'] == word.lstrip('*')
                     and ('default' in m or word[0] != '*')), None)
