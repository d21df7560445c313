"""What migscope makes of a capture, held against the QEMUs it came from."""

import json
import os

import migtest
from migtest import check


class Capture:
    """One migration, stored in one or several paths. Of the blocks `unknown`
    it holds no page."""

    def __init__(self, lab, migscope, *paths, unknown=()):
        self.lab, self.migscope, self.paths = lab, migscope, paths
        self.unknown = unknown

    def analyze(self):
        out, _ = self.migscope.run("analyze", "--json", *self.paths)
        return json.loads(out)

    def blocks(self):
        """What is known of each block's memory, by name."""
        out, _ = self.migscope.run("memory", "--json", *self.paths)
        return {block["name"]: block for block in json.loads(out)["blocks"]}

    def block(self, name):
        """A file with the memory of that block, zeros where it is unknown."""
        path = self.lab.path("block")
        if os.path.exists(path):
            os.unlink(path)
        self.migscope.run("memory", *self.paths, "--block", name, "--output",
                          path, status=3 if name in self.unknown else 0)
        return path


def check_whole(analysis, mode="precopy"):
    found = analysis["input"]
    check(found["complete"] and not [
        problem for problem in found["problems"]
        if problem["severity"] == "error"], found)
    check(analysis["outcome"]["mode"] == mode, analysis["outcome"])


def check_counts(analysis, info, **expected):
    """Kinds that are not named have as many pages as QEMU counts, or none."""
    ram = info["ram"]
    expected = {"zero": ram["duplicate"], "normal": ram["normal"],
                "xbzrle": 0, "compressed": 0, **expected}
    totals = analysis["ram"]["totals"]
    found = {kind: totals[kind] for kind in expected}
    check(found == expected, f"found {found}, QEMU counts {expected}")


def check_transferred(analysis, info):
    """From 8.2 on QEMU counts every byte of every channel."""
    if migtest.qemu_version() >= (8, 2):
        check(info["ram"]["transferred"] == analysis["input"]["bytes"],
              f"{analysis['input']['bytes']} bytes, QEMU counts "
              f"{info['ram']['transferred']}")


def channel_files(*sessions):
    """Every connection, in both directions, as a file of its own."""
    return [os.path.join(session, name) for session in sessions
            for name in sorted(os.listdir(session))
            if name.startswith("channel-")]
