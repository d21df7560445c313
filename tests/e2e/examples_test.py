"""Every example of README, documentation, manual pages and --help is run.

usage: examples_test.py migscope lab_guest.elf single|stories

Those of a page of docs/examples are a story: they are run in their order, in a
folder of their own.
"""

import os
import sys
import time

import example_scenes
import examples_found
import migtest
from migtest import Failure, Lab

MIGSCOPE, ELF, GROUP = sys.argv[1:4]


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


def run_each(examples, run):
    failed = 0
    for example in examples:
        began = time.monotonic()
        try:
            reason = run(example)
            tell(example, f"not run, {reason}" if reason else "ok", began)
        except Failure as failure:
            failed += 1
            tell(example, f"FAILED: {failure}\n", began)
    return failed


def run_single(stage):
    """The number of those that failed."""
    examples = examples_found.everywhere(MIGSCOPE)
    migtest.check(len(examples) > 50, f"only {len(examples)} were found")
    stage.make()
    return run_each(examples,
                    lambda example: example_scenes.run(stage, example))


def run_stories(stage):
    failed = 0
    stories = examples_found.stories()
    migtest.check(len(stories) > 2, f"only {list(stories)} were found")
    for examples in stories.values():
        folder = stage.folder()
        failed += run_each(
            examples, lambda example: example_scenes.read(
                stage, example, folder))
    return failed


def main():
    migtest.qemu_command()  # skips where there is none
    in_namespaces()
    with Lab(ELF) as lab:
        stage = example_scenes.Stage(lab, MIGSCOPE, os.path.abspath(ELF))
        try:
            failed = {"single": run_single, "stories": run_stories}[GROUP](
                stage)
        finally:
            stage.close()
    sys.exit(1 if failed else 0)


main()
