# SPDX-License-Identifier: GPL-2.0-or-later
"""One documentation block: which symbol it describes, its text, the texts of
its members and features, and the tagged sections (Since, Returns, ...).
"""

import re

from .error import Place, QapiError

SYMBOL = re.compile(r'@([-\w.]+):\s*(.*)')
TAG = re.compile(r'(Since|Returns|Note|Notes|Example|Examples|TODO):\s*(.*)')


class Doc:
    """Invariant: `symbol` is None for a block that belongs to no expression
    (a heading or prose)."""

    def __init__(self, place, lines):
        self.place = place
        self.symbol = None
        self.body = []
        self.members = {}
        self.features = {}
        self.sections = []
        self._read(lines)

    def _read(self, lines):
        target, into = self.body, None
        for number, line in lines:
            symbol = SYMBOL.match(line)
            tag = TAG.match(line)
            if symbol and self.symbol is None and not any(self.body):
                self.symbol = symbol.group(1)
                into = self.members
                target = self.body = []
                if symbol.group(2):
                    target.append(symbol.group(2))
            elif symbol and into is not None:
                name = symbol.group(1)
                if name in into:
                    raise QapiError(Place(self.place.file, number),
                                    f"'@{name}:' is described twice")
                target = into[name] = [symbol.group(2)]
            elif line == 'Features:':
                into = self.features
                target = []
            elif tag and self.symbol:
                target = [tag.group(2)] if tag.group(2) else []
                self.sections.append((tag.group(1), target))
            elif not line and not self._in_example(target):
                # A blank line ends the text of a member or a section.
                target = self.body
                target.append('')
            else:
                target.append(line if self._in_example(target)
                              else line.strip())

    def _in_example(self, target):
        return any(t is target and n.startswith('Example')
                   for n, t in self.sections)

    def section(self, name):
        for tag, text in self.sections:
            if tag == name:
                return ' '.join(text).strip()
        return None

    def must_be_free(self):
        if self.symbol:
            raise QapiError(self.place,
                            f"'@{self.symbol}:' is not followed by its "
                            'definition')
