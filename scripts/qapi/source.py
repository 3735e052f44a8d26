# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads schema files: JSON-like expressions with single-quoted strings,
comments, documentation blocks between two lines `##`, and includes.

The result is a flat list of Expr in the order of the files; a file is read
once, however often it is included.
"""

import os
import re

from .doc import Doc
from .error import Place, QapiError

TOKEN = re.compile(r'''
      (?P<space>[ \t\r\n]+)
    | (?P<doc>\#\#[ ]*\n)
    | (?P<comment>\#[^\n]*)
    | (?P<string>'[^'\\\n]*')
    | (?P<word>[a-z]+)
    | (?P<mark>[\[\]{}:,])
''', re.VERBOSE)
WORDS = {'true': True, 'false': False}


class Expr:
    """One top-level expression: a dict, its place, its documentation."""

    def __init__(self, data, place, doc):
        self.data = data
        self.place = place
        self.doc = doc


class _File:
    """A cursor over the tokens of one file."""

    def __init__(self, path):
        self.path = path
        with open(path, encoding='utf-8') as file:
            self.text = file.read()
        self.pos = 0
        self.line = 1
        self.docs = []
        self.advance()

    def place(self, line=None):
        return Place(self.path, line or self.token_line)

    def advance(self):
        """Moves to the next token that is neither space nor comment."""
        while self.pos < len(self.text):
            match = TOKEN.match(self.text, self.pos)
            if not match:
                raise QapiError(Place(self.path, self.line),
                                f"stray '{self.text[self.pos]}'")
            kind = match.lastgroup
            self.kind, self.value = kind, match.group()
            self.token_line = self.line
            self.line += self.value.count('\n')
            self.pos = match.end()
            if kind == 'doc':
                self.read_doc()
            elif kind not in ('space', 'comment'):
                return
        self.kind, self.value, self.token_line = 'end', '', self.line

    def read_doc(self):
        start = self.token_line
        lines = []
        while True:
            end = self.text.find('\n', self.pos)
            if end < 0:
                raise QapiError(Place(self.path, start),
                                'documentation block without an end')
            line = self.text[self.pos:end]
            self.pos = end + 1
            self.line += 1
            if line.rstrip() == '##':
                break
            if not re.match(r'#( |$)', line):
                raise QapiError(Place(self.path, self.line - 1),
                                "documentation lines start with '# '")
            lines.append((self.line - 1, line[2:].rstrip()))
        self.docs.append(Doc(Place(self.path, start), lines))

    def take_docs(self):
        """The blocks since the last expression: (free ones, the one that
        belongs to the expression at hand or None)."""
        docs, self.docs = self.docs, []
        own = docs.pop() if docs and docs[-1].symbol else None
        for doc in docs:
            doc.must_be_free()
        return docs, own

    def expect(self, mark):
        if self.kind != 'mark' or self.value != mark:
            raise QapiError(self.place(),
                            f"expected '{mark}', found '{self.value}'")
        self.advance()

    def at(self, mark):
        return self.kind == 'mark' and self.value == mark

    def read_value(self):
        if self.at('{'):
            return self.read_dict()
        if self.at('['):
            return self.read_list()
        if self.kind == 'string':
            value = self.value[1:-1]
        elif self.kind == 'word' and self.value in WORDS:
            value = WORDS[self.value]
        else:
            raise QapiError(self.place(), 'expected a value, found '
                                          f"'{self.value or 'end of file'}'")
        self.advance()
        return value

    def read_dict(self):
        result = {}
        self.expect('{')
        while not self.at('}'):
            if self.kind != 'string':
                raise QapiError(self.place(), 'expected a name in quotes, '
                                              f"found '{self.value}'")
            key, place = self.value[1:-1], self.place()
            self.advance()
            self.expect(':')
            if key in result:
                raise QapiError(place, f"'{key}' is given twice")
            result[key] = self.read_value()
            if not self.at('}'):
                self.expect(',')
                if self.at('}'):
                    raise QapiError(self.place(), "stray ',' before '}'")
        self.advance()
        return result

    def read_list(self):
        result = []
        self.expect('[')
        while not self.at(']'):
            result.append(self.read_value())
            if not self.at(']'):
                self.expect(',')
                if self.at(']'):
                    raise QapiError(self.place(), "stray ',' before ']'")
        self.advance()
        return result


def read_schema(path):
    """Returns (list of Expr, list of free Doc and Expr in order, files)."""
    seen = []
    found = []

    def read(path):
        if os.path.realpath(path) in seen:
            return
        seen.append(os.path.realpath(path))
        file = _File(path)
        while file.kind != 'end':
            place = file.place()
            free, doc = file.take_docs()
            found.extend(free)
            data = file.read_dict()
            if 'include' in data:
                if doc:
                    doc.must_be_free()
                if len(data) > 1 or not isinstance(data['include'], str):
                    raise QapiError(place, "'include' takes one file name")
                target = os.path.join(os.path.dirname(path), data['include'])
                if not os.path.exists(target):
                    raise QapiError(place, f"cannot read '{target}'")
                read(target)
            else:
                found.append(Expr(data, place, doc))
        free, doc = file.take_docs()
        if doc:
            doc.must_be_free()
        found.extend(free)

    read(path)
    return ([e for e in found if isinstance(e, Expr)], found, seen)
