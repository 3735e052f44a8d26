#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The main job, end to end, on a real file system: a full backup, changes
made by another NBD client while the disk is served, an incremental backup of
just those, and the proof that both are exact.

Usage: demo.py BUILD [--keep] [--daemon PROGRAM]

Ends with 0 only if every proof holds.
"""
import argparse
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DISK_BYTES = 1 << 30
BLOCK = 4096
# Real files of this machine, in the order they are taken until enough.
SOURCES = ["/usr/share/doc", "/usr/include", "/usr/share/perl",
           "/usr/lib/python3", "/usr/share/zoneinfo", "/usr/bin",
           "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"]
FILES_BYTES = 160 << 20


class Failed(Exception):
    """A step or a proof failed; the text says which."""


def say(text=""):
    print(text, flush=True)


def step(number, text):
    say(f"\n\033[1m{number}. {text}\033[0m" if sys.stdout.isatty()
        else f"\n{number}. {text}")


def run(*command, **options):
    result = subprocess.run([str(word) for word in command], text=True,
                            capture_output=True, check=False, **options)
    if result.returncode:
        raise Failed(f"{' '.join(str(w) for w in command)}\n"
                     f"{result.stdout}{result.stderr}")
    return result.stdout


def show(prompt, output):
    say(f"   $ {prompt}")
    for line in output.rstrip().splitlines():
        say(f"   {line}")


def progress(done, total, label):
    if sys.stdout.isatty():
        width = 40
        filled = width * done // max(total, 1)
        bar = "█" * filled + "░" * (width - filled)
        end = "\n" if done >= total else "\r"
        print(f"   {bar} {done >> 20:5} of {total >> 20} MiB  {label}",
              end=end, flush=True)
    elif done >= total:
        say(f"   {done >> 20} of {total >> 20} MiB  {label}")


# --- the daemon and its QMP socket ------------------------------------------


class Qmp:
    """One QMP connection; events are kept until somebody asks for them."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.stream = self.socket.makefile("rw")
        self.events = []
        json.loads(self.stream.readline())
        self.cmd("qmp_capabilities")

    def cmd(self, command, /, **arguments):
        request = {"execute": command}
        if arguments:
            request["arguments"] = {key.replace("_", "-"): value
                                    for key, value in arguments.items()}
        self.stream.write(json.dumps(request) + "\n")
        self.stream.flush()
        while True:
            message = self._read()
            if "event" in message:
                self.events.append(message)
            elif "error" in message:
                raise Failed(f"QMP {command}: {message['error']['desc']}")
            else:
                return message["return"]

    def _read(self):
        line = self.stream.readline()
        if not line:
            raise Failed("the daemon closed its QMP connection")
        return json.loads(line)

    def wait_job(self, job, label):
        """Shows the job's progress until it is done, then dismisses it."""
        while True:
            info = [j for j in self.cmd("query-jobs") if j["id"] == job][0]
            if info["status"] == "concluded":
                break
            done, total = info["current-progress"], info["total-progress"]
            if total and done < total:
                progress(done, total, label)
            time.sleep(0.05)
        if "error" in info:
            raise Failed(f"job {job}: {info['error']}")
        progress(info["total-progress"], info["total-progress"], label)
        self.cmd("job-dismiss", id=job)
        return info["total-progress"]


def start_daemon(program, folder, disk):
    qmp, nbd = folder / "qmp.sock", folder / "nbd.sock"
    pidfile = folder / "daemon.pid"
    command = [
        *program,
        "--blockdev", f"driver=file,filename={disk},node-name=disk-file",
        "--blockdev", "driver=raw,file=disk-file,node-name=disk",
        "--chardev", f"socket,id=qmp,path={qmp},server=on,wait=off",
        "--monitor", "chardev=qmp",
        "--nbd-server", f"addr.type=unix,addr.path={nbd}",
        "--export", "nbd,id=live,node-name=disk,name=disk,writable=on",
        "--pidfile", str(pidfile)]
    process = subprocess.Popen(command)
    while not pidfile.exists():
        if process.poll() is not None:
            raise Failed(f"the daemon ended with {process.returncode}")
        time.sleep(0.01)
    return process, Qmp(qmp), f"nbd+unix:///disk?socket={nbd}"


# --- disks and files ----------------------------------------------------------


def gather_files(folder):
    """Hard copies of real files, until FILES_BYTES are together."""
    tree, total = folder / "files", 0
    for source in map(Path, SOURCES):
        for path in sorted(source.rglob("*")) if source.is_dir() else []:
            if total >= FILES_BYTES:
                return tree, total
            if path.is_symlink() or not path.is_file() or \
                    not os.access(path, os.R_OK):
                continue
            target = tree / path.relative_to("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            total += path.stat().st_size
    return tree, total


def checksum(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def filesystem_is_clean(image):
    return subprocess.run(["e2fsck", "-fn", str(image)], check=False,
                          capture_output=True).returncode == 0


def change_filesystem(image, folder, commands):
    script = folder / "debugfs.script"
    script.write_text("".join(f"{line}\n" for line in commands))
    run("debugfs", "-w", "-f", script, image)


# Run by nbdsh: writes every 4 KiB block in which NEW differs from OLD to the
# disk, as a guest's file system would, and flushes.
CLIENT = """
import os
old, new = open(os.environ["OLD"], "rb"), open(os.environ["NEW"], "rb")
at = blocks = 0
while True:
    a, b = old.read(1 << 20), new.read(1 << 20)
    if not b:
        break
    if a != b:
        for i in range(0, len(b), 4096):
            if a[i:i + 4096] != b[i:i + 4096]:
                h.pwrite(b[i:i + 4096], at + i)
                blocks += 1
    at += len(b)
h.flush()
print(blocks)
"""


def client_command(uri):
    return ["nbdsh", "-u", uri, "-c", CLIENT]


def client_environment(old, new):
    # nbdsh runs the first python3 on PATH; the nbd module is Debian's own.
    return {**os.environ, "OLD": str(old), "NEW": str(new),
            "PATH": f"/usr/bin:{os.environ.get('PATH', '')}"}


def client_writes(uri, old, new):
    """Blocks written by a libnbd client to turn OLD into NEW on the disk."""
    return int(run(*client_command(uri), env=client_environment(old, new)))


def lay_over(full, increment, extents):
    """Copies the areas of @extents from @increment into @full."""
    with open(full, "r+b") as target, open(increment, "rb") as source:
        for offset, length in extents:
            source.seek(offset)
            target.seek(offset)
            target.write(source.read(length))


def picture(extents, columns=64, rows=4):
    """The disk as a grid: the darker a cell, the more of it changed."""
    cell = DISK_BYTES // (columns * rows)
    dirty = [0] * (columns * rows)
    for offset, length in extents:
        end = offset + length
        while offset < end:
            index = offset // cell
            part = min(end, (index + 1) * cell) - offset
            dirty[index] += part
            offset += part
    shades = "·░▒▓█"
    say("   " + "┌" + "─" * columns + "┐")
    for row in range(rows):
        line = ""
        for amount in dirty[row * columns:(row + 1) * columns]:
            share = -(-amount * (len(shades) - 1) // cell)
            line += shades[min(share, len(shades) - 1)]
        say(f"   │{line}│")
    say("   " + "└" + "─" * columns + "┘")
    say(f"   one cell is {cell >> 20} MiB; · nothing changed, "
        "░ a little, █ all of it")


def prove(what, holds):
    say(f"   {'PROVED' if holds else 'FAILED'}: {what}")
    if not holds:
        raise Failed(what)


# --- the story ------------------------------------------------------------------


def make_disk(folder):
    step(1, "A disk: 1 GiB of ext4 with real files of this machine on it")
    tree, total = gather_files(folder)
    disk = folder / "disk.img"
    run("mke2fs", "-q", "-t", "ext4", "-b", BLOCK, "-d", tree, disk,
        f"{DISK_BYTES >> 20}M")
    shutil.rmtree(tree)
    if not filesystem_is_clean(disk):
        raise Failed("mke2fs made a file system that is not clean")
    say(f"   {disk.name}: {total >> 20} MiB of files; e2fsck says it is clean")
    return disk


def full_backup(qmp, img, folder, uri, versions):
    step(3, "A full backup; in the same instant a bitmap starts recording")
    target = folder / "full.img"
    run(*img, "create", "-f", "raw", target, DISK_BYTES)
    qmp.cmd("blockdev-add", driver="file", filename=str(target),
            node_name="full")
    qmp.cmd("transaction", actions=[
        {"type": "block-dirty-bitmap-add",
         "data": {"node": "disk", "name": "since-full"}},
        {"type": "blockdev-backup",
         "data": {"device": "disk", "target": "full", "sync": "full",
                  "job-id": "full", "auto-dismiss": False,
                  "speed": 512 << 20}}])
    say("   and while it runs, a client that is not ours (nbdsh, libnbd) "
        "changes files:")
    client = subprocess.Popen(
        client_command(uri), stdout=subprocess.PIPE, text=True,
        env=client_environment(versions[0], versions[1]))
    qmp.wait_job("full", "copied")
    blocks = client.communicate()[0]
    if client.returncode:
        raise Failed("the NBD client failed")
    say(f"   the client wrote {int(blocks)} blocks of 4 KiB meanwhile")
    qmp.cmd("blockdev-del", node_name="full")
    return target


def incremental_backup(qmp, img, folder, uri, versions):
    step(5, "An incremental backup: only what changed since the full one")
    target = folder / "increment.img"
    run(*img, "create", "-f", "raw", target, DISK_BYTES)
    qmp.cmd("blockdev-add", driver="file", filename=str(target),
            node_name="increment")
    bitmap = {"node": "disk", "name": "since-full"}
    work = {"node": "disk", "name": "to-copy"}
    qmp.cmd("transaction", actions=[
        {"type": "block-dirty-bitmap-add",
         "data": {"node": "disk", "name": "since-increment"}},
        {"type": "block-dirty-bitmap-disable", "data": bitmap},
        {"type": "block-dirty-bitmap-add", "data": {**work, "disabled": True}},
        {"type": "block-dirty-bitmap-merge",
         "data": {"node": "disk", "target": "to-copy",
                  "bitmaps": ["since-full"]}},
        {"type": "blockdev-backup",
         "data": {"device": "disk", "target": "increment",
                  "sync": "incremental", "bitmap": "to-copy",
                  "job-id": "increment", "auto-dismiss": False}}])
    say("   one transaction froze the old bitmap, started the next one and "
        "the copy;")
    blocks = client_writes(uri, versions[1], versions[2])
    say(f"   the client went on at once and wrote {blocks} more blocks")
    copied = qmp.wait_job("increment", "copied")
    qmp.cmd("block-dirty-bitmap-remove", **work)
    qmp.cmd("blockdev-del", node_name="increment")
    say(f"   the increment holds {copied >> 10} KiB instead of "
        f"{DISK_BYTES >> 10} KiB")
    return target


def changed_areas(qmp, uri):
    step(6, "What changed, as an NBD client sees it")
    qmp.cmd("block-export-add", type="nbd", id="look", node_name="disk",
            name="look", bitmaps=["since-full"])
    uri = uri.replace("///disk", "///look")
    command = ["nbdinfo", "--map=qemu:dirty-bitmap:since-full", uri]
    lines = run(*command).splitlines()
    show("nbdinfo --map=qemu:dirty-bitmap:since-full nbd+unix:///look?…",
         "\n".join(lines[:8] + (["..."] if len(lines) > 8 else [])))
    extents = json.loads(run(command[0], "--json", *command[1:]))
    qmp.cmd("block-export-del", id="look")
    dirty = [(e["offset"], e["length"]) for e in extents if e["type"] == 1]
    picture(dirty)
    return dirty


def tell_story(arguments, folder):
    started = time.monotonic()
    img = [str(arguments.build / "tidemark"), "img"]
    program = [arguments.daemon] if arguments.daemon else \
        [str(arguments.build / "tidemark"), "daemon"]
    if arguments.daemon:
        img = ["qemu-img"]

    disk = make_disk(folder)
    # What the disk holds at three moments; the client makes it so by NBD.
    versions = [folder / f"version{n}.img" for n in range(3)]
    for version in versions:
        run("cp", "--sparse=always", disk, version)
    first = ["write /bin/bash new-file", "mkdir reports"]
    change_filesystem(versions[1], folder, first)
    change_filesystem(versions[2], folder, first + [
        "rm new-file", "write /bin/ls reports/ls", "mkdir later"])

    step(2, "tidemark serves it over NBD")
    process, qmp, uri = start_daemon(program, folder, disk)
    try:
        show("nbdinfo --size nbd+unix:///disk?…",
             run("nbdinfo", "--size", uri))
        full = full_backup(qmp, img, folder, uri, versions)
        step(4, "Proof of the full backup")
        prove("it equals the disk at the moment it was started",
              checksum(full) == checksum(versions[0]))
        increment = incremental_backup(qmp, img, folder, uri, versions)
        extents = changed_areas(qmp, uri)
        step(7, "Restore: the increment is laid over the full backup")
        lay_over(full, increment, extents)
        prove("the result equals the disk at the second moment",
              checksum(full) == checksum(versions[1]))
        prove("e2fsck -fn finds the restored file system clean",
              filesystem_is_clean(full))
        live = folder / "live.img"
        run("nbdcopy", uri, live)
        prove("the live disk (read with nbdcopy) has all later writes",
              checksum(live) == checksum(versions[2]))
        qmp.cmd("quit")
        if process.wait(timeout=30):
            raise Failed(f"the daemon ended with {process.returncode}")
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    say(f"\nAll proofs hold. {time.monotonic() - started:.0f} seconds.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--keep", action="store_true",
                        help="keep the images and say where they are")
    parser.add_argument("--daemon", metavar="PROGRAM",
                        help="another daemon with the same options")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tidemark-demo-"))
    try:
        tell_story(arguments, folder)
        return 0
    except Failed as failure:
        print(f"\nThe demo failed: {failure}", file=sys.stderr)
        return 1
    finally:
        if arguments.keep:
            say(f"The images are in {folder}")
        else:
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
