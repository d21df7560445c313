"""Two QEMUs and a migration between them that is captured on its way."""

import migtest
from migtest import check

MIB = 1 << 20
MEMORY = "32M"
# Dirties its hot memory faster than SLOW sends it.
GUEST = "cold=8M hot=4M rate=20000 pattern=random content=random"
SLOW = {"max-bandwidth": 16 * MIB, "downtime-limit": 1}
FAST = {"max-bandwidth": 4096 * MIB, "downtime-limit": 2000}


def set_capabilities(qemu, names):
    qemu.qmp.execute("migrate-set-capabilities", capabilities=[
        {"capability": name, "state": True} for name in names])


def set_parameters(qemu, parameters):
    qemu.qmp.execute("migrate-set-parameters", **parameters)


def wait_for_status(qemu, status):
    """What query-migrate says then."""
    def there():
        info = qemu.qmp.execute("query-migrate")
        found = info.get("status")
        check(found == status
              or found not in ("completed", "failed", "cancelled"),
              f"{qemu.name}: expected {status}, found {info}")
        return info if found == status else None
    return qemu.wait(there, f"status {status}")


class Pair:
    """Source and destination, the same machine with the lab guest. The
    destination stays paused after the migration unless it has to `run`."""

    def __init__(self, lab, *arguments, guest=GUEST, capabilities=(),
                 parameters=None, run=False, memory=MEMORY, machine="pc"):
        self.lab = lab
        where = {"memory": memory, "machine": machine}
        self.source = lab.start("source", guest, *arguments, **where)
        self.destination = lab.start(
            "destination", guest, *arguments, "-incoming", "defer",
            *([] if run else ["-S"]), **where)
        for qemu in (self.source, self.destination):
            set_capabilities(qemu, capabilities)
            set_parameters(qemu, parameters or {})
        set_parameters(self.source, SLOW)
        self.ready = self.source.wait_ready()

    def uri(self, name):
        return f"unix:{self.lab.path(name + '.sock')}"

    def start_tee(self, migscope, session):
        """Stands between the two and stores what goes by in `session`."""
        tee = migscope.start("tee", "--listen", self.uri("tee"), "--connect",
                             self.uri("destination"), "-o", session)
        migtest.wait_for_listener(self.lab.path("tee.sock"))
        return tee

    def migrate(self, migscope, session, **options):
        """Starts it; returns the tee that it goes through."""
        self.destination.qmp.execute("migrate-incoming",
                                     uri=self.uri("destination"))
        tee = self.start_tee(migscope, session)
        self.source.qmp.execute("migrate", uri=self.uri("tee"), **options)
        return tee

    def let_converge(self, rounds=4):
        """Lets the migration end after some rounds."""
        self.source.wait_pass(rounds)
        set_parameters(self.source, FAST)

    def wait_for_end(self):
        """Until both have ended; what the source's query-migrate says."""
        wait_for_status(self.destination, "completed")
        return wait_for_status(self.source, "completed")
