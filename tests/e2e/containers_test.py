"""Streams inside other files: snapshots in qcow2 images, compressed files.

usage: containers_test.py migscope lab_guest.elf
"""

import os
import shutil
import struct
import subprocess
import sys

import migtest
from migtest import Lab, Migscope, check

MIGSCOPE, ELF = sys.argv[1:3]
MIB = 1 << 20
PACKERS = ("gzip", "zstd", "xz")

# What a stream says of a stopped guest, however it is stored.
KEYS = ("ram", "rounds", "stop_and_copy")


def same(analysis, bare, what):
    check(analysis["input"]["complete"], f"{what}: {analysis['input']}")
    check(not analysis["input"]["problems"], f"{what}: {analysis['input']}")
    for key in KEYS:
        check(analysis[key] == bare[key], f"{what}: {key} differs")


def stopped_guest(lab):
    source = lab.start("source", "cold=4M hot=1M rate=500", memory="24M")
    source.wait_ready()
    source.qmp.execute("stop")
    return source


def bare_stream(lab, source):
    path = lab.path("stream.bin")
    source.qmp.execute("migrate", uri=f"exec:cat > {path}")
    source.wait(lambda: source.qmp.execute("query-migrate").get("status")
                == "completed", "end of the migration")
    return path


def run_job(qemu, command, job, **arguments):
    qemu.qmp.execute(command, job_id=job, **arguments)
    qemu.qmp.wait_event("JOB_STATUS_CHANGE", where=lambda data: data == {
        "id": job, "status": "concluded"})
    jobs = qemu.qmp.execute("query-jobs")
    qemu.qmp.execute("job-dismiss", id=job)
    error = next(j.get("error") for j in jobs if j["id"] == job)
    check(error is None, f"{command}: {error}")


def add_image(lab, qemu, node, **options):
    """An empty qcow2 image as a node of that name; gives its path."""
    path, file = lab.path(f"{node}.qcow2"), f"{node}-file"
    run_job(qemu, "blockdev-create", f"create-{file}", options={
        "driver": "file", "filename": path, "size": 0})
    qemu.qmp.execute("blockdev-add", driver="file", filename=path,
                     node_name=file)
    run_job(qemu, "blockdev-create", f"create-{node}", options={
        "driver": "qcow2", "file": file, "size": 64 * MIB, **options})
    qemu.qmp.execute("blockdev-add", driver="qcow2", file=file,
                     node_name=node)
    return path


def save(qemu, node, tag):
    run_job(qemu, "snapshot-save", f"save-{node}-{tag}", tag=tag,
            vmstate=node, devices=[node])


def snapshots():
    layouts = {
        "usual": {},
        "small": {"cluster-size": 512, "version": "v2"},
        "large": {"cluster-size": 2 * MIB},
        "parts": {"extended-l2": True},
    }
    with Lab(ELF) as lab:
        source = stopped_guest(lab)
        images = {}
        for node, options in layouts.items():
            images[node] = add_image(lab, source, node, **options)
            save(source, node, "one")
        migscope = Migscope(MIGSCOPE, lab)
        bare = migscope.analyze(bare_stream(lab, source))
        check(bare["ram"]["totals"]["unique_pages"] >= 24 * MIB // 4096, bare)
        for node, path in images.items():
            analysis = migscope.analyze(path)
            check(analysis["input"]["complete"], analysis["input"])
            for key in ("blocks", "totals"):
                check(analysis["ram"][key] == bare["ram"][key],
                      f"{node}: {key}: {analysis['ram']}")
            devices = analysis["stop_and_copy"]["devices"]
            check([d["name"] for d in devices]
                  == [d["name"] for d in bare["stop_and_copy"]["devices"]],
                  f"{node}: {devices}")
        return f"{bare['ram']['totals']['unique_pages']} pages in each"


def mapped_ram(qemu, on):
    qemu.qmp.execute("migrate-set-capabilities", capabilities=[
        {"capability": "mapped-ram", "state": on}])


def check_mapped(analysis, bare, what):
    """A mapped-ram file has the pages that are not zero, each once."""
    check(analysis["input"]["complete"], f"{what}: {analysis['input']}")
    totals, expected = analysis["ram"]["totals"], bare["ram"]["totals"]
    check(totals["normal"] == totals["unique_pages"] == expected["normal"],
          f"{what}: {totals}, expected {expected}")


def mapped_ram_snapshot():
    if migtest.qemu_version() < (11, 0, 0):
        return "this QEMU cannot save a snapshot so"
    with Lab(ELF) as lab:
        source = stopped_guest(lab)
        path = add_image(lab, source, "disk")
        mapped_ram(source, True)
        save(source, "disk", "one")
        mapped_ram(source, False)
        migscope = Migscope(MIGSCOPE, lab)
        bare = migscope.analyze(bare_stream(lab, source))
        check_mapped(migscope.analyze(path), bare, "snapshot")
        return f"{bare['ram']['totals']['normal']} pages"


def sparse_save_image():
    """As libvirt 11.2 and newer write it: mapped-ram behind its header."""
    if migtest.qemu_version() < (9, 0, 0):
        return "this QEMU has no mapped-ram"
    with Lab(ELF) as lab:
        source = stopped_guest(lab)
        path, data = lab.path("vm.save"), 65537
        header = b"LibvirtQemudSave" + struct.pack("<5I", 2, data, 1, 6, 0)
        # A guest is migrated once; the snapshot is the plain one to compare.
        snapshot = add_image(lab, source, "disk")
        save(source, "disk", "one")
        mapped_ram(source, True)
        source.qmp.execute("migrate", uri=f"file:{path},offset={92 + data}")
        source.wait(lambda: source.qmp.execute("query-migrate").get("status")
                    == "completed", "end of the migration")
        with open(path, "r+b") as file:
            file.write(header.ljust(92, b"\0") + b"<domain/>")
        migscope = Migscope(MIGSCOPE, lab)
        check_mapped(migscope.analyze(path), migscope.analyze(snapshot),
                     "save image")
        return f"{os.path.getsize(path)} bytes"


def several_snapshots():
    with Lab(ELF) as lab:
        source = stopped_guest(lab)
        path = add_image(lab, source, "disk")
        migscope = Migscope(MIGSCOPE, lab)
        _, err = migscope.run("analyze", path, status=1)
        check("without saved state" in err, err)
        save(source, "disk", "first")
        first = migscope.analyze(path)
        save(source, "disk", "second")
        _, err = migscope.run("analyze", path, status=2)
        check('"first" (id "1"), "second" (id "2")' in err, err)
        same(migscope.analyze(f"{path}#first"), first, "by name")
        same(migscope.analyze(f"{path}#1"), first, "by id")
        second = migscope.analyze(f"{path}#second")
        check(second["ram"] == first["ram"], "the guest has moved")
        _, err = migscope.run("analyze", f"{path}#third", status=2)
        check('no snapshot "third"' in err, err)


def cut_image():
    with Lab(ELF) as lab:
        source = stopped_guest(lab)
        path = add_image(lab, source, "disk")
        save(source, "disk", "one")
        migscope = Migscope(MIGSCOPE, lab)
        whole = migscope.analyze(path)
        told = 0
        for part in range(1, 8):
            shutil.copy(path, lab.path("cut.qcow2"))
            os.truncate(lab.path("cut.qcow2"),
                        os.path.getsize(path) * part // 8)
            # The snapshot table is behind the state, so that it is gone.
            _, err = migscope.run("analyze", lab.path("cut.qcow2"), status=1)
            check("the file ends" in err or "need" in err, err)
            told += 1
        check(whole["input"]["complete"], whole["input"])
        return f"{told} cuts"


def pack(packer, path):
    """As users do it: from a pipe, so that nothing knows its size."""
    with open(path, "rb") as file, open(f"{path}.{packer}", "wb") as out:
        with subprocess.Popen(["cat"], stdin=file,
                              stdout=subprocess.PIPE) as cat:
            subprocess.run([packer, "-c", *(["-1"] if packer == "xz" else [])],
                           stdin=cat.stdout, stdout=out, check=True)
    return f"{path}.{packer}"


def compressed():
    missing = [name for name in PACKERS if not shutil.which(name)]
    with Lab(ELF) as lab:
        source = stopped_guest(lab)
        path = bare_stream(lab, source)
        migscope = Migscope(MIGSCOPE, lab)
        bare = migscope.analyze(path)
        packed = {packer: pack(packer, path) for packer in PACKERS
                  if packer not in missing}
        for packer, file in packed.items():
            same(migscope.analyze(file), bare, packer)
            with open(file, "rb") as stdin:
                process = migscope.start("analyze", "--json", "-", stdin=stdin)
                out, _ = migscope.finish(process, 0)
            same(migtest.json.loads(out), bare, f"{packer} on stdin")
            with subprocess.Popen(["cat", file],
                                  stdout=subprocess.PIPE) as cat:
                process = migscope.start("analyze", "--json", "-",
                                         stdin=cat.stdout)
                out, _ = migscope.finish(process, 0)
            same(migtest.json.loads(out), bare, f"{packer} through a pipe")
        if "zstd" in packed and "gzip" in packed:
            same(migscope.analyze(pack("zstd", packed["gzip"])), bare,
                 "gzip in zstd")
        cut_compressed(migscope, packed)
        return f"not here: {missing}" if missing else "all of them"


def cut_compressed(migscope, packed):
    for packer, file in packed.items():
        size = os.path.getsize(file) // 2
        os.truncate(file, size)
        analysis = migscope.analyze(file, status=3)
        check(not analysis["input"]["complete"], analysis["input"])
        told = [p for p in analysis["input"]["problems"]
                if "ends before its end mark" in p["message"]]
        check(len(told) == 1 and told[0]["offset"] == size,
              f"{packer}: {analysis['input']}")
        check(analysis["ram"]["totals"]["normal"] > 0, f"{packer}: no pages")


migtest.run([snapshots, mapped_ram_snapshot, sparse_save_image,
             several_snapshots, cut_image, compressed])
