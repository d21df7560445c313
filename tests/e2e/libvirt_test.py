"""Save images of a real libvirt.

usage: libvirt_test.py migscope lab_guest.elf

libvirtd runs in session mode with everything in a temporary directory. Root has
no session of its own there, so for root it runs as nobody.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time

import migtest
from migtest import Lab, Migscope, check

MIGSCOPE, ELF = sys.argv[1:3]
URI = "qemu:///session"
DOMAIN = """<domain type='qemu' xmlns:qemu='{namespace}'>
  <name>vm1</name><memory unit='MiB'>24</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type><kernel>{elf}</kernel>
  <cmdline>cold=4M hot=1M rate=500</cmdline></os>
  <devices><emulator>{qemu}</emulator></devices>
  <qemu:commandline><qemu:arg value='-debugcon'/>
  <qemu:arg value='file:{console}'/></qemu:commandline>
</domain>"""


def read(path):
    with open(path, errors="replace") as file:
        return file.read()


class Libvirt:
    """A libvirtd of the test's own, and virsh."""

    def __init__(self, lab, save_format):
        self.lab = lab
        self.home = lab.path("libvirt")
        self.user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self.environment = {"PATH": os.environ["PATH"] + ":/usr/sbin",
                            "HOME": self.home, "LC_ALL": "C",
                            # virsh starts no second one meanwhile.
                            "LIBVIRT_AUTOSTART": "0"}
        for name in ("RUNTIME_DIR", "CONFIG_HOME", "CACHE_HOME", "DATA_HOME"):
            path = os.path.join(self.home, name.lower())
            os.makedirs(os.path.join(path, "libvirt"), exist_ok=True)
            self.environment[f"XDG_{name}"] = path
        self.write("config_home/libvirt/qemu.conf",
                   f'save_image_format = "{save_format}"\n'
                   'security_driver = "none"\nstdio_handler = "file"\n')
        shutil.copy(ELF, self.home)
        self.hand_over()

    def path(self, name):
        return os.path.join(self.home, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)

    def hand_over(self):
        """All of it to the user that libvirtd runs as."""
        if not self.user:
            return
        os.chmod(self.lab.directory, 0o711)
        for folder, _, files in os.walk(self.home):
            for path in [folder, *(os.path.join(folder, f) for f in files)]:
                os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def options(self):
        user = {"user": self.user.pw_uid, "group": self.user.pw_gid,
                "extra_groups": []} if self.user else {}
        return {"env": self.environment, "cwd": self.home,
                "stdin": subprocess.DEVNULL, **user}

    def __enter__(self):
        with open(self.path("log"), "wb") as log:
            self.daemon = subprocess.Popen(
                ["libvirtd", "--pid-file", self.path("pid")],
                stdout=log, stderr=log, **self.options())
        deadline = time.monotonic() + migtest.TIMEOUT
        while self.virsh("uri", check_status=False).returncode != 0:
            check(self.daemon.poll() is None and
                  time.monotonic() < deadline, self.log())
            time.sleep(0.1)
        return self

    def __exit__(self, *_):
        self.kill_guest()
        self.daemon.kill()
        self.daemon.wait()

    def kill_guest(self):
        """Without libvirtd, which may be why the test fails."""
        pid_file = self.path("runtime_dir/libvirt/qemu/run/vm1.pid")
        if os.path.exists(pid_file):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(read(pid_file)), signal.SIGKILL)

    def log(self):
        return read(self.path("log"))

    def virsh(self, *arguments, check_status=True):
        done = subprocess.run(["virsh", "-q", "-c", URI, *arguments],
                              capture_output=True, text=True,
                              timeout=migtest.TIMEOUT, **self.options())
        check(done.returncode == 0 or not check_status,
              f"virsh {arguments}: {done.stderr}{self.log()}")
        return done

    def start_guest(self):
        """Runs until the guest is ready."""
        console = self.path("console")
        self.write("vm.xml", DOMAIN.format(
            namespace="http://libvirt.org/schemas/domain/qemu/1.0",
            elf=self.path(os.path.basename(ELF)), console=console,
            qemu=shutil.which("qemu-system-x86_64")))
        self.hand_over()
        self.virsh("create", self.path("vm.xml"))
        deadline = time.monotonic() + migtest.TIMEOUT
        while not (os.path.exists(console) and "READY" in read(console)):
            check(time.monotonic() < deadline, "the guest is not ready")
            time.sleep(0.05)

    def save(self):
        path = self.path("vm.save")
        self.virsh("save", "vm1", path)
        return path


def save_image(lab, save_format):
    with Libvirt(lab, save_format) as libvirt:
        libvirt.start_guest()
        return libvirt.save()


def stream_offset(path):
    with open(path, "rb") as file:
        return 92 + int.from_bytes(file.read(24)[20:], "little")


def unpacked(path, program):
    """The stream, as the tools give it."""
    bare = f"{path}.stream"
    with open(bare, "wb") as out:
        with subprocess.Popen(["tail", "-c", f"+{stream_offset(path) + 1}",
                               path], stdout=subprocess.PIPE) as tail:
            subprocess.run([program, *(["-dc"] if program != "cat" else [])],
                           stdin=tail.stdout, stdout=out, check=True)
    return bare


def devices(analysis):
    """Not their offsets, which count from the start of a raw image."""
    return [(device["name"], device["bytes"])
            for device in analysis["stop_and_copy"]["devices"]]


def check_against_bare(migscope, path, program):
    analysis = migscope.analyze(path)
    bare = migscope.analyze(unpacked(path, program))
    check(analysis["input"]["complete"] and bare["input"]["complete"],
          analysis["input"])
    check(not analysis["input"]["problems"], analysis["input"])
    check(analysis["ram"] == bare["ram"], "ram differs")
    check(devices(analysis) == devices(bare),
          f"{devices(analysis)}, expected {devices(bare)}")
    check(analysis["vm"]["machine"].startswith("pc-i440fx"), analysis["vm"])
    blocks = {b["name"]: b for b in analysis["ram"]["blocks"]}
    check(blocks["pc.ram"]["unique_pages"] == 24 * 256, blocks)


def formats():
    told = []
    for save_format, program in {"raw": "cat", "gzip": "gzip",
                                 "xz": "xz"}.items():
        if not shutil.which(program):
            continue
        with Lab(ELF) as lab:
            path = save_image(lab, save_format)
            migscope = Migscope(MIGSCOPE, lab)
            check_against_bare(migscope, path, program)
            if save_format == "raw":
                check_cut_and_unfinished(migscope, path)
            told.append(f"{save_format} {os.path.getsize(path)} bytes")
    return ", ".join(told)


def check_cut_and_unfinished(migscope, path):
    with open(path, "r+b") as file:
        file.write(b"LibvirtQemudPart")
    analysis = migscope.analyze(path)
    problems = analysis["input"]["problems"]
    check([p["severity"] for p in problems] == ["warning"], problems)
    check("did not finish" in problems[0]["message"], problems)
    os.truncate(path, os.path.getsize(path) // 2)
    analysis = migscope.analyze(path, status=3)
    check(analysis["ram"]["totals"]["normal"] > 0, "no pages")


def a_program_that_is_not_read():
    if not shutil.which("bzip2"):
        return "bzip2 is not installed"
    with Lab(ELF) as lab:
        path = save_image(lab, "bzip2")
        migscope = Migscope(MIGSCOPE, lab)
        _, err = migscope.run("analyze", path, status=1)
        told = f"tail -c +{stream_offset(path) + 1} IMAGE | bzip2 -dc"
        check(told in err, err)
        check(migscope.analyze(unpacked(path, "bzip2"))["input"]["complete"],
              "what the message says does not help")


for program in ("libvirtd", "virsh"):
    if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin"):
        migtest.skip(f"{program} is not installed")


if __name__ == "__main__":
    migtest.run([formats, a_program_that_is_not_read])
