"""Every --json output of the stored streams, against its schema.

usage: schemas_test.py migscope
"""

import collections
import json
import pathlib
import subprocess
import sys
import tempfile

import schemas
from echo_relay import Echo
from failure import Failure

MIGSCOPE = sys.argv[1]
CAPTURES = pathlib.Path(__file__).resolve().parents[1] / "fuzz/corpus/packets"
FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures"
ELSEWHERE = {"campaign-1": "campaign_test.py"}
OWNERS = "start,end,owner,kind\n0x0,0x100000,low,kernel\n"


def output(*arguments, statuses=(0, 3)):
    done = subprocess.run([MIGSCOPE, *arguments], capture_output=True,
                          text=True, check=False)
    if done.returncode not in statuses:
        raise Failure(f"{arguments}: {done.returncode}: {done.stderr}")
    return done.stdout


def sets():
    """The streams, each with the other channels of its migration."""
    for main in sorted(FIXTURES.glob("stream-*.zst")):
        kind = main.name.removeprefix("stream-").removesuffix(".zst")
        yield [str(main), *map(str, sorted(
            [*FIXTURES.glob(f"channel-{kind}-?.zst"),
             *FIXTURES.glob(f"channel-{kind}.zst"),
             *FIXTURES.glob(f"return-{kind}.zst")]))]


def captures():
    for path in sorted(CAPTURES.glob("file-*")):
        with tempfile.NamedTemporaryFile() as file:
            file.write(path.read_bytes()[1:])  # the first says what it is
            file.flush()
            yield output("probe", "--pcap", file.name, "--json")


def outputs(owners):
    for paths in sets():
        yield output("analyze", "--json", *paths)
        # There is none of mapped-ram.
        yield output("analyze", "--json", "--what-if", "--owners", owners,
                     *paths, statuses=(0, 1, 3))
        yield output("analyze", "--json", "--no-content", *paths)
        yield output("memory", "--json", *paths)
        yield output("devices", "--json", *paths)
        yield output("memory", "--json", "--page", "pc.ram:0x1000", *paths,
                     statuses=(0, 2, 3))  # some guests are smaller
    same = str(FIXTURES / "stream-7.2-precopy.zst")
    other = str(FIXTURES / "stream-10.0-precopy.zst")
    yield output("devices", "--json", same, other)
    with Echo(drop_every=9) as echo:
        yield output("probe", "--json", "--seconds", "1",
                     f"127.0.0.1:{echo.port}")
    yield output("devices", "--json", "--field", "env.*", "--device", "cpu",
                 same)
    yield from captures()


def note_seen(value, path, seen):
    """Keys that were not null."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if inner is not None:
                seen.add(f"{path}/{key}")
            note_seen(inner, f"{path}/{key}", seen)
    elif isinstance(value, list):
        for inner in value:
            note_seen(inner, path, seen)


def main(owners):
    counts, seen = collections.Counter(), set()
    for text in outputs(owners):
        if text:
            value = schemas.check(text)
            counts[value["schema"].removeprefix("migscope/")] += 1
            note_seen(value, value["schema"], seen)
    for name in schemas.names():
        print(f"{counts[name]} times {name}"
              + (", in " + ELSEWHERE[name] if name in ELSEWHERE else ""))
        if not counts[name] and name not in ELSEWHERE:
            sys.exit(f"{name}: no output was of this schema")
    print(f"{len(seen)} keys were seen with a value")
    check_strictness()


def check_strictness():
    """A key more, a key less, and a wrong type are noticed."""
    path = str(FIXTURES / "stream-7.2-precopy.zst")
    for change in (lambda v: v.update(more=1), lambda v: v.pop("rounds"),
                   lambda v: v["ram"]["totals"].update(zero="1"),
                   lambda v: v["ram"]["blocks"][0].pop("pages")):
        value = json.loads(output("analyze", "--json", path))
        change(value)
        try:
            schemas.check(json.dumps(value))
        except Failure:
            continue
        sys.exit("a wrong output was not noticed")


if __name__ == "__main__":
    if schemas.jsonschema is None:
        print("SKIP: python3-jsonschema is not installed")
        sys.exit(77)
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as table:
        table.write(OWNERS)
        table.flush()
        main(table.name)
