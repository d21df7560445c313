"""Device states of real QEMUs, taken apart by migscope.

usage: devices_test.py migscope

What it says is held against QEMU's monitor, and against QEMU's own
scripts/analyze-migration.py, where that can be had: MIGSCOPE_ANALYZE_MIGRATION
names a folder with analyze-migration-MAJOR.MINOR.py, taken out of QEMU's
sources. The newest one that is not newer than the QEMU is used.
"""

import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time

import migtest
from migtest import Failure, Lab, Migscope, Qemu, check

MIGSCOPE = sys.argv[1]
GROUP = sys.argv[2]

# One word a device; what QEMU does not have, or does not migrate, is left out.
MANY = [
    "virtio-net-pci,netdev=net0", "virtio-blk-pci,drive=disk0",
    "virtio-scsi-pci,id=scsi", "scsi-hd,drive=disk1,bus=scsi.0",
    "virtio-gpu-pci", "virtio-balloon-pci", "virtio-rng-pci",
    "virtio-serial-pci", "virtio-tablet-pci", "e1000e,netdev=net1",
    "nvme,serial=1,drive=disk2", "ich9-ahci,id=ahci",
    "ide-hd,drive=disk3,bus=ahci.0", "qemu-xhci,id=usb", "usb-kbd,bus=usb.0",
    "usb-storage,drive=disk4,bus=usb.0", "intel-hda",
    "hda-duplex,audiodev=sound", "tpm-crb,tpmdev=tpm",
]
MICROVM = ["virtio-net-device,netdev=net0", "virtio-blk-device,drive=disk0",
           "virtio-rng-device", "virtio-balloon-device"]
BACKENDS = ["-netdev", "user,id=net0", "-netdev", "user,id=net1",
            "-audiodev", "none,id=sound"]
for disk in range(5):
    BACKENDS += ["-blockdev", f"null-co,node-name=disk{disk},size=1048576"]


class Machine:
    """A guest that runs its firmware, with those of `devices` that can be."""

    def __init__(self, lab, name, machine, devices=(), *arguments):
        self.lab, self.name, self.machine = lab, name, machine
        self.devices, self.left_out = list(devices), []
        self.arguments = list(arguments)
        if any("tpmdev" in device for device in devices):
            self.start_tpm()
        while not self.start():
            pass

    def start_tpm(self):
        if not shutil.which("swtpm"):
            self.devices = [d for d in self.devices if "tpmdev" not in d]
            self.left_out.append("tpm (no swtpm)")
            return
        socket = self.lab.path("tpm.sock")
        self.lab.programs.append(subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate",
             f"dir={self.lab.directory}", "--ctrl",
             f"type=unixio,path={socket}"], stderr=subprocess.DEVNULL,
            stdout=subprocess.PIPE, preexec_fn=migtest.die_with_parent))
        deadline = time.monotonic() + migtest.TIMEOUT
        while not os.path.exists(socket):
            check(time.monotonic() < deadline, "swtpm does not come")
            time.sleep(migtest.POLL)
        self.arguments += ["-chardev", f"socket,id=tpm,path={socket}",
                           "-tpmdev", "emulator,id=tpm,chardev=tpm"]

    def leave_out(self, model):
        gone = [d for d in self.devices if d.split(",")[0] == model]
        check(gone, f"{model} is not among the devices")
        self.devices = [d for d in self.devices if d not in gone]
        self.left_out.append(model)

    def start(self):
        arguments = ["-machine", self.machine, "-accel", "tcg", "-m", "64M",
                     "-nodefaults", "-no-user-config", "-display", "none"]
        backends = BACKENDS if self.devices else []
        for device in self.devices:
            backends = backends + ["-device", device]
        try:
            self.qemu = Qemu(self.lab.directory, self.name,
                             arguments + backends + self.arguments)
        except (Failure, ConnectionError):
            with open(self.lab.path(f"{self.name}.log")) as log:
                unknown = re.search("'([^']+)' is not a valid device model",
                                    log.read())
            if not unknown:
                raise
            self.leave_out(unknown.group(1))
            return False
        self.lab.qemus.append(self.qemu)
        return True

    def capture(self):
        """Stops the guest and gives the path of its stream."""
        path = self.lab.path(f"{self.name}.bin")
        self.qemu.qmp.execute("stop")
        try:
            self.qemu.qmp.execute("migrate", uri=f"exec:cat > {path}")
        except migtest.QmpError as refused:
            blocker = re.search("non-migratable device '.*/([^']+)'",
                                str(refused))
            if not blocker:
                raise
            self.leave_out(blocker.group(1))
            self.qemu.kill()
            self.lab.qemus.remove(self.qemu)
            while not self.start():
                pass
            time.sleep(2)
            return self.capture()
        self.qemu.wait(lambda: self.qemu.qmp.execute("query-migrate").get(
            "status") == "completed", "end of the migration")
        return path


def devices(lab, *arguments, status=0):
    out, _ = Migscope(MIGSCOPE, lab).run("devices", "--json", *arguments,
                                         status=status)
    return json.loads(out)


def find(result, name, instance=0):
    found = [d for d in result["devices"] if d["name"].split("/")[-1] == name
             and d["instance_id"] == instance]
    check(len(found) == 1, f"{len(found)} devices {name}/{instance}")
    return found[0]


def member(value, *path):
    for name in path:
        found = [f for f in value["fields"] if f["name"] == name]
        check(len(found) == 1, f"{len(found)} fields {name}")
        value = found[0]
    return value


# --- QEMU's own script

# What its reader takes apart; all else it prints as bytes.
NUMBERS = {"int8", "int16", "int32", "int32 equal", "int32 le", "int64",
           "uint8", "uint16", "uint32", "uint32 equal", "uint64",
           "int64 equal", "uint8 equal", "uint16 equal"}
# It takes these for signed.
SIGN_WRONG = {"int64 equal", "uint8 equal", "uint16 equal"}


def require_script():
    if "MIGSCOPE_ANALYZE_MIGRATION" not in os.environ:
        migtest.skip("MIGSCOPE_ANALYZE_MIGRATION names no folder with QEMU's "
                     "scripts, as analyze-migration-X.Y.py")


def script():
    folder = os.environ["MIGSCOPE_ANALYZE_MIGRATION"]
    version = migtest.qemu_version()[:2]
    found = {}
    for path in glob.glob(os.path.join(folder, "analyze-migration-*.py")):
        numbers = re.search(r"(\d+)\.(\d+)\.py$", path).groups()
        found[tuple(map(int, numbers))] = path
    usable = [known for known in found if known <= version]
    check(usable, f"no script for QEMU {version} in {folder}")
    return found[max(usable)]


class Comparison:
    """Every device, field and value of the script's result, and of ours."""

    def __init__(self, stream, script_path):
        with open(stream, "rb") as file:
            self.stream = file.read()
        with open(script_path) as file:
            self.knows_markers = "ptr-marker" in file.read()
        self.values = 0

    def without_markers(self, told):
        """A script older than pointer markers takes them for elements."""
        if self.knows_markers or not any(isinstance(t, dict) for t in told):
            return told
        names = {"31": None, "30": "nullptr"}
        return [one for one in (names.get(t, t) if isinstance(t, str) else t
                                for t in told) if one is not None]

    def number(self, path, value, told):
        match = re.fullmatch(r"(0x[0-9a-f]+)(?: \((-?\d+)\))?", told)
        check(match, f"{path}: the script says {told}")
        expected = int(match.group(2) or match.group(1), 0)
        ours = value["value"]
        if value["type"] in SIGN_WRONG and ours >> (8 * value["size"] - 1):
            ours -= 1 << 8 * value["size"]
        check(ours == expected, f"{path}: {ours}, the script says {told}")

    def plain(self, path, value, told):
        self.values += 1
        begin = value["offset"]
        raw = self.stream[begin:begin + value["size"]].hex(" ")
        if isinstance(told, bool):
            check(value["value"] is told, f"{path}: {value}")
        elif told == "nullptr":
            check(value["value"] is None, f"{path}: {value}")
        elif value["type"] in NUMBERS:
            self.number(path, value, told)
        else:
            check(raw == told, f"{path}: {raw}, the script says {told}")
            if "hex" in value:
                check(bytes.fromhex(value["hex"]).hex(" ") == told, path)

    def elements(self, value):
        if "elements" in value:
            return value["elements"]
        size = value["size"] // len(value["values"])
        return [{"type": value["type"], "offset": value["offset"] + i * size,
                 "size": size, "value": one}
                for i, one in enumerate(value["values"])]

    def value(self, path, value, told):
        if isinstance(told, dict):
            self.fields(path, value["fields"], told)
        elif isinstance(told, list):
            ours = self.elements(value)
            told = self.without_markers(told)
            check(len(ours) == len(told), f"{path}: {len(ours)} elements, the "
                  f"script says {len(told)}")
            for index, (one, other) in enumerate(zip(ours, told)):
                self.value(f"{path}[{index}]", one, other)
        else:
            self.plain(path, value, told)

    def fields(self, path, fields, told):
        names = [field["name"] for field in fields]
        check(names == list(told), f"{path}: {names}, the script says "
              f"{list(told)}")
        for field in fields:
            self.value(f"{path}.{field['name']}", field, told[field["name"]])

    def devices(self, result, told):
        # The script counts iterable sections among the devices.
        told = {key: value for key, value in told.items()
                if key.rsplit(" ", 1)[0] != "ram"}
        names = [device["name"] for device in result["devices"]]
        check(names == [key.rsplit(" ", 1)[0] for key in told],
              f"{names}, the script says {list(told)}")
        for device, (key, other) in zip(result["devices"], told.items()):
            self.fields(key, device["fields"], other)


def compare_with_script(machine, devices_wanted=()):
    path = script()
    if not path:
        return "not compared: MIGSCOPE_ANALYZE_MIGRATION is not set"
    with Lab(None) as lab:
        guest = Machine(lab, "guest", machine, devices_wanted)
        time.sleep(2)
        stream = guest.capture()
        told = json.loads(subprocess.run(
            [sys.executable, "-B", path, "-d", "state", "-f", stream],
            check=True, capture_output=True, text=True).stdout)
        result = devices(lab, stream)
        comparison = Comparison(stream, path)
        comparison.devices(result, told)
        without = f", without {', '.join(guest.left_out)}"
        return (f"{len(result['devices'])} devices, {comparison.values} "
                f"values as {os.path.basename(path)} says"
                + (without if guest.left_out else ""))


def script_pc():
    return compare_with_script("pc")


def script_q35():
    return compare_with_script("q35")


def script_microvm():
    return compare_with_script("microvm", MICROVM)


def script_many_devices():
    return compare_with_script("q35", MANY)


# --- the monitor


def registers(guest):
    text = guest.qemu.qmp.execute(
        "human-monitor-command", command_line="info registers")
    return {name.strip(): int(value, 16) for name, value in re.findall(
        r"([A-Z0-9]+ ?)=([0-9a-f]+)", text)}


def check_cover(fields, begin, end, path):
    """No byte is missed or told twice, at any depth; markers before pointers
    aside, of which only nvme has some."""
    for field in fields:
        check(field["offset"] == begin, f"{path}: a gap at {begin:#x}")
        begin += field["size"]
        inside = field.get("fields", field.get("elements"))
        if inside and field["type"] not in ("subsection", "qtailq", "qlist",
                                            "gtree"):
            check_cover(inside, field["offset"], begin,
                        f"{path}.{field.get('name')}")
    check(begin == end, f"{path}: ends at {begin:#x}, not {end:#x}")


def known_truths():
    with Lab(None) as lab:
        guest = Machine(lab, "guest", "q35", ["virtio-rng-pci"])
        time.sleep(1)
        guest.qemu.qmp.execute("stop")
        truth = registers(guest)
        stream = guest.capture()
        result = devices(lab, stream)
        check(result["schema"] == "migscope/devices-1", result["schema"])
        check(result["described_by"] == "stream", result["described_by"])
        find(result, "virtio-rng")
        cpu = find(result, "cpu")
        eip = truth.get("EIP", truth.get("RIP"))
        check(member(cpu, "env.eip")["value"] == eip, f"eip is {eip:#x}")
        esp = truth.get("ESP", truth.get("RSP"))
        check(member(cpu, "env.regs")["values"][4] == esp, f"esp is {esp:#x}")
        halted = member(find(result, "cpu_common"), "halted")["value"]
        check(halted == truth["HLT"], f"halted: {halted}")
        analysis = Migscope(MIGSCOPE, lab).analyze(stream)
        # With the section's head and footer, 19 bytes and the name.
        sizes = [(d["name"], d["instance_id"],
                  d["bytes"] - 19 - len(d["name"]))
                 for d in analysis["stop_and_copy"]["devices"]]
        check(sizes == [(d["name"], d["instance_id"], d["size"])
                        for d in result["devices"]], "sizes differ")
        for device in result["devices"]:
            check(not device["problems"], device["problems"])
            check_cover(device["fields"], device["offset"],
                        device["offset"] + device["size"], device["name"])
        one = devices(lab, stream, "--device", "cpu", "--field", "env.regs[4]")
        fields = one["devices"][0]["fields"]
        check([f["value"] for f in fields] == [esp], fields)
        with open(stream, "rb") as file:
            out, _ = Migscope(MIGSCOPE, lab).run("devices", "-", "--json",
                                                 stdin=file)
        check(json.loads(out)["devices"][0]["fields"]
              == result["devices"][0]["fields"], "differs through a pipe")
        return f"{len(sizes)} devices, eip {eip:#x}"


# QEMU's name of VIRTIO_F_ACCESS_PLATFORM.
OLD_NAMES = {"VIRTIO_F_IOMMU_PLATFORM": "VIRTIO_F_ACCESS_PLATFORM"}


def feature_names(guest):
    """Names that QEMU gives the features of the disk's driver."""
    if migtest.qemu_version() >= (11, 1):
        return None  # x-query-virtio-status ends it with an assertion
    status = guest.qemu.qmp.execute(
        "x-query-virtio-status",
        path="/machine/peripheral/disk/virtio-backend")
    names = [text.split(":")[0] for key in ("transports", "dev-features")
             for text in status["guest-features"].get(key, [])]
    return {OLD_NAMES.get(name, name) for name in names}


def disk_guest(lab, name, options):
    """Runs until the firmware has read from the disk."""
    log = lab.path(f"{name}.firmware")
    guest = Machine(lab, name, "q35", [
        f"virtio-blk-pci,drive=disk0,id=disk,disable-legacy=on{options}",
        "isa-debugcon,iobase=0x402,chardev=firmware"],
        "-chardev", f"file,id=firmware,path={log}")
    guest.qemu.wait(lambda: "Booting from Hard Disk" in guest.qemu.output(
        "firmware"), "boot from the disk")
    return guest


def virtio_features():
    """The firmware takes what the disk offers: one of two offers more."""
    with Lab(None) as lab:
        results, words, streams = [], [], []
        for name, options in (("plain", ""), ("iommu", ",iommu_platform=on")):
            guest = disk_guest(lab, name, options)
            truth = feature_names(guest)
            streams.append(guest.capture())
            results.append(devices(lab, streams[-1]))
            blob = member(find(results[-1], "virtio-blk"), "virtio")
            word = member(blob, "virtio/64bit_features", "guest_features")
            words.append(set(word["bits"]))
            check(truth in (None, words[-1]), f"{word}, QEMU says {truth}")
            check(member(blob, "status")["value"] & 4, "no driver")
        diff = devices(lab, *streams, "--device", "virtio-blk")
        check(diff["schema"] == "migscope/device-diff-1", diff["schema"])
        fields = {f["field"]: f for f in diff["devices"][0]["fields"]}
        changed = fields["virtio.virtio/64bit_features.guest_features"]
        check(changed["bits_only_in_b"] == sorted(words[1] - words[0]),
              changed)
        check("VIRTIO_F_ACCESS_PLATFORM" in changed["bits_only_in_b"], changed)
        check(changed["bits_only_in_a"] == [], changed)
        return f"{sorted(words[0])} and {changed['bits_only_in_b']}"


def borrowed_description():
    with Lab(None) as lab:
        bare = Machine(lab, "bare", "q35", (), "-machine",
                       "suppress-vmdesc=on").capture()
        full = Machine(lab, "full", "q35").capture()
        alone = devices(lab, bare)
        check(alone["described_by"] == "nothing", alone["described_by"])
        check(all(not d["described"] for d in alone["devices"]), "described")
        lent = devices(lab, bare, "--description", full)
        check(lent["described_by"] == "other-capture", lent["described_by"])
        for device, other in zip(lent["devices"], alone["devices"]):
            check(device["described"] and not device["problems"], device)
            check(device["size"] == other["size"], device["name"])
            check_cover(device["fields"], device["offset"],
                        device["offset"] + device["size"], device["name"])
        dump = lab.path("dump.json")
        made = subprocess.run(
            [*migtest.qemu_command(), "-M", "q35", "-nodefaults", "-display",
             "none", "-dump-vmstate", dump], capture_output=True)
        if made.returncode != 0:
            return "QEMU's -dump-vmstate fails here"
        sizes = devices(lab, bare, "--description", dump)
        check(sizes["described_by"] == "dump-vmstate", sizes["described_by"])
        named = 0
        for device, truth in zip(sizes["devices"], lent["devices"]):
            if device["described"]:
                named += 1
                # Names that repeat have no numbers there.
                names = {f["name"].split("[")[0] for f in truth["fields"]}
                check({f["name"].split("[")[0] for f in device["fields"]}
                      <= names,
                      f"{device['name']}: other fields")
        check(find(sizes, "pckbd")["described"], "pckbd")
        return f"{named} of {len(sizes['devices'])} by -dump-vmstate"


def any_of_type(fields, wanted):
    for field in fields:
        if field["type"] == wanted and "value" in field:
            return field
        inside = any_of_type(field.get("fields", field.get("elements", [])),
                             wanted)
        if inside:
            return inside
    return None


def broken_streams():
    with Lab(None) as lab:
        stream = Machine(lab, "guest", "pc").capture()
        whole = devices(lab, stream)
        last = whole["devices"][-1]
        with open(stream, "rb") as file:
            data = bytearray(file.read())
        cut = lab.path("cut.bin")
        with open(cut, "wb") as file:
            file.write(data[:last["offset"] + 1])
        result = devices(lab, cut, status=3)
        check(not result["input"]["complete"], result["input"])
        check(len(result["devices"]) == len(whole["devices"]) - 1, "devices")
        # A bool that is none.
        flag = any_of_type([f for d in whole["devices"] for f in d["fields"]],
                           "bool")
        data[flag["offset"]] = 7
        odd = lab.path("odd.bin")
        with open(odd, "wb") as file:
            file.write(data)
        result = devices(lab, odd, status=3)
        problems = [p for d in result["devices"] for p in d["problems"]]
        check([p["offset"] for p in problems] == [flag["offset"]], problems)
        return problems[0]["message"]


if __name__ == "__main__":
    if GROUP == "truths":
        migtest.run([known_truths, virtio_features, borrowed_description,
                     broken_streams])
    else:
        require_script()
        migtest.run([script_pc, script_q35, script_microvm,
                     script_many_devices])
