"""Every example of README, documentation, manual pages and --help is run.

usage: examples_test.py migscope lab_guest.elf
"""

import os
import sys
import time

import example_scenes
import examples_found
import migtest
from migtest import Failure, Lab

MIGSCOPE, ELF = sys.argv[1:3]


def in_namespaces():
    """Mounts and networks of our own, gone with this process."""
    if os.environ.get("MIGSCOPE_STAGE"):
        return
    if os.geteuid() != 0:
        migtest.skip("only root can make the mounts that the examples want")
    os.environ["MIGSCOPE_STAGE"] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--net", sys.executable, "-B",
                          *sys.argv])


def tell(example, verdict, began):
    print(f"{verdict}: {example.place}: {example.text.splitlines()[0]} "
          f"({time.monotonic() - began:.1f} s)", flush=True)


def run_all(stage, examples):
    """The number of those that failed."""
    failed = 0
    for example in examples:
        began = time.monotonic()
        try:
            reason = example_scenes.run(stage, example)
            tell(example, f"not run, {reason}" if reason else "ok", began)
        except Failure as failure:
            failed += 1
            tell(example, f"FAILED: {failure}\n", began)
    return failed


def main():
    migtest.qemu_command()  # skips where there is none
    examples = examples_found.everywhere(MIGSCOPE)
    in_namespaces()
    with Lab(ELF) as lab:
        stage = example_scenes.Stage(lab, MIGSCOPE, os.path.abspath(ELF))
        try:
            stage.make()
            failed = run_all(stage, examples)
        finally:
            stage.close()
    sys.exit(1 if failed else 0)


main()
