#!/usr/bin/env python3
"""Campaigns with real QEMUs: complete, killed and gone on with, by hooks.

    campaign_test.py MIGSCOPE LAB_GUEST_ELF [TEST...]
"""

import collections
import csv
import io
import json
import os
import random
import re
import signal
import sqlite3
import sys
import time

import migtest
import schemas
from migtest import check

PLAN = """
name = "small"
seed = {seed}
repetitions = {repetitions}
workloads = ["heavy"]
memory = ["96M"]
modes = [{modes}]
bandwidth = ["400Mbit/s"]
limit_s = 60

[workload.heavy]
words = "cold=20% hot=40% rate=12000 content=random pattern=random"

[lab]
qemu = "{qemu}"
qemu_args = [{arguments}]
link = {link}
"""
PATIENCE = 600


def write_plan(lab, name="plan.toml", modes='"precopy", "postcopy", "hybrid"',
               repetitions=5, seed=1):
    program, *arguments = migtest.qemu_command()
    path = lab.path(name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(PLAN.format(
            seed=seed, repetitions=repetitions, modes=modes, qemu=program,
            link="false" if migtest.no_network() else "true",
            arguments=", ".join(f'"{word}"' for word in arguments)))
    return path


def campaign(migscope, plan, folder, status=0):
    process = migscope.start("campaign", plan, "-o", folder)
    return migscope.finish(process, status, timeout=PATIENCE)


def results(migscope, folder):
    out, _ = migscope.run("results", "--json", folder)
    return json.loads(out)


def sessions(folder):
    """Of finished runs."""
    return sorted(name for name in os.listdir(f"{folder}/runs")
                  if re.fullmatch(r".*\.r\d+\.migscope", name))


def medians(found, measure):
    return {cell["mode"]: value["median"] for cell in found["cells"]
            for value in cell["measures"] if value["measure"] == measure}


def modes(migscope, lab):
    """Postcopy's pause is the shorter one for a guest that writes a lot; that
    hybrid asks for more pages than postcopy is not found."""
    folder = lab.path("modes")
    out, err = campaign(migscope, write_plan(lab), folder)
    check("Mann-Whitney" in out and "wrote results" in err, out + err)
    found = results(migscope, folder)
    check([cell["completed"] for cell in found["cells"]] == [5, 5, 5],
          found["cells"])
    downtime = medians(found, "downtime_ms")
    requests = medians(found, "page_requests")
    ended = {cell["mode"]: cell["actual_modes"] for cell in found["cells"]}
    check(ended["precopy"] == {"precopy": 5}
          and ended["postcopy"] == ended["hybrid"] == {"postcopy": 5}, ended)
    check_forms(migscope, folder, found)
    check_figures(found)
    check_against(migscope, lab, folder)
    if reason := migtest.no_network():
        return f"PAUSES NOT COMPARED: QEMU's limits do not hold in it; {reason}"
    check(downtime["postcopy"] < downtime["precopy"], downtime)
    check(requests["precopy"] == 0 < requests["postcopy"], requests)
    check(not any(one["measure"] == "page_requests"
                  and {one["a"], one["b"]} == {"hybrid", "postcopy"}
                  and one["larger_than_noise"]
                  and requests["hybrid"] > requests["postcopy"]
                  for one in found["comparisons"]), requests)
    real = {(one["measure"], one["a"], one["b"])
            for one in found["comparisons"] if one["larger_than_noise"]}
    check(("downtime_ms", "precopy", "postcopy") in real, real)
    return {"downtime": downtime, "requests": requests,
            "larger than noise": len(real)}


def check_against(migscope, lab, folder):
    """Another campaign, of one of the cells and without the link: its pauses
    are as short as memory is fast."""
    plan = write_plan(lab, "unlinked.toml", modes='"precopy"')
    with open(plan, encoding="utf-8") as file:
        text = file.read().replace("link = true", "link = false")
    with open(plan, "w", encoding="utf-8") as file:
        file.write(text)
    other = lab.path("unlinked")
    campaign(migscope, plan, other)
    out, _ = migscope.run("results", folder, "--against", other, "--json")
    schemas.check(out)
    found = json.loads(out)
    check(found["against"]["name"] == "unlinked"
          and found["against"]["cells"] == 1, found["against"])
    told = {one["measure"]: one for one in found["comparisons"]
            if one["factor"] == "campaign"}
    check(all(one["a"] == "modes" and one["b"] == "unlinked"
              and one["at"]["mode"] == "precopy" for one in told.values()), told)
    theirs = results(migscope, other)
    check(told["downtime_ms"]["median_b"]
          == medians(theirs, "downtime_ms")["precopy"], told["downtime_ms"])
    text, _ = migscope.run("results", folder, "--against", other)
    check("Compared with unlinked (1 cell)" in text, text)
    if not migtest.no_network():
        check(found["against"]["differences"]
              == ['lab.link: modes "true", unlinked "false"'],
              found["against"])
        check(told["downtime_ms"]["larger_than_noise"]
              and told["downtime_ms"]["shift"] > 0, told["downtime_ms"])
    # Nothing is compared that only has the same name.
    with open(plan, "w", encoding="utf-8") as file:
        file.write(text_of_other_words(lab))
    changed = lab.path("changed")
    campaign(migscope, plan, changed)
    _, err = migscope.run("results", folder, "--against", changed, status=2)
    check("workload heavy is not the same in both" in err, err)


def text_of_other_words(lab):
    with open(write_plan(lab, "words.toml", modes='"precopy"', repetitions=1),
              encoding="utf-8") as file:
        return file.read().replace("hot=40%", "hot=20%")


def check_figures(found):
    """What results say, against another reader's account of the sessions."""
    for run in found["runs"]:
        lines = migtest.monitor_lines(run["session"])
        last = [line["message"]["return"] for line in lines
                if line["end"] == "source" and line["dir"] == "received"
                and "total-time" in str(line.get("message"))][-1]
        check(run["measures"]["migration_time_ms"] == last["total-time"], run)
        check(run["measures"]["qemu_downtime_ms"] == last["downtime"], run)
        check(run["measures"]["page_requests"]
              == last["ram"]["postcopy-requests"], run)
    for cell in found["cells"]:
        runs = [run for run in found["runs"] if run["mode"] == cell["mode"]]
        for value in cell["measures"]:
            values = sorted(run["measures"][value["measure"]] for run in runs)
            check(abs(value["mean"] - sum(values) / 5) < 1e-9 * max(values)
                  + 1e-9, value)
            check(value["median"] == values[2], value)
            check(value["minimum"] == values[0], value)
            low, high = value["mean_interval"]
            check(values[0] <= low <= value["mean"] + 1e-9
                  and value["mean"] - 1e-9 <= high <= values[-1], value)


def coordinates(cell):
    return [cell[name] for name in ("workload", "memory", "mode", "bandwidth")]


def summaries(found):
    return [(cell, value) for cell in found["cells"]
            for value in cell["measures"]]


def check_summary(row, cell, value):
    """Of a cell's measure, as another form has it: every column."""
    check([row[name] for name in ("workload", "memory", "mode", "bandwidth",
                                  "measure")]
          == [*coordinates(cell), value["measure"]], row)
    expected = {name: value[name] for name in (
        "n", "mean", "deviation", "median", "minimum", "maximum")}
    for name in ("mean", "median"):
        low, high = value[f"{name}_interval"]
        expected |= {f"{name}_low": low, f"{name}_high": high}
    check({name: float(row[name]) for name in expected} == expected,
          (row, expected))


def check_forms(migscope, folder, found):
    """CSV, lines and tables hold what JSON does."""
    runs = len(found["runs"])
    rows = list(csv.DictReader(io.StringIO(
        migscope.run("results", "--csv", folder)[0], newline="")))
    check(len(rows) == sum(len(cell["measures"]) for cell in found["cells"]),
          len(rows))
    for row, (cell, value) in zip(rows, summaries(found)):
        check_summary(row, cell, value)
    lines = [json.loads(line) for line in migscope.run(
        "results", "--ndjson", folder)[0].splitlines()]
    check(len(lines) == runs and all(line.keys() == lines[0].keys()
                                     for line in lines), lines[:1])
    for line, run in zip(lines, found["runs"]):
        check(line["downtime_ms"] == run["measures"]["downtime_ms"], line)
    with sqlite3.connect(f"{folder}/results.sqlite") as database:
        def rows_of(query):
            return database.execute(query).fetchall()
        check(rows_of("PRAGMA integrity_check") == [("ok",)], "damaged")
        check(rows_of("SELECT count(*) FROM run") == [(runs,)], "runs")
        stored = dict(rows_of("SELECT run_id, value FROM measure "
                              "WHERE name = 'downtime_ms'"))
        check(stored == {run["id"]: run["measures"]["downtime_ms"]
                         for run in found["runs"]}, stored)
        database.row_factory = sqlite3.Row
        stored = {tuple(row)[:5]: dict(row) for row in rows_of(
            "SELECT * FROM summary")}
        for cell, value in summaries(found):
            check_summary(stored.pop((*coordinates(cell), value["measure"])),
                          cell, value)
        check(not stored, stored)
        stored = {(row["measure"], row["factor"], row["a"], row["b"],
                   row["workload"], row["memory"], row["mode"],
                   row["bandwidth"]): dict(row)
                  for row in rows_of("SELECT * FROM comparison")}
        check(len(stored) == len(found["comparisons"]), len(stored))
        for one in found["comparisons"]:
            row = stored[(one["measure"], one["factor"], one["a"], one["b"],
                          *coordinates(one["at"]))]
            for name in ("n_a", "n_b", "median_a", "median_b", "shift",
                         "cliffs_delta", "p", "adjusted_p",
                         "larger_than_noise"):
                check(row[name] == one[name], (name, row, one))
        database.row_factory = None
        check(rows_of("SELECT count(*) FROM sample")[0][0] > 10 * runs,
              "samples")
        check(rows_of("SELECT count(DISTINCT run_id) FROM phase JOIN run "
                      "ON run.id = run_id WHERE mode = 'precopy'")
              == [(5,)], "phases")
    for name in ("json", "csv", "ndjson", "html"):
        check(os.path.getsize(f"{folder}/results.{name}") > 1000, name)
    with open(f"{folder}/results.json", encoding="utf-8") as file:
        schemas.check(file.read())


def killed(migscope, lab):
    """Killed four times, at moments of chance: every run is there once."""
    plan, folder = write_plan(lab, repetitions=3), lab.path("killed")
    chance = random.Random(time.time())
    moments = [round(chance.uniform(0.3, 5), 2) for _ in range(4)]
    finished = {}
    for moment in moments:
        process = migscope.start("campaign", plan, "-o", folder)
        time.sleep(moment)
        check(process.poll() is None, f"ended by itself: {moments}")
        process.kill()
        process.communicate()
        for name, stamp in finished.items():
            check(os.stat(f"{folder}/runs/{name}").st_mtime_ns == stamp,
                  f"{name} was made again")
        if os.path.isdir(f"{folder}/runs"):
            finished = {name: os.stat(f"{folder}/runs/{name}").st_mtime_ns
                        for name in sessions(folder)}
    campaign(migscope, plan, folder)
    names = sessions(folder)
    check(len(names) == 9, names)
    found = results(migscope, folder)
    cells = collections.Counter(run["mode"] for run in found["runs"])
    check(cells == {"precopy": 3, "postcopy": 3, "hybrid": 3}, cells)
    check([run["order"] for run in found["runs"]] == list(range(1, 10)), "order")
    check(not [name for name in os.listdir(f"{folder}/runs")
               if ".part." in name], "a part is left")
    for name in ("scratch", "current"):
        check(not os.path.exists(f"{folder}/{name}"), f"{name} is left")
    return {"killed after s": moments,
            "lost": len([name for name in os.listdir(f"{folder}/runs")
                         if ".lost-" in name])}


def interrupted(migscope, lab):
    plan, folder = write_plan(lab, repetitions=2), lab.path("interrupted")
    process = migscope.start("campaign", plan, "-o", folder)
    migtest.wait_until(lambda: os.path.isdir(f"{folder}/runs")
                       and len(sessions(folder)) >= 1, "the first run")
    process.send_signal(signal.SIGINT)
    _, err = migscope.finish(process, 130, timeout=PATIENCE)
    check("the same command goes on" in err, err)
    made = sessions(folder)
    check(len(made) < 6, made)
    # What there is can be told.
    check(len(results(migscope, folder)["runs"]) == len(made), made)
    campaign(migscope, plan, folder)
    check(len(sessions(folder)) == 6, sessions(folder))
    # Nothing is left to do, and nothing is done again.
    before = os.stat(f"{folder}/runs").st_mtime_ns
    campaign(migscope, plan, folder)
    check(os.stat(f"{folder}/runs").st_mtime_ns == before, "made again")


def refused(migscope, lab):
    """Another plan, somebody at work, a folder of something else, no plan."""
    plan, folder = write_plan(lab, repetitions=1, modes='"precopy"'), \
        lab.path("refused")
    campaign(migscope, plan, folder)
    other = write_plan(lab, "other.toml", repetitions=1, modes='"precopy"',
                       seed=2)
    _, err = campaign(migscope, other, folder, status=2)
    check("another plan" in err and "seed" in err, err)
    longer = write_plan(lab, "longer.toml", repetitions=5, modes='"precopy"')
    busy = lab.path("busy")
    process = migscope.start("campaign", longer, "-o", busy)
    migtest.wait_until(lambda: os.path.exists(f"{busy}/scratch"), "a start")
    _, err = campaign_beside(migscope, longer, busy)
    check("another migscope" in err, err)
    process.send_signal(signal.SIGTERM)
    migscope.finish(process, 130, timeout=PATIENCE)
    os.makedirs(lab.path("photos"))
    open(lab.path("photos/one.jpg"), "wb").close()
    _, err = campaign(migscope, plan, lab.path("photos"), status=2)
    check("something else" in err, err)
    _, err = campaign(migscope, "no-such-plan", lab.path("x"), status=2)
    check("thesis" in err and not os.path.exists(lab.path("x")), err)
    _, err = migscope.run("results", lab.path("photos"), status=2)
    check("plan.json" in err, err)


def campaign_beside(migscope, plan, folder):
    """While another one uses the folder for temporary files."""
    process = migscope.start("campaign", plan, "-o", folder)
    out, err = process.communicate(timeout=PATIENCE)
    check(process.returncode == 1, out + err)
    return out, err


def left_out(migscope, lab):
    """A mode that this QEMU does not have."""
    plan = write_plan(lab, repetitions=1, modes='"precopy", "compress", "no"')
    with open(plan, "a", encoding="utf-8") as file:
        file.write('[mode.no]\ncapabilities = ["no-such-thing=on"]\n')
    folder = lab.path("left-out")
    _, err = campaign(migscope, plan, folder)
    check("mode no is left out" in err and "no-such-thing" in err, err)
    has_compress = migtest.qemu_version() < (9, 1)
    check(("mode compress is left out" in err) != has_compress, err)
    check(len(sessions(folder)) == 1 + has_compress, sessions(folder))


def not_converging(migscope, lab):
    """What does not end within its time is told, and counts in no figure."""
    plan = lab.path("endless.toml")
    with open(write_plan(lab, repetitions=1, modes='"precopy"')) as file:
        text = file.read().replace("link = true", "link = false")
    text = text.replace("limit_s = 60", "limit_s = 6").replace(
        "400Mbit/s", "20MiB/s").replace("rate=12000", "rate=max")
    with open(plan, "w", encoding="utf-8") as file:
        file.write(text)
    out, _ = campaign(migscope, plan, lab.path("endless"))
    check("1 cancelled, which counts in no figure" in out, out)
    found = results(migscope, lab.path("endless"))
    check(found["cells"][0]["completed"] == 0, found["cells"])
    check(found["runs"][0]["detail"] == "it did not end within its time",
          found["runs"][0])


def service(migscope, lab):
    """With the Linux guest, what its clients felt is measured and graded."""
    if reason := migtest.no_network():
        return f"NOT RUN: {reason}"
    if not os.path.exists(migtest.fetched("linux", "lab-initrd")):
        return "NOT RUN: the Linux guest is not here; tools/get-linux gets it"
    plan = write_plan(lab, repetitions=2, modes='"precopy", "postcopy"')
    with open(plan, encoding="utf-8") as file:
        text = file.read().replace("96M", "192M").replace(
            "cold=20% hot=40% rate=12000", "cold=10% hot=10% rate=2000")
    with open(plan, "w", encoding="utf-8") as file:
        file.write(text + 'guest = "linux"\nprobe = "udp"\n')
    folder = lab.path("service")
    out, _ = campaign(migscope, plan, folder)
    check("tiphon" in out and "Overall" in out, out)
    found = results(migscope, folder)
    for run in found["runs"]:
        values = run["measures"]
        check(values["outage_ms"] > values["downtime_ms"] > 0, values)
        check(0 <= values["recovery_ms"] < values["outage_ms"], values)
        check(values["delay_ms"] > 0 and values["jitter_ms"] > 0, values)
        check(0 <= values["loss_percent"] < 100, values)
    for cell in found["cells"]:
        check({grade["set"] for grade in cell["overall"]} == {"tiphon"}, cell)
    return {name: medians(found, name) for name in ("outage_ms", "recovery_ms",
                                                    "loss_percent")}


HOOKS = """
name = "hooks"
repetitions = 2
limit_s = 60
workloads = ["full"]
memory = ["96M"]
modes = ["precopy", "xbzrle"]
bandwidth = ["400Mbit/s"]

[workload.full]
words = "cold=40M hot=4K rate=10 content=random"

[hooks]
source = "unix:{run}/source.qmp"
destination = "unix:{run}/destination.qmp"
prepare = "{python} -B {script} prepare {run} {elf}"
migrate = "{python} -B {script} migrate {run} {elf}"
restore = "{python} -B {script} restore {run} {elf}"
"""


def hooks(migscope, lab):
    """A user's own VMs."""
    run = lab.path("vm")
    os.makedirs(run)
    plan = lab.path("hooks.toml")
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                          "campaign_hook.py")
    with open(plan, "w", encoding="utf-8") as file:
        file.write(HOOKS.format(run=run, python=sys.executable, script=script,
                                elf=lab.elf))
    folder = lab.path("hooked")
    campaign(migscope, plan, folder)
    found = results(migscope, folder)
    check(len(found["runs"]) == 4, found["runs"])
    check(all(cell["completed"] == 2 for cell in found["cells"]), found["cells"])
    for one in found["runs"]:
        analysis = migscope.analyze(one["session"])
        on = analysis["vm"]["capabilities"]
        check(("xbzrle" in on) == (one["mode"] == "xbzrle"), on)
    check(os.listdir(run) == [], os.listdir(run))
    # A hook that fails is told, with what it said; the others are made.
    with open(plan, encoding="utf-8") as file:
        text = file.read().replace(
            'migrate = "', 'migrate = "[ $MIGSCOPE_MODE = precopy ] || '
            '{ echo out of luck >&2; exit 7; }; ')
    with open(plan, "w", encoding="utf-8") as file:
        file.write(text)
    _, err = campaign(migscope, plan, lab.path("failing"), status=1)
    check("migrate: status 7: out of luck" in err, err)
    check(len(sessions(lab.path("failing"))) == 2, "the others")


def hooked(lab, **changes):
    """A plan with hooks, one run, and the folder of its VMs."""
    run = lab.path("vm")
    os.makedirs(run, exist_ok=True)
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                          "campaign_hook.py")
    text = HOOKS.format(run=run, python=sys.executable, script=script,
                        elf=lab.elf).replace(', "xbzrle"', "").replace(
                            "repetitions = 2", "repetitions = 1")
    for old, new in changes.values():
        check(old in text, old)
        text = text.replace(old, new)
    plan = lab.path("one.toml")
    with open(plan, "w", encoding="utf-8") as file:
        file.write(text)
    return plan, run


def hooks_late(migscope, lab):
    """A migration that does not end is cancelled, and counts as that; so does
    one whose command fails because it did."""
    plan, run = hooked(lab, limit=("limit_s = 60", "limit_s = 3"),
                       slow=("400Mbit/s", "2MiB/s"))
    campaign(migscope, plan, lab.path("late"))
    found = results(migscope, lab.path("late"))["runs"]
    check([one["outcome"] for one in found] == ["cancelled"], found)
    check(os.listdir(run) == [], os.listdir(run))
    plan, run = hooked(lab, failing=(f'migrate {run} {lab.elf}"',
                                     f'migrate {run} {lab.elf}; exit 9"'))
    campaign(migscope, plan, lab.path("failed"))
    found = results(migscope, lab.path("failed"))["runs"]
    check([one["outcome"] for one in found] == ["completed"], found)
    check(os.listdir(run) == [], os.listdir(run))


def hooks_killed(migscope, lab):
    """The VMs of a run that was lost, in the migration or before, are restored
    before the next one."""
    plan, run = hooked(lab, slow=("400Mbit/s", "4MiB/s"))
    folder = lab.path("killed")
    for begun in (f"{run}/destination.console",
                  f"{folder}/runs/full.96M.precopy.4MiB-s.r1.migrate.log"):
        process = migscope.start("campaign", plan, "-o", folder)
        migtest.wait_until(lambda: os.path.exists(begun), begun)
        process.kill()
        process.communicate()
        check(os.path.exists(f"{run}/source.pid"), "nothing to restore")
    campaign(migscope, plan, folder)
    check(len(sessions(folder)) == 1, sessions(folder))
    check(os.listdir(run) == [], os.listdir(run))
    lost = [name for name in os.listdir(f"{folder}/runs") if "lost" in name]
    check(len(lost) == 1, lost)
    run, = results(migscope, folder)["runs"]
    check(run["outcome"] == "completed", run)
    return run["measures"]["migration_time_ms"]


def nohup(migscope, lab):
    """A terminal that goes away ends nothing that was told not to mind."""
    plan = write_plan(lab, repetitions=1, modes='"precopy"')
    folder = lab.path("nohup")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    process = migscope.start("campaign", plan, "-o", folder)
    signal.signal(signal.SIGHUP, before)
    migtest.wait_until(lambda: os.path.exists(f"{folder}/scratch"), "a start")
    process.send_signal(signal.SIGHUP)
    migscope.finish(process, 0, timeout=PATIENCE)
    check(len(sessions(folder)) == 1, sessions(folder))


def leaves_nothing(lab):
    """No QEMU of ours goes on."""
    def mine():
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read()
            except OSError:
                continue  # it has ended meanwhile
            if lab.directory.encode() in words and int(pid) != os.getpid():
                found.append(pid)
        return found
    migtest.wait_until(lambda: not mine(), "all programs have ended")


def main():
    elf, *names = sys.argv[2:]
    tests = [modes, killed, interrupted, refused, left_out, not_converging,
             service, hooks, hooks_late, hooks_killed, nohup]
    migtest.run(migtest.in_labs(tests, names, elf, leaves_nothing))


if __name__ == "__main__":
    main()
