#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads the product's C without running it; says what is wrong, or nothing.

Usage: lint.py BUILD [--only PREFIX]... [STAGE...]

    roles     clang: who may call what on which thread (util/annotations.h)
    format    clang-format: .clang-format
    tidy      clang-tidy: .clang-tidy
    cppcheck

BUILD is an ordinary build folder; its compile_commands.json says how each file
is compiled. A finding that is none is suppressed where it stands, with the
reason. --only block/qcow2 reads the files below that and no others.

A file in which a stage found nothing is read again only when something of it
has changed: the file, a header, its options, or what the stage looks for.
BUILD/lint remembers. So the first run takes long and the next ones do not.
"""
import concurrent.futures
import hashlib
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
GCC_ONLY = ("-fdiagnostics-color=always", "-pipe")
ROLES = ["-DTIDEMARK_THREAD_SAFETY", "-Wthread-safety",
         "-Werror=thread-safety", "-Wno-ignored-attributes", "-fsyntax-only"]
CPPCHECK = ["cppcheck", "--quiet", "--error-exitcode=1", "--inline-suppr",
            "--enable=warning,portability", "--std=c11",
            "--library=gtk", "--suppress=missingInclude",
            # GLib's ways of ending a function are not all known to it.
            "--suppress=unknownMacro",
            # It takes the ends of our circular lists for objects.
            "--suppress=nullPointerArithmetic",
            # It does not see what a function behind a pointer fills in;
            # clang's analyzer does.
            "--suppress=uninitvar", "--suppress=ctuuninitvar"]


def product_files(build, prefixes):
    """(path, arguments of its compilation), each once; no tests, and nothing
    that was generated."""
    commands = json.loads((build / "compile_commands.json").read_text())
    files = {}
    for command in commands:
        path = (build / command["file"]).resolve()
        if path.suffix != ".c" or path.is_relative_to(build) or \
                not path.is_relative_to(SOURCE):
            continue
        name = path.relative_to(SOURCE).as_posix()
        if not name.startswith("tests/") and \
                name.startswith(tuple(prefixes) or ""):
            words = shlex.split(command["command"])
            words = words[2 if words[0].endswith("ccache") else 1:]
            files.setdefault(path, [word for word in words[:words.index("-o")]
                                    if word not in GCC_ONLY])
    return sorted(files.items())


class Reader:
    """Runs a command a file, where that could find something new."""

    def __init__(self, build, prefixes):
        self.build = build
        self.files = product_files(build, prefixes)
        self.folder = build / "lint"
        self.folder.mkdir(exist_ok=True)

    def _key(self, argv, path, args):
        """Of all that the command reads: comments hold suppressions."""
        done = subprocess.run(
            ["clang-14", "-E", "-C", *args, "-DTIDEMARK_THREAD_SAFETY",
             str(path)], cwd=self.build, check=False, capture_output=True)
        text = json.dumps(argv).encode() + done.stdout
        if argv[0].startswith("clang-tidy"):
            text += (SOURCE / ".clang-tidy").read_bytes()
        return hashlib.sha256(text).hexdigest()

    def _read(self, argv, path, args):
        """What the command says; None if it found nothing."""
        key = self.folder / self._key(argv, path, args)
        if key.exists():
            return None
        done = subprocess.run(argv, cwd=self.build, check=False,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            return done.stdout
        key.touch()
        return None

    def read_all(self, argv_of):
        """Prints what was found; True if nothing was."""
        good = True
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for said in pool.map(lambda file: self._read(argv_of(*file),
                                                         *file), self.files):
                if said is not None:
                    print(said, end="", flush=True)
                    good = False
        return good


def roles(reader):
    return reader.read_all(lambda path, args: [
        "clang-14", *args, *ROLES, str(path)])


def format_(reader):
    paths = subprocess.run(["git", "ls-files", "*.c", "*.h"], cwd=SOURCE,
                           check=True, capture_output=True,
                           text=True).stdout.split()
    return subprocess.run(["clang-format-14", "--dry-run", "-Werror", *paths],
                          cwd=SOURCE, check=False).returncode == 0


def tidy(reader):
    return reader.read_all(lambda path, args: [
        "clang-tidy-14", "--quiet", "--warnings-as-errors=*", str(path), "--",
        *args])


def cppcheck(reader):
    def argv(path, args):
        macros = [a for a in args if a.startswith(("-D", "-I"))]
        return [*CPPCHECK, *macros, str(path)]
    return reader.read_all(argv)


STAGES = {"roles": roles, "format": format_, "tidy": tidy,
          "cppcheck": cppcheck}


def main():
    build = Path(sys.argv[1]).resolve()
    words, prefixes = sys.argv[2:], []
    while "--only" in words:
        at = words.index("--only")
        prefixes.append(words[at + 1])
        del words[at:at + 2]
    reader = Reader(build, prefixes)
    good = True
    for name in words or STAGES:
        fine = STAGES[name](reader)
        print(f"{name:9} {'ok' if fine else 'FAILED'}", flush=True)
        good = fine and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
