"""The examples of README, documentation, manual pages and --help.

In Markdown an example is a block marked `sh` or `python`, or a command of ours
between backquotes that names a file; every other block is marked as what it
is. In a manual page it is any block, in --help the lines under "Example:".
"""

import pathlib
import re
import subprocess

from migtest import Failure

ROOT = pathlib.Path(__file__).resolve().parents[2]
OTHER_BLOCKS = {"text", "json", "csv", "xml", "yaml", "toml"}
# A verb alone, or with an option that the words around it are about.
MENTION = re.compile(r"(tools/[\w-]+|migscope [\w-]+( --[\w-]+)*"
                     r"|migscope VERB --help|migscope analyze --\w+ FILE)$")


class Example:
    """`status`: what it exits with, from a comment "# exits N" behind it."""

    def __init__(self, place, text, language="sh"):
        self.place = place
        self.language = language
        self.text, self.status = text, 0
        if language == "sh":
            self.text = re.sub(r"\s+# .*", "", text).strip()
            if exits := re.search("# exits ([0-9]+)", text):
                self.status = int(exits.group(1))

    def __repr__(self):
        return f"{self.place}: {self.text}"


def markdown_files():
    return [ROOT / "README.md", ROOT / "tools/lab/guest/README.md",
            ROOT / "tools/lab/linux/README.md",
            *sorted((ROOT / "docs").rglob("*.md"))]


def commands(text):
    """Lines of a shell, continued ones put together."""
    return [line for line in re.sub(r"\\\n *", "", text).splitlines()
            if line.strip()]


def blocks(path):
    """(line, language, text) of each fenced block, and the text outside."""
    found, outside, block = [], [], None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("```"):
            if block is None:
                block = (number, line[3:], [])
            else:
                found.append((block[0], block[1], "\n".join(block[2])))
                block = None
        elif block is None:
            outside.append((number, line))
        else:
            block[2].append(line)
    if block is not None:
        raise Failure(f"{path}:{block[0]}: a block without an end")
    return found, outside


def in_markdown(path):
    name = path.relative_to(ROOT)
    found, outside = blocks(path)
    for number, language, text in found:
        place = f"{name}:{number}"
        if language == "sh":
            yield from (Example(place, line) for line in commands(text))
        elif language == "python":
            yield Example(place, text, "python")
        elif language not in OTHER_BLOCKS:
            raise Failure(f"{place}: a block of {language or 'what?'}")
    spans = re.compile(r"`((?:migscope |tools/|migrate \"exec:)[^`]*)`")
    for number, line in outside:
        for text in spans.findall(line):
            if not MENTION.match(text) and not text.endswith((".md", "/")):
                yield Example(f"{name}:{number}", text)


def in_manual(path):
    for number, _, text in blocks(path)[0]:
        for line in commands(text.replace("\\\\", "\\")):
            yield Example(f"{path.relative_to(ROOT)}:{number}", line)


def in_help(migscope):
    def help_of(*verb):
        return subprocess.run([migscope, *verb, "--help"], check=True,
                              capture_output=True, text=True).stdout
    verbs = re.findall(r"^  (\w+)  ",
                       help_of().split("Subcommands:")[1], re.MULTILINE)
    for verb in [(), *((verb,) for verb in verbs)]:
        text = help_of(*verb).split("Example:\n")[1].split("\n\n")[0]
        text = re.sub(r"\n    +", " ", text)
        for line in commands(text):
            yield Example(" ".join(["migscope", *verb, "--help"]), line)


def everywhere(migscope):
    """All of them but the stories (docs/examples), each text once."""
    found = {}
    sources = [in_help(migscope)]
    sources += [in_manual(page)
                for page in sorted((ROOT / "docs/man").glob("*.scd"))]
    sources += [in_markdown(path) for path in markdown_files()
                if path.parent.name != "examples"]
    for source in sources:
        for example in source:
            found.setdefault(example.text, example)
    return list(found.values())


def stories():
    """Each page of docs/examples, as a list of commands in their order."""
    return {path.stem: list(in_markdown(path))
            for path in sorted((ROOT / "docs/examples").glob("*.md"))}
