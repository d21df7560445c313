"""Whose pages were hot: a Linux guest with one process that writes its memory
again and again, its owners as tools/guest-owners tells them inside, and the
ranking that the analysis makes of both.

usage: owners_test.py MIGSCOPE GUEST_OWNERS
"""

import csv
import sys

import linux_guest
import migtest
from migration_pair import FAST, SLOW, set_parameters, wait_for_status
from migtest import Lab, Migscope, check

MIGSCOPE, GUEST_OWNERS = sys.argv[1:3]
PAGE = 4096
HOT_PAGES = 4096

INIT = b"""#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin:/usr/bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
mount -t sysfs sys /sys
mount -t cgroup2 none /sys/fs/cgroup
echo +memory > /sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/hot.slice
(echo 0 > /sys/fs/cgroup/hot.slice/cgroup.procs; exec python3 /hotloop) &
while [ ! -e /tmp/hot ]; do sleep 0.1; done
python3 /guest-owners > /dev/ttyS1
echo OWNERS > /dev/ttyS0
while true; do sleep 1000; done
"""

HOTLOOP = b"""
with open("/proc/self/comm", "w") as file:
    file.write("hotloop")
memory = bytearray(%d * %d)
open("/tmp/hot", "w").close()
turn = 0
while True:
    turn += 1
    for i in range(0, len(memory), %d):
        memory[i] = turn & 255
""" % (HOT_PAGES, PAGE, PAGE)


def boot(lab):
    """Source, which has told its owners, and destination."""
    initrd = lab.path("initrd")
    with open(GUEST_OWNERS, "rb") as script:
        linux_guest.write_initrd(initrd, {
            "init": INIT, "hotloop": HOTLOOP, "guest-owners": script.read()})
    ends = []
    for name, more in (("source", []),
                       ("destination", ["-incoming", "defer"])):
        ends.append(lab.start(
            name, "console=ttyS0 quiet panic=-1", "-initrd", initrd,
            "-serial", f"file:{lab.path(name + '.csv')}", *more,
            memory="256M"))
    ends[0].wait(lambda: "OWNERS" in ends[0].output("serial"), "owners",
                 timeout=180)
    return ends


def migrate(lab, source, destination):
    """Four passes through a tee, then to the end."""
    migscope = Migscope(MIGSCOPE, lab)
    session = lab.path("run.migscope")
    incoming = f"unix:{lab.path('destination.sock')}"
    set_parameters(source, SLOW)
    destination.qmp.execute("migrate-incoming", uri=incoming)
    tee = migscope.start("tee", "--listen", f"unix:{lab.path('tee.sock')}",
                         "--connect", incoming, "-o", session)
    migtest.wait_for_listener(lab.path("tee.sock"))
    source.qmp.execute("migrate", uri=f"unix:{lab.path('tee.sock')}")
    source.wait_pass(4)
    set_parameters(source, FAST)
    wait_for_status(destination, "completed")
    migscope.finish(tee, 0)
    return migscope, session


def ranking(analysis, column):
    found, = (r for r in analysis["pages"]["owners"] if r["column"] == column)
    return {owner["name"]: owner for owner in found["owners"]}, found


def table_pages(path, owner):
    with open(path, newline="") as file:
        return sum((int(row["end"], 16) - int(row["start"], 16)) // PAGE
                   for row in csv.DictReader(file) if row["owner"] == owner)


def hottest_owner():
    with Lab(linux_guest.KERNEL) as lab:
        source, destination = boot(lab)
        migscope, session = migrate(lab, source, destination)
        table = lab.path("source.csv")
        analysis = migscope.analyze(session, "--owners", table)
        owners, by_owner = ranking(analysis, "owner")
        hot = owners["hotloop"]
        first = max(owners.values(), key=lambda o: o["resent_pages"])
        check(first is hot, f"{first} was sent again most")
        # All of its memory is hot, and little of the interpreter's.
        check(HOT_PAGES <= hot["hot_pages"] <= 1.1 * HOT_PAGES, hot)
        check(hot["resent_pages"] >= HOT_PAGES, hot)
        known = table_pages(table, "hotloop")
        check(hot["pages"] == known, f"{hot['pages']} of {known} pages")
        kinds, _ = ranking(analysis, "kind")
        check({"process", "kernel", "free", "page cache"} <= kinds.keys(),
              kinds.keys())
        cgroups, _ = ranking(analysis, "cgroup")
        check(cgroups["/hot.slice"]["hot_pages"] >= HOT_PAGES, cgroups)
        # Each page of the stream belongs to somebody or to nobody.
        for column in analysis["pages"]["owners"]:
            total = sum(o["pages"] for o in column["owners"]) \
                + column["more"]["pages"] + column["unowned"]["pages"]
            check(total == analysis["pages"]["sent_pages"], column)
        share = hot["resent_pages"] / analysis["ram"]["totals"]["resent_pages"]
        return (f"hotloop has {hot['hot_pages']} hot pages, {share:.1%} of all "
                f"re-sends, {hot['stop_copy_bytes'] >> 10} KiB in the pause; "
                f"{by_owner['unowned']['pages']} pages unowned")


def bad_tables():
    with Lab(linux_guest.KERNEL) as lab:
        migscope = Migscope(MIGSCOPE, lab)
        table = lab.path("bad.csv")
        with open(table, "w") as file:
            file.write("start,end,owner\n0,4096,a\n0,1,b\n")
        for path, text in ((table, "bad.csv: the ranges of lines 2 and 3"),
                           (lab.path("none.csv"), "none.csv")):
            _, err = migscope.run("analyze", "--owners", path, table, status=1)
            check(text in err, err)
        return "are told"


linux_guest.require()
migtest.run([hottest_owner, bad_tables])
