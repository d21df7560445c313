"""The live view in a real terminal, tmux's.

usage: live_test.py migscope lab_guest.elf
"""

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys

import migtest
from migration_pair import (FAST, MIB, Pair, set_parameters)
from migtest import Lab, check, wait_until

MIGSCOPE, ELF = (os.path.abspath(path) for path in sys.argv[1:3])
WORKLOAD = "cold=16M hot=8M rate=20000 content=text"
STUCK = ["--memory", "64M", "--workload", WORKLOAD, "--parameter",
         f"max-bandwidth={32 * MIB}", "--parameter", "downtime-limit=1"]
QUICK = ["--memory", "64M", "--workload", WORKLOAD]
COLOUR = re.compile(rb"\x1b\[(?:[0-9;]*;)?(?:3[0-7]|4[0-7]|38|48|9[0-7])[0-9;]*m")


class Terminal:
    """A tmux of the test's own, with a shell in it. Everything that programs
    write to the terminal is in `written()`."""

    def __init__(self, lab, size=(100, 30), **environment):
        self.lab = lab
        self.socket = lab.path("tmux")
        self.raw = lab.path("written")
        settings = {"LC_ALL": "C.UTF-8", "HOME": lab.directory, **environment}
        words = [f"{key}={value}" for key, value in settings.items()]
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(size[0]),
                  "-y", str(size[1]), "-c", lab.directory,
                  " ".join(["env", *words, "bash", "--norc", "--noprofile"]))
        self.tmux("pipe-pane", f"cat > {self.raw}")
        self.type("PS1='ready$ '; PS2=")
        self.wait_for(r"^ready\$", "the shell")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-server")
        wait_until(lambda: not self.programs(), "what runs in it has ended")

    def programs(self):
        """Those of this terminal."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{pid}/cwd") == self.lab.directory:
                    found.append(pid)
            except OSError:
                pass  # gone
        return found

    def tmux(self, *arguments):
        return subprocess.run(["tmux", "-S", self.socket, *arguments],
                              check=True, capture_output=True,
                              text=True).stdout

    def type(self, line, enter=True):
        self.tmux("send-keys", "-l", line)
        if enter:
            self.tmux("send-keys", "Enter")

    def press(self, key):
        self.tmux("send-keys", key)

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def written(self):
        with open(self.raw, "rb") as file:
            return file.read()

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def wait_for(self, pattern, what):
        """Until the screen shows it; gives the match."""
        try:
            return wait_until(lambda: re.search(pattern, self.screen(),
                                                re.MULTILINE), what)
        except migtest.Failure as failure:
            raise migtest.Failure(f"{failure}; the screen:\n"
                                  f"{self.screen()}") from None

    def run(self, *words, before="", after=""):
        """Behind it: its status, and how the terminal is."""
        for name in ("status", "stty.after"):  # of what ran before
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.lab.path(name))
        self.type(f"stty -a > stty.before; {before}{shlex.join(words)}{after}; "
                  "echo $? > status; stty -a > stty.after")

    def status(self):
        path = self.lab.path("status")
        wait_until(lambda: os.path.exists(path)
                   and os.path.exists(self.lab.path("stty.after"))
                   and os.path.getsize(self.lab.path("stty.after")) > 0,
                   "the end")
        with open(path, encoding="ascii") as file:
            return int(file.read())

    def check_as_before(self):
        """Not in the other screen, the cursor to be seen, settings the same."""
        states = self.tmux("display-message", "-p",
                           "#{alternate_on} #{cursor_flag}").split()
        check(states == ["0", "1"], f"alternate screen, cursor: {states}")
        settings = []
        for name in ("stty.before", "stty.after"):
            with open(self.lab.path(name), encoding="ascii") as file:
                # A resize is the user's.
                settings.append(re.sub(r"rows \d+; columns \d+;", "",
                                       file.read()))
        check(settings[0] == settings[1], settings)


def passes(session):
    """That the recording holds by now: the largest that the source told of."""
    stored = migtest.unpacked(f"{session}/monitor.jsonl.zst", torn=True)
    return max(map(int, re.findall(
        rb'"event": "MIGRATION_PASS", "data": {"pass": (\d+)}', stored)),
               default=0)


def in_view(terminal):
    return terminal.wait_for(r"^active  pass (\d+)  \d\d:\d\d", "the view")


def figures_and_sizes():
    """Resizes to 40x10 and back; Ctrl-C ends it."""
    with Lab(ELF) as lab, Terminal(lab) as terminal:
        terminal.run(MIGSCOPE, "lab", "-o", "run.migscope", *STUCK)
        terminal.wait_for(r"^active  pass [3-9] ", "pass 3")
        for pattern in (r"^why not yet  .* MiB left, ", r"^the end  +not ",
                        r"^sent  +3[0-9.]+ MiB/s", r"^dirtied  +[0-9.]+ MiB/s",
                        r"^left  +[0-9.]+ of ", r"ms expected, limit 1 ms",
                        "[▁▂▃▄▅▆▇█]{20}", r"^ +\d+ .*too-much-left",
                        "q leaves the view, Ctrl-C cancels the migration"):
            terminal.wait_for(pattern, pattern)
        terminal.resize(40, 10)
        terminal.wait_for(r"^why not yet$|^why not yet .{1,27}$", "40x10")
        check(all(len(line) <= 40 for line in terminal.screen().split("\n")),
              terminal.screen())
        terminal.resize(100, 30)
        terminal.wait_for("q leaves the view, Ctrl-C cancels", "100x30")
        shown = int(in_view(terminal)[1])
        terminal.press("C-c")
        status = terminal.status()
        check(status == 130, f"status {status}")
        terminal.check_as_before()
        check(b"to its end: the migration was cancelled" in terminal.written(),
              "it does not say how it ended")
        held = passes(lab.path("run.migscope"))
        check(3 <= shown <= held, f"{shown} shown, {held} recorded")
        return f"{shown} shown, {held} in the end"


def shown_is_recorded():
    """Passes are held up, so that view and recording can be compared at rest;
    q leaves the view, and the recording goes on to its end."""
    with Lab(ELF) as lab, Terminal(lab) as terminal:
        pair = Pair(lab, run=True, capabilities=["events"])
        terminal.run(MIGSCOPE, "record", "-o", "run.migscope", "--source",
                     "unix:source.record.qmp", "--destination",
                     "unix:destination.record.qmp")
        terminal.wait_for("^waiting", "the view")
        uri = pair.uri("direct")
        pair.destination.qmp.execute("migrate-incoming", uri=uri)
        pair.source.qmp.execute("migrate", uri=uri)
        pair.source.wait_pass(4)
        # A pass of this takes minutes.
        set_parameters(pair.source, {"max-bandwidth": 65536})
        at_rest = pair.source.qmp.execute(
            "query-migrate")["ram"]["dirty-sync-count"]
        terminal.wait_for(f"^active  pass {at_rest} ", f"pass {at_rest}")
        wait_until(lambda: passes(lab.path("run.migscope")) == at_rest,
                   f"the recording holds {at_rest} passes")
        terminal.press("q")
        terminal.wait_for(r"active  pass \d+  [0-9.]+ MiB left", "the line")
        check(terminal.tmux("display-message", "-p",
                            "#{alternate_on}").strip() == "0", "still there")
        set_parameters(pair.source, FAST)
        check(terminal.status() == 0, terminal.screen())
        terminal.check_as_before()
        held = passes(lab.path("run.migscope"))
        check(held >= at_rest, f"{held} passes, {at_rest} shown")
        return f"{at_rest} shown at rest, {held} in the end"


def to_the_end():
    """The analysis is printed, and what can be done next. Wide, as the program may
    have a long name."""
    with Lab(ELF) as lab, Terminal(lab, (200, 400)) as terminal:
        terminal.run(MIGSCOPE, "lab", "-o", "run.migscope", *QUICK)
        check(terminal.status() == 0, terminal.screen())
        terminal.check_as_before()
        for pattern in ("^outcome    completed", "^downtime   [0-9.]+ ms",
                        "report -o report.html run.migscope",
                        "analyze --what-if run.migscope",
                        "^migscope: turned on the `events` capability"):
            terminal.wait_for(pattern, pattern)
        return "printed"


def without_colours():
    with Lab(ELF) as lab:
        found = {}
        for name, environment in (("plain", {"NO_COLOR": "1"}),
                                  ("coloured", {"NO_COLOR": ""})):
            with Terminal(lab, **environment) as terminal:
                terminal.run(MIGSCOPE, "lab", "-o", f"{name}.migscope", *QUICK,
                             before="TERM=xterm-256color ")
                check(terminal.status() == 0, terminal.screen())
                check(b"\x1b[?1049h" in terminal.written(), "there is no view")
                found[name] = len(COLOUR.findall(terminal.written()))
        check(found["plain"] == 0 and found["coloured"] > 0, found)
        return found


def no_terminal_for_it():
    """Dumb, unknown, or only one end of it."""
    with Lab(ELF) as lab:
        for name, how in (("dumb", {"before": "TERM=dumb "}),
                          ("unknown", {"before": "TERM=no-such-thing "}),
                          ("unset", {"before": "env -u TERM "}),
                          ("piped", {"after": " 2>&1 | cat"}),
                          ("no input", {"after": " < /dev/null"})):
            with Terminal(lab) as terminal:
                terminal.run(MIGSCOPE, "lab", "-o", f"{name}.migscope", *QUICK,
                             **how)
                check(terminal.status() == 0, terminal.screen())
                terminal.wait_for("the migration completed", name)
                check(b"\x1b[?1049h" not in terminal.written(),
                      f"{name}: there is a view")
                terminal.check_as_before()
        return "dumb, unknown, unset, piped, no input"


def in_the_background():
    """From the start, and sent there: it is not stopped."""
    with Lab(ELF) as lab, Terminal(lab) as terminal:
        terminal.run(MIGSCOPE, "lab", "-o", "first.migscope", *QUICK,
                     after=" & wait $!")
        check(terminal.status() == 0, terminal.screen())
        check(b"\x1b[?1049h" not in terminal.written(), "there is a view")
    with Lab(ELF) as lab, Terminal(lab) as terminal:
        pair = Pair(lab, run=True)
        terminal.type(shlex.join([MIGSCOPE, "record", "-o", "run.migscope",
                                  "--source", "unix:source.record.qmp"]))
        terminal.wait_for("^waiting", "the view")
        terminal.press("C-z")
        terminal.wait_for("Stopped", "the shell")
        terminal.type("bg; wait %1; echo status $?")
        uri = pair.uri("direct")
        pair.destination.qmp.execute("migrate-incoming", uri=uri)
        set_parameters(pair.source, FAST)
        pair.source.qmp.execute("migrate", uri=uri)
        terminal.wait_for("^status 0", "the end")
        states = terminal.tmux("display-message", "-p",
                               "#{alternate_on}").strip()
        check(states == "0", "still in the other screen")
        return "from the start, and sent there"


def told_to_end():
    """SIGTERM, and a monitor that is lost, leave the terminal as it was."""
    with Lab(ELF) as lab, Terminal(lab) as terminal:
        pair = Pair(lab)
        record = [MIGSCOPE, "record", "--source", "unix:source.record.qmp"]
        for name, end in (("term", None), ("lost", pair.source)):
            terminal.run(*record, "-o", f"{name}.migscope")
            terminal.wait_for("^waiting", "the view")
            if end:
                end.kill()
            else:
                found = subprocess.run(
                    ["pgrep", "-f", f"^{MIGSCOPE} record.*{name}.migscope"],
                    check=True, capture_output=True, text=True).stdout.split()
                os.kill(int(found[0]), signal.SIGTERM)
            status = terminal.status()
            check(status == (3 if end else 130), f"{name}: status {status}")
            terminal.check_as_before()
            terminal.type("clear")
        return "SIGTERM, monitor lost"


if __name__ == "__main__":
    if not shutil.which("tmux"):
        migtest.skip("tmux is not installed")
    migtest.run([figures_and_sizes, shown_is_recorded, to_the_end,
                 without_colours, no_terminal_for_it, in_the_background,
                 told_to_end])
