"""Real shells complete the command line.

usage: shells_test.py FOLDER, with the completion files of the build
"""

import os
import pathlib
import pty
import select
import shutil
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(sys.argv[1])
# A line, and what completes its last word.
CASES = [
    ("migscope ana", {"analyze"}),
    ("migscope memory --format p", {"physical"}),
    ("migscope memory --fo", {"--format"}),
    ("migscope lab --qemu-", {"--qemu-arg"}),
    ("migscope analyze run.mig", {"run.migscope"}),
    ("migscope record -o x --source-l", {"--source-log"}),
]
PATIENCE = 60


def bash(line, folder):
    script = f"""
        . {FOLDER}/migscope
        COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        compopt() {{ :; }}
        _migscope
        [ ${{#COMPREPLY[@]}} -gt 0 ] || COMPREPLY=($(compgen -f -- \
            "${{COMP_WORDS[COMP_CWORD]}}"))
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return set(subprocess.run(["bash", "-c", script], cwd=folder, text=True,
                              check=True, capture_output=True).stdout.split())


def fish(line, folder):
    script = f"source {FOLDER}/migscope.fish; complete -C '{line}'"
    out = subprocess.run(["fish", "--no-config", "-c", script], cwd=folder,
                         text=True, check=True, capture_output=True,
                         env={**os.environ, "HOME": folder}).stdout
    return {word.split("\t")[0].rstrip("/") for word in out.splitlines()}


def zsh(line, folder):
    """It completes on a terminal only."""
    setup = (f"fpath=({FOLDER} $fpath); autoload -Uz compinit; "
             f"compinit -u -D; PS1='ready'\n")
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe("zsh", ["zsh", "-f", "-i"],
                   {**os.environ, "TERM": "dumb", "HOME": folder})
    try:
        os.write(terminal, setup.encode())
        # Twice: in the echo, and as the prompt.
        read_until(terminal, "ready", count=2)
        os.write(terminal, (line + "\t").encode())
        wanted = next(wanted for l, wanted in CASES if l == line)
        text = line.rsplit(" ", 1)[0] + " " + next(iter(wanted))
        read_until(terminal, text)
        return wanted
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


def read_until(terminal, text, count=1):
    got = ""
    while got.count(text) < count:
        if not select.select([terminal], [], [], PATIENCE)[0]:
            sys.exit(f"zsh: {text!r} did not come: {got!r}")
        got += os.read(terminal, 4096).decode(errors="replace")


def main():
    shells = {"bash": bash, "fish": fish, "zsh": zsh}
    missing = [name for name in shells if not shutil.which(name)]
    if missing:
        print("not here:", ", ".join(missing))
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "run.migscope"))
        for name, complete in shells.items():
            for line, wanted in CASES:
                found = complete(line, folder)
                if found != wanted:
                    sys.exit(f"{name}: {line!r}: {found}, expected {wanted}")
            print(f"ok {name}: {len(CASES)} lines")


main()
