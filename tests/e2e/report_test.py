"""HTML reports of real migrations in a real Chromium.

usage: report_test.py migscope lab_guest.elf stream_maker [test]

Pictures are kept where $MIGSCOPE_PICTURES names a folder. Without axe all else
is looked at, and the whole counts as skipped.
"""

import base64
import contextlib
import os
import re
import signal
import subprocess
import sys

import browser
import migtest
from browser import Browser
from migration_pair import MIB, Pair
from migtest import Lab, Migscope, check

MIGSCOPE, ELF, STREAM_MAKER, *WANTED = sys.argv[1:]
SLOW = ("--memory", "64M", "--parameter", f"max-bandwidth={32 * MIB}",
        "--parameter", "downtime-limit=50")
HOT = 0x2000000
EVIL = "<img src=x onerror=document.title='run'>\"'&amp;"
OWNERS = f"""start,end,owner
0x1000000,{HOT:#x},"{EVIL.replace('"', '""')}"
{HOT:#x},0x2800000,postgres
"""
# Not at its edge: a unit is a pixel or two high.
WITHIN_HOT = HOT + 0x400000
GUEST = "cold=16M hot=8M rate=3000 content=text"


@contextlib.contextmanager
def browser_in(lab, *options, **more):
    """That has heard no complaint by the end."""
    with Browser(lab.directory, *options, **more) as page:
        yield page
        check_quiet(page)


class Reports:
    """Makes recordings and reports of them."""

    def __init__(self, lab):
        self.lab = lab
        self.migscope = Migscope(MIGSCOPE, lab)

    def record(self, name, *options, guest=GUEST):
        session = self.lab.path(f"{name}.migscope")
        self.migscope.run("lab", "-o", session, "--workload", guest, *SLOW,
                          *options)
        return session

    def record_cancelled(self, name):
        """Ctrl-C after some passes."""
        session = self.lab.path(f"{name}.migscope")
        program = self.migscope.start(
            "lab", "-o", session, *SLOW, "--workload",
            GUEST.replace("rate=3000", "rate=20000"))
        log = f"{session}/monitor.jsonl.zst"

        def passes():
            """Of what is stored by now; its end may be missing."""
            stored = migtest.unpacked(log, torn=True)
            return stored.count(b'"MIGRATION_PASS"') >= 4
        migtest.wait_until(passes, "four passes")
        program.send_signal(signal.SIGINT)
        self.migscope.finish(program, 130)
        return session

    def record_postcopy(self, name):
        pair = Pair(self.lab, capabilities=["postcopy-ram"], run=True)
        session = self.lab.path(f"{name}.migscope")
        tee = pair.migrate(self.migscope, session)
        pair.source.wait_pass(2)
        pair.source.qmp.execute("migrate-start-postcopy")
        pair.wait_for_end()
        self.migscope.finish(tee, 0)
        return session

    def damaged(self, session):
        """Its stream, without the end and with garbage inside."""
        data = bytearray(migtest.raw_stream(session))
        middle = len(data) // 2
        data[middle:middle + 9000] = b"garbage!!" * 1000
        path = self.lab.path("damaged.bin")
        with open(path, "wb") as file:
            file.write(data[:-500_000])
        return path

    def page(self, name, *runs, status=0):
        path = self.lab.path(f"{name}.html")
        self.migscope.run("report", *runs, "-o", path, status=status)
        return path

    def analysis(self, run, *options, status=0):
        return self.migscope.analyze(run, *options, status=status)


def keep_picture(page, name):
    """It shows something: a blank page is a few KB."""
    folder = os.environ.get("MIGSCOPE_PICTURES", page.folder)
    path = os.path.join(folder, f"{name}.png")
    page.picture(path)
    check(os.path.getsize(path) > 20_000, f"{name}: the picture is empty")


def keep_print(page, name):
    printed = check_print(page)
    if folder := os.environ.get("MIGSCOPE_PICTURES"):
        with open(os.path.join(folder, f"{name}.pdf"), "wb") as file:
            file.write(printed)


def check_quiet(page):
    said = page.complaints()
    check(not said, f"{page.url}: {said}")


def opened(page, path):
    """Opens it and looks at what each report has to have."""
    took = page.open(path)
    check(os.path.getsize(path) < 2 * MIB, f"{path}: {os.path.getsize(path)}")
    check_quiet(page)
    check(len(page.texts(".verdict .first")[0]) > 20, "no verdict")
    for canvas in page.driver.find_elements("css selector", "canvas"):
        check(canvas.size["width"] > 0 and canvas.size["height"] > 0,
              "a chart without a size")
    return took


def check_facts(page, analysis):
    """What stands there is what --json says."""
    facts = dict(text.split("\n")[:2] for text in page.texts(".facts div"))
    check(facts["rounds"].split()[0] == str(len(analysis["rounds"])), facts)
    total = analysis["downtime"]["total_ms"]
    shown = re.match(r"([0-9.]+) (ms|s)", facts["downtime"])
    if total is None:
        check(not shown, facts)
    else:
        value = float(shown[1]) * (1000 if shown[2] == "s" else 1)
        check(abs(value - total) <= 0.01 * total + 0.1, (facts, total))
    stream = float(facts["stream"].split()[0])
    check(abs(stream - analysis["input"]["bytes"] / MIB) < 0.1,
          (facts, analysis["input"]))


def check_themes(page):
    """The button changes it, and back; nobody is kept out in either."""
    look = ("return [document.documentElement.dataset.theme, "
            "getComputedStyle(document.body).backgroundColor]")
    before = page.js(look)
    check_faults(page)
    page.find("#theme").click()
    after = page.js(look)
    check(before[0] != after[0] and before[1] != after[1], (before, after))
    check_faults(page)
    page.find("#theme").click()
    check(page.js(look) == before, "the theme does not come back")


def check_faults(page):
    found = page.faults()
    check(not found, f"{page.url}: {found}")


BIN_AT = """
const map = maps[0];
const bin = map.data.bins.findIndex((bin) => bin[2] !== null &&
    BigInt(bin[2]) <= BigInt(arguments[0]) &&
    BigInt(arguments[0]) < BigInt(bin[2]) + BigInt(bin[3]));
return [map.place.left + map.place.column * (arguments[1] + 0.5),
        map.place.row * (bin + 0.5)];
"""


def pages_sent(analysis, address, column):
    """Of the unit that begins at that guest address, in that column."""
    heat = analysis["heat_map"]
    index = next(
        part["first_bin"] + (address - part["guest_address"])
        // heat["unit_bytes"] for part in heat["stretches"]
        if part["guest_address"] is not None and
        part["guest_address"] <= address < part["guest_address"]
        + part["bytes"])
    return sum(pages for where, first, bins, pages, _ in heat["runs"]
               if where == column and first <= index < first + bins)


def check_map(page, analysis, address, column, *expected):
    canvas = page.find("canvas.heat")
    page.point_at(canvas, *page.js(BIN_AT, hex(address), column))
    shown = page.js("return document.querySelector('.tooltip')?.innerText")
    check(shown, "pointing at the map shows nothing")
    for text in expected:
        check(text in shown, f"{text!r} is not in {shown!r}")
    # A unit is a pixel or two high: it may be the next one.
    start = int(re.search("guest address (0x[0-9a-f]+)", shown)[1], 16)
    unit = analysis["heat_map"]["unit_bytes"]
    check(-unit <= address - start < 2 * unit,
          f"pointing at {address:#x} shows {shown!r}")
    pages = pages_sent(analysis, start, column)
    sent = "1 page sent" if pages == 1 else f"{pages} pages sent"
    check(pages > 0 and sent in shown, f"{pages} pages, shown is {shown!r}")
    return shown


def check_keys(page):
    """All that a mouse can reach the Tab key does, too."""
    page.js("document.body.tabIndex = -1; document.body.focus()")
    reached = []
    while "heat" not in reached:
        check(len(reached) < 100, f"the map is not among {reached}")
        page.press(page.driver.switch_to.active_element, "TAB")
        reached.append(page.js("return document.activeElement.id || "
                               "document.activeElement.className"))
    check("theme" in reached, reached)
    canvas = page.find("canvas.heat")
    page.press(canvas, "ARROW_DOWN", "ARROW_DOWN", "ARROW_RIGHT")
    check(page.js("return maps[0].at") == [1, 2], page.js("return maps[0].at"))
    shown = page.find(".readout").text
    page.press(canvas, "ARROW_LEFT")
    check("round 2: " in shown and " sent" in shown and
          "round 1: " in page.find(".readout").text,
          (shown, page.find(".readout").text))
    page.press(canvas, "ESCAPE")
    check(not page.texts(".tooltip"), "Escape does not end the tooltip")


def check_print(page):
    """On paper all is unfolded and light; afterwards as it was."""
    look = ("return [document.documentElement.dataset.theme, "
            "document.querySelectorAll('details[open]').length]")
    before = page.js(look)
    page.js("window.seen = []; window.addEventListener('beforeprint', () => "
            f"seen.push((() => {{ {look} }})()))")
    printed = base64.b64decode(page.driver.print_page())
    check(printed.startswith(b"%PDF") and len(printed) > 50_000,
          f"{len(printed)} bytes printed")
    folded = page.js("return document.querySelectorAll('details').length")
    check(page.js("return seen") == [["light", folded]],
          f"{page.js('return seen')} of {folded}")
    check(page.js(look) == before, f"{before} became {page.js(look)}")
    return printed


# 64 units from 512 KiB on, then a block that has no place for the guest.
LABELS = """
const bins = [], unit = 0x100000;
for (let i = 0; i < 64; ++i)
  bins.push([0, "0x" + (i * unit).toString(16),
             "0x" + (i * unit + 0x80000).toString(16), unit, []]);
for (const [block, offset] of [[1, 0], [2, 1], [2, 2], [2, 3]])
  bins.push([block, "0x" + (offset * unit).toString(16), null, unit, []]);
const root = document.createElement("div");
document.querySelector("#memory").append(root);
const map = new HeatMap(root, {heat: {unit, columns: [[1, 1, false]], bins,
  names: ["ram", "rom", "vga"], cells: [[]]}});
const labels = map.row_labels();
root.remove();
return [map.place.row, labels];
"""


def check_labels(page):
    """Round addresses where they lie, be units at other ones."""
    row, labels = page.js(LABELS)
    check(row == 6, row)
    expected = [[0, "0x80000"]]
    expected += [[(mib - 0.5) * row, f"{mib} MiB"] for mib in range(8, 64, 8)]
    expected += [[64 * row, "rom"], [65 * row, "vga"]]
    check(labels == expected, labels)


def converging():
    """With owners and what-if; a file name that would be a tag."""
    with Lab(ELF) as lab:
        reports = Reports(lab)
        session = reports.record("run")
        odd = lab.path("<b>run.migscope")
        os.rename(session, odd)
        owners = lab.path("owners.csv")
        with open(owners, "w", encoding="utf-8") as file:
            file.write(OWNERS)
        options = ("--owners", owners, "--what-if")
        analysis = reports.analysis(odd, *options)
        path = reports.page("converging", odd, *options)
        with browser_in(lab) as page:
            opened(page, path)
            check("completed" in page.texts(".verdict .first")[0],
                  page.texts(".verdict .first"))
            check_facts(page, analysis)
            check(page.texts("h1")[0].endswith("<b>run.migscope"),
                  page.texts("h1"))
            check_map(page, analysis, WITHIN_HOT, 1, "pc.ram", "postgres")
            check_map(page, analysis, 0x1400000, 0, EVIL)
            check(page.driver.title != "run", "a name was run as a script")
            # What is chosen stays chosen when colours change.
            page.find("#memory .controls button:last-child").click()
            check_themes(page)
            pressed = page.texts("#memory .controls [aria-pressed=true]")
            check(pressed == ["sent again"], pressed)
            page.find("#memory .controls button:first-child").click()
            check_keys(page)
            check_labels(page)
            keep_print(page, "converging")
            sections = page.texts("section h2")
            check(len(sections) >= 10, sections)
            keep_picture(page, "converging")
        return f"{os.path.getsize(path)} bytes, {len(sections)} sections"


def phone_at_night():
    with Lab(ELF) as lab:
        reports = Reports(lab)
        path = reports.page("phone", reports.record("run"))
        with browser_in(lab, browser.PHONE, dark=True) as page:
            opened(page, path)
            check(page.js("return document.documentElement.dataset.theme")
                  == "dark", "it is not dark")
            wide = page.js("return document.documentElement.scrollWidth")
            check(wide == browser.PHONE[0], f"{wide} pixels wide")
            check_themes(page)
            check_print(page)
            keep_picture(page, "phone")
        return f"{wide} pixels"


def cancelled():
    with Lab(ELF) as lab:
        reports = Reports(lab)
        session = reports.record_cancelled("cancelled")
        analysis = reports.analysis(session, status=3)
        path = reports.page("cancelled", session, status=3)
        with browser_in(lab) as page:
            opened(page, path)
            verdict = page.texts(".verdict p")
            check("cancelled" in verdict[0] and "left" in verdict[1], verdict)
            check_facts(page, analysis)
            check_map(page, analysis, WITHIN_HOT, 1, "pc.ram")
            check_themes(page)
            keep_picture(page, "cancelled")
        return " ".join(verdict)


def postcopy():
    with Lab(ELF) as lab:
        reports = Reports(lab)
        session = reports.record_postcopy("postcopy")
        analysis = reports.analysis(session)
        path = reports.page("postcopy", session)
        with browser_in(lab) as page:
            opened(page, path)
            verdict = page.texts(".verdict p")
            check("postcopy" in " ".join(verdict).lower(), verdict)
            columns = len(analysis["heat_map"]["columns"])
            check(columns == 1, f"{columns} columns")
            # All was sent once: what was sent again tells more.
            pressed = page.texts("#memory .controls [aria-pressed=true]")
            check(pressed == ["sent again"], pressed)
            check_map(page, analysis, 0x1400000, 0, "pc.ram")
            check_themes(page)
            keep_picture(page, "postcopy")
        return f"{columns} columns"


def damaged():
    with Lab(ELF) as lab:
        reports = Reports(lab)
        stream = reports.damaged(reports.record("run"))
        analysis = reports.analysis(stream, status=3)
        path = reports.page("damaged", stream, status=3)
        problems = analysis["input"]["problems"]
        check(len(problems) >= 2, problems)
        with browser_in(lab) as page:
            opened(page, path)
            check_facts(page, analysis)
            shown = page.find("#problems").text
            for problem in problems:
                check(problem["message"] in shown,
                      f"{problem} is not in {shown}")
            check_map(page, analysis, 0x1400000, 0, "pc.ram")
            check_themes(page)
            keep_picture(page, "damaged")
        return f"{len(problems)} problems"


def check_comparison(page, analyses):
    rows = {row[0]: row[1:] for row in page.js(
        "return [...document.querySelectorAll('#comparison tbody tr')]"
        ".map((row) => [...row.children].map((cell) => "
        "cell.firstChild.textContent.trim()))")}
    check(rows["outcome"] == ["completed"] * len(analyses), rows)
    check(rows["rounds"] == [str(len(analysis["rounds"]))
                             for analysis in analyses], rows)
    check(rows["downtime, ms"] == [f"{analysis['downtime']['total_ms']:.1f}"
                                   for analysis in analyses], rows)
    check(rows["stream, MiB"] == [f"{analysis['input']['bytes'] / MIB:.1f}"
                                  for analysis in analyses], rows)


def hostile():
    """RAM block and device of such names, in the stream itself."""
    with Lab(ELF) as lab:
        reports = Reports(lab)
        stream = migtest.raw_stream(reports.record("run"))
        for name in (b"pc.ram", b"fw_cfg"):
            # Longer, and apart.
            evil = name + EVIL.encode()
            before = bytes([len(name)]) + name
            check(before in stream, f"no {name} in the stream")
            stream = stream.replace(before, bytes([len(evil)]) + evil)
        path = lab.path("hostile.bin")
        with open(path, "wb") as file:
            file.write(stream)
        analysis = reports.analysis(path, status=3)
        with browser_in(lab) as page:
            opened(page, reports.page("hostile", path, status=3))
            page.js("for (const details of document.querySelectorAll("
                    "'details')) details.open = true")
            check("pc.ram" + EVIL in page.find("#memory").text,
                  page.find("#memory").text)
            check("fw_cfg" + EVIL in page.find("#composition").text,
                  page.find("#composition").text)
            check_map(page, analysis, WITHIN_HOT, 1, "pc.ram" + EVIL)
            check(page.driver.title != "run", "a name was run as a script")
            check_themes(page)
            keep_picture(page, "hostile")
        return EVIL


def compared():
    """Two runs and three, and what `analyze --html` writes."""
    with Lab(ELF) as lab:
        reports = Reports(lab)
        runs = [reports.record("before"),
                reports.record("after", "--capability", "xbzrle=on"),
                reports.record("other", guest=GUEST.replace("3000", "500"))]
        analyses = [reports.analysis(run) for run in runs]
        with browser_in(lab) as page:
            for count in (2, 3):
                path = reports.page(f"compared-{count}", *runs[:count])
                opened(page, path)
                names = list(map(os.path.basename, runs[:count]))
                check(page.texts(".verdict h3") == names,
                      page.texts(".verdict h3"))
                check(lab.directory in page.find(".subtitle").text,
                      page.find(".subtitle").text)
                falls = page.texts(".fall h3")
                check(len(falls) == count, falls)
                check("xbzrle" in page.find("#comparison").text, "no setting")
                check_comparison(page, analyses[:count])
                check_themes(page)
                keep_picture(page, f"compared-{count}")
            html = lab.path("analyze.html")
            reports.migscope.run("analyze", runs[0], "--html", html)
            opened(page, html)
            alone = reports.page("alone", runs[0])
        with open(html, "rb") as one, open(alone, "rb") as other:
            check(one.read() == other.read(), "--html is not the report")
        return "two, three"


def large():
    """The stream of a guest of 1 TiB."""
    with Lab(ELF) as lab:
        path = lab.path("large.html")
        with subprocess.Popen([STREAM_MAKER, str(1 << 20), "256", "12"],
                              stdout=subprocess.PIPE) as maker:
            reports = Reports(lab)
            reports.migscope.finish(
                reports.migscope.start("report", "-", "-o", path,
                                       stdin=maker.stdout), 0, timeout=500)
        with browser_in(lab) as page:
            took = min(opened(page, path) for _ in range(3))
            check(took < 2000, f"{took} ms to open")
            keep_picture(page, "large")
        return f"{os.path.getsize(path)} bytes, opens in {took:.0f} ms"


TESTS = [converging, phone_at_night, cancelled, postcopy, damaged, hostile,
         compared, large]

if __name__ == "__main__":
    browser.require()
    try:
        migtest.run([test for test in TESTS
                     if not WANTED or test.__name__ in WANTED])
    except SystemExit as end:
        if end.code == 0 and not browser.axe_source():
            migtest.skip("axe is not here; tools/get-axe gets it. All else is "
                         "well")
        raise
