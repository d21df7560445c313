"""The lab guest in a real QEMU: is what it says of itself true?

usage: lab_guest_test.py lab_guest.elf
"""

import os
import signal
import socket
import sys
import time

import migtest
from lab_guest_model import PAGE, Model, count_writes, wrong_pages
from migtest import Lab, check

ELF = sys.argv[1]
READY_BOUND = 20  # seconds; a tenth of a second is usual
MIB = 1 << 20


def boot(lab, guest, *arguments, **options):
    vm = lab.start("guest", guest, *arguments, **options)
    return vm, vm.wait_ready()


def size_of(ranges):
    return sum(size for _, size in ranges)


def check_content(vm, ranges, content, seed=1, torn=0):
    """Returns the pages' numbers of writes. `torn` pages may be caught in the
    middle of a write."""
    writes, wrong = [], []
    model = Model(seed)
    for start, size in ranges:
        memory = vm.memory(start, size)
        writes += count_writes(memory)
        wrong += wrong_pages(model, content, start, memory)
    check(len(wrong) <= torn, f"{content}: wrong pages at {wrong[:5]}")
    return writes


def ready_on_every_machine():
    times = []
    for machine in ("pc", "q35", "microvm"):
        with Lab(ELF) as lab:
            vm, ready = boot(lab, "cold=64M hot=16M", machine=machine)
            took = time.monotonic() - vm.started
            check(took < READY_BOUND, f"{machine}: READY after {took:.1f} s")
            check(ready.cold == [(16 * MIB, 64 * MIB)], ready.words)
            check(ready.hot == [(80 * MIB, 16 * MIB)], ready.words)
            vm.wait_line("STATS")  # the timer interrupt wakes it
            check(vm.lines("READY") == vm.lines("READY", "serial"),
                  "serial port and debug console differ")
            times.append(f"{machine} {1000 * took:.0f} ms")
    return "READY with 80 MiB filled: " + ", ".join(times)


def contents():
    told = []
    for content in ("zero", "text", "random", "counter", "same"):
        held = "text" if content == "same" else content
        with Lab(ELF) as lab:
            vm, ready = boot(
                lab, f"cold=2M hot=1M content={content} cold-content={held} "
                "rate=2000 stats=20 seed=12345")
            vm.wait_line("STATS", lambda words: int(words[2]) > 600)
            vm.qmp.execute("stop")
            counted = int(vm.lines("STATS")[-1][2])
            cold = check_content(vm, ready.cold, held, 12345)
            hot = check_content(vm, ready.hot, held, 12345, torn=1)
        check(sum(cold) == 0, "cold memory was written to")
        if content not in ("zero", "same"):
            # The guest may have been stopped anywhere before its next line.
            check(counted <= sum(hot) <= counted + 200,
                  f"{counted} writes told, {sum(hot)} in the pages")
        told.append(content)
    return ", ".join(told) + ": each page as its header says"


def rate():
    wanted, lags = 5000, []
    with Lab(ELF) as lab:
        vm, _ = boot(lab, f"cold=0 hot=4M rate={wanted} stats=100")
        for count in range(1, 22):
            vm.wait(lambda: len(vm.lines("STATS")) >= count, "STATS line")
            us = int(vm.lines("STATS")[count - 1][1])
            lags.append(time.monotonic() - us / 1e6)
        points = [(int(us), int(writes))
                  for _, us, writes in vm.lines("STATS")]
    rates = [1e6 * (b[1] - a[1]) / (b[0] - a[0])
             for a, b in zip(points, points[1:])]
    mean = 1e6 * points[-1][1] / points[-1][0]
    # Never too fast. On a busy machine the vCPU may be kept from running, so
    # only one of twenty windows must have come up to the rate.
    check(mean <= 1.01 * wanted, f"{mean:.0f} a second, not {wanted}")
    check(max(rates) >= 0.95 * wanted, f"{max(rates):.0f} at best")
    # Lines may be seen late, never early: the least lags tell how far the
    # guest's clock and the host's come apart, here over 1 to 2 seconds.
    drift = min(lags[-10:]) - min(lags[:10])
    check(abs(drift) < 0.03, f"the clocks drift: {drift:.3f} s")
    return (f"wanted {wanted}, mean {mean:.0f}, {min(rates):.0f} to "
            f"{max(rates):.0f}; clock off by {1000 * drift:.1f} ms")


def pattern_counts(guest, least):
    with Lab(ELF) as lab:
        vm, ready = boot(lab, "cold=0 hot=1M stats=20 " + guest)
        vm.wait_line("STATS", lambda words: int(words[2]) > least)
        vm.qmp.execute("stop")
        return check_content(vm, ready.hot, "counter")


def patterns():
    counts = pattern_counts("pattern=sequential rate=max", 2000)
    check(counts == sorted(counts, reverse=True) and
          counts[0] - counts[-1] <= 1, f"sequential: {counts}")

    # 256 pages with 1000 writes each: a deviation of 20 % is 6 sigma.
    counts = pattern_counts("pattern=random rate=max", 256000)
    mean = sum(counts) / 256
    check(min(counts) > 0.8 * mean and max(counts) < 1.2 * mean,
          f"random: {min(counts)} to {max(counts)}, mean {mean:.0f}")

    for exponent in (0.5, 1.0, 1.5):
        counts = pattern_counts(f"pattern=zipf zipf={exponent} rate=max",
                                300000)
        weights = [k ** -exponent for k in range(1, 257)]
        for page in (0, 1, 2, 4, 9, 49):
            share = counts[page] / sum(counts)
            wanted = weights[page] / sum(weights)
            sigma = (wanted / sum(counts)) ** 0.5
            check(abs(share - wanted) < 6 * sigma + 0.001 * wanted,
                  f"zipf {exponent}: page {page} has {share:.5f} of the "
                  f"writes, not {wanted:.5f}")
    return "sequential, random, zipf with 0.5, 1 and 1.5"


def phases():
    guest = ("cold=0 hot=2M rate=1000 seed=3 phases="
             "200ms:rate=0;300ms:rate=3000,hot=256K@1M;100ms;loop")
    with Lab(ELF) as lab:
        vm, ready = boot(lab, guest)
        vm.wait(lambda: len(vm.lines("PHASE")) >= 6, "second round of phases")
        marks = [tuple(map(int, words[1:])) for words in vm.lines("PHASE")]
    check([mark[0] for mark in marks[:6]] == [0, 1, 2] * 2, marks)
    check(marks[1][2] == 0 and marks[4][2] == marks[3][2],
          f"writes in a phase with rate=0: {marks}")
    for (phase, start, before), (_, end, after) in zip(marks, marks[1:]):
        bound = (0, 3000, 1000)[phase] * (end - start) / 1e6
        check(after - before <= bound + 1, marks)
    check(marks[2][2] > 100, marks)

    with Lab(ELF) as lab:
        vm, ready = boot(lab, "cold=0 hot=2M stats=20 "
                         "phases=300s:rate=3000,hot=256K@1M")
        vm.wait_line("STATS", lambda words: int(words[2]) > 100)
        vm.qmp.execute("stop")
        writes = check_content(vm, ready.hot, "counter", torn=1)
    touched = [page for page, count in enumerate(writes) if count]
    check(touched == list(range(256, 320)), f"pages touched: {touched}")
    return "rates, order, loop and working set"


def nothing_else():
    """Only the hot memory and the guest's stack change after READY."""
    def snapshot():
        vm.qmp.execute("stop")
        memory = vm.memory(0, 32 * MIB)
        vm.qmp.execute("cont")
        return memory

    with Lab(ELF) as lab:
        vm, ready = boot(
            lab, "cold=8M hot=2M rate=4000 pattern=zipf heartbeat=1 stats=50 "
            "phases=100ms:content=text;100ms:content=random;loop",
            memory="32M")
        before = snapshot()
        vm.wait(lambda: len(vm.lines("PHASE")) >= 6, "third round of phases")
        after = snapshot()
    changed = [at for at in range(0, 32 * MIB, PAGE)
               if before[at:at + PAGE] != after[at:at + PAGE]]
    hot = [at for at in changed
           if any(start <= at < start + size for start, size in ready.hot)]
    other = [at for at in changed if at not in hot and not any(
        start <= at < start + size for start, size in ready.stack)]
    check(hot, "the hot memory did not change")
    check(not other, f"changed: {[hex(at) for at in other]}")
    return (f"{len(hot)} hot pages and {len(changed) - len(hot)} of the stack "
            "changed")


def heartbeat():
    def beats():
        return [(int(count), int(us)) for _, count, us in vm.lines("HB")]

    def in_time():
        """The processor may be busy elsewhere, but not all of the time."""
        times = [us for _, us in beats()]
        return any(b - a < 55000 for a, b in zip(times, times[50:]))

    with Lab(ELF) as lab:
        vm, _ = boot(lab, "cold=0 hot=1M rate=1000 heartbeat=1")
        vm.wait(in_time, "50 beats in 50 ms")
        vm.wait_line("HB", lambda words: int(words[2]) > 1000000)
        check(not vm.lines("HB", "serial"), "heartbeats on the serial port")
        told = beats()
    check([count for count, _ in told] == list(range(1, len(told) + 1)),
          "heartbeats do not count up by one")
    check(all(us >= 1000 * count for count, us in told), "beats too early")
    return f"{len(told)} beats in {told[-1][1]} us"


def starvation():
    """A vCPU kept from running: neither beats nor writes are made up for."""
    wanted, pause = 10000, 0.3
    with Lab(ELF) as lab:
        vm, _ = boot(lab, f"cold=0 hot=4M rate={wanted} heartbeat=1 stats=20")
        vm.wait_line("HB", lambda words: int(words[1]) > 100)
        os.kill(vm.pid, signal.SIGSTOP)
        time.sleep(pause)
        os.kill(vm.pid, signal.SIGCONT)
        seen = len(vm.lines("STATS"))
        vm.wait(lambda: len(vm.lines("STATS")) > seen + 5, "STATS line")
        beats = [int(us) for _, _, us in vm.lines("HB")]
        us, writes = map(int, vm.lines("STATS")[-1][1:])
    gaps = [b - a for a, b in zip(beats, beats[1:])]
    check(max(gaps) > 0.9e6 * pause, f"longest gap {max(gaps)} us")
    slots = [us // 1000 for us in beats]
    check(all(a < b for a, b in zip(slots, slots[1:])), "a burst of beats")
    most = wanted * (us / 1e6 - pause + 0.02)
    check(writes <= most, f"{writes} writes, {most:.0f} at most")
    return f"gap of {max(gaps)} us, {writes} writes of {most:.0f}"


def start_from_serial():
    with Lab(ELF) as lab:
        path = lab.path("com1")
        vm, _ = boot(lab, "cold=0 hot=1M rate=1000 start=serial stats=20",
                     serial=f"unix:{path},server=on,wait=off")
        vm.wait_line("STATS", lambda words: int(words[1]) > 200000)
        check(not vm.lines("START"), "started before it was told to")
        check(vm.lines("STATS")[-1][2] == "0", "writes before the start")
        with socket.socket(socket.AF_UNIX) as com1:
            com1.connect(path)
            com1.sendall(b"g")
            vm.wait_line("START")
            vm.wait_line("STATS", lambda words: int(words[2]) > 0)
    return "starts when told"


def errors():
    wrong = {
        "bogus": "bogus:",
        "rate=abc": "rate=abc:",
        "seed=4294967296": "seed=4294967296:",
        "cold=5": "cold=5:",
        "hot=99999999999999999999G": "hot=99999999999999999999G:",
        "base=1M": "base=1M:",
        "zipf=1.23456": "zipf=1.23456:",
        "zipf=1.0x1": "zipf=1.0x1:",
        "cold-content=same": "cold-content=same:",
        "cold=8G": "cold:",
        "hot=1M phases=5s:hot=1M@4K": "hot=1M@4K:",
        "phases=1s:rate=1;loop;2s": "2s:",
        "phases=1s:colour=1": "colour=1:",
        "phases=;": ":",
    }
    for guest, word in wrong.items():
        with Lab(ELF) as lab:
            vm = lab.start("guest", guest)
            line = vm.wait_line("ERROR")
            check(line[1] == word, f"{guest}: {line}")
            vm.wait(lambda: vm.lines("ERROR", "serial") == [line],
                    "ERROR line on COM1")
            check(not vm.lines("READY"), f"{guest}: READY after all")
    return f"{len(wrong)} wrong command lines"


def memory_above_4g():
    with Lab(ELF) as lab:
        vm, ready = boot(lab, "base=4G cold=2M hot=1M rate=2000", memory="5G")
        check(ready.cold == [(4 << 30, 2 * MIB)], ready.words)
        vm.wait_line("STATS")
        vm.qmp.execute("stop")
        check_content(vm, ready.cold, "text")
        check(sum(check_content(vm, ready.hot, "counter")) > 0, "no writes")

    with Lab(ELF) as lab:
        vm, ready = boot(lab, f"base={3064 * MIB} cold=10M hot=1M",
                         memory="5G")
        vm.qmp.execute("stop")
        check(len(ready.cold) == 2 and ready.cold[1][0] == 4 << 30,
              f"not split by the hole: {ready.words}")
        check(size_of(ready.cold) == 10 * MIB, ready.words)
        check(ready.hot[0][0] == sum(ready.cold[1]), ready.words)
        check_content(vm, ready.cold, "text")
    return "at 4 GiB, and on both sides of the hole"


def colliding_slots():
    """Pages 3 GiB apart share a slot of the guest's window (paging.h)."""
    with Lab(ELF) as lab:
        vm, ready = boot(
            lab, "base=1G cold=0 hot=3M pattern=random rate=max stats=20",
            machine="pc,max-ram-below-4g=1026M", memory="2G")
        starts = [start for start, _ in ready.hot]
        check(starts == [1 << 30, 4 << 30], ready.words)
        vm.wait_line("STATS", lambda words: int(words[2]) > 20000)
        vm.qmp.execute("stop")
        counted = int(vm.lines("STATS")[-1][2])
        writes = check_content(vm, ready.hot, "counter")
        check(min(writes) > 0 and sum(writes) >= counted, "writes are missing")
    return f"{sum(writes)} writes on both sides"


def migration():
    guest = "cold=4M hot=2M rate=2000 pattern=random heartbeat=1 stats=100"
    with Lab(ELF) as lab:
        source, ready = boot(lab, guest)
        target = lab.start("target", guest, "-incoming", "defer")
        uri = "unix:" + lab.path("stream")
        source.wait_line("STATS")
        target.qmp.execute("migrate-incoming", uri=uri)
        source.qmp.execute("migrate", uri=uri)
        target.qmp.wait_event("RESUME")
        count = int(source.lines("HB")[-1][1])
        target.wait_line("HB", lambda words: int(words[1]) > count + 300)
        target.qmp.execute("stop")
        # Both files together are one text: not a character is lost.
        beats = [line.split() for line in
                 (source.output() + target.output()).split("\n")[:-1]
                 if line.startswith("HB ")]
        check([int(words[1]) for words in beats] ==
              list(range(1, len(beats) + 1)), "heartbeats lost on the way")
        check(sum(check_content(target, ready.cold, "text")) == 0,
              "cold memory changed")
        writes = sum(check_content(target, ready.hot, "counter", torn=1))
        counted = int(target.lines("STATS")[-1][2])
        check(counted <= writes <= counted + 1000,
              f"{counted} writes told, {writes} in the pages")
        here, there = len(source.lines("HB")), len(target.lines("HB"))
    return f"{here} beats on the source, {there} on the destination"


migtest.run([ready_on_every_machine, contents, rate, patterns, phases,
             nothing_else, heartbeat, starvation, start_from_serial, errors,
             memory_above_4g, colliding_slots, migration])
