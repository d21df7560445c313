"""The hooks of a campaign over somebody's own VMs: two QEMUs that are started
before each run and ended after it.

    campaign_hook.py prepare|migrate|restore FOLDER LAB_GUEST_ELF
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import migtest


class Monitor:
    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._file = self._socket.makefile("rw")
        self._file.readline()
        self.execute("qmp_capabilities")

    def execute(self, command, **arguments):
        json.dump({"execute": command, "arguments": arguments}, self._file)
        self._file.flush()
        while True:
            reply = json.loads(self._file.readline())
            if "error" in reply:
                sys.exit(f"{command}: {reply['error']['desc']}")
            if "return" in reply:
                return reply["return"]


def prepare(folder, elf):
    for name, more in (("source", []), ("destination", ["-incoming", "defer"])):
        path = os.path.join(folder, name)
        with open(f"{path}.pid", "w", encoding="ascii") as file:
            file.write(str(subprocess.Popen(
                [*migtest.qemu_command(), "-accel", "tcg", "-m",
                 os.environ["MIGSCOPE_MEMORY"], "-nodefaults", "-display",
                 "none", "-kernel", elf, "-append",
                 os.environ["MIGSCOPE_WORKLOAD_WORDS"], "-debugcon",
                 f"file:{path}.console",
                 "-qmp", f"unix:{path}.hook,server=on,wait=off",
                 "-qmp", f"unix:{path}.qmp,server=on,wait=off", *more],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, start_new_session=True).pid))
    console = os.path.join(folder, "source.console")
    while "READY" not in (open(console).read() if os.path.exists(console)
                          else ""):
        time.sleep(0.05)


def migrate(folder, _):
    destination = Monitor(os.path.join(folder, "destination.hook"))
    source = Monitor(os.path.join(folder, "source.hook"))
    uri = f"unix:{folder}/stream"
    destination.execute("migrate-incoming", uri=uri)
    for words in os.environ["MIGSCOPE_CAPABILITIES"].split():
        name, value = words.split("=")
        source.execute("migrate-set-capabilities", capabilities=[
            {"capability": name, "state": value == "on"}])
    source.execute("migrate-set-parameters", **{
        "max-bandwidth": int(os.environ["MIGSCOPE_BANDWIDTH"])})
    source.execute("migrate", uri=uri)


def restore(folder, _):
    for name in ("source", "destination"):
        with open(os.path.join(folder, f"{name}.pid"), encoding="ascii") as file:
            os.kill(int(file.read()), signal.SIGKILL)
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))


{"prepare": prepare, "migrate": migrate, "restore": restore}[sys.argv[1]](
    *sys.argv[2:])
