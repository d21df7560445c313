/* Several runs over one time axis, each from its own beginning on. */

const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3]];

function drawOverlay(root, runs) {
  const known = runs.filter((run) => run.timeline);
  const end = Math.max(...known.map((run) => run.timeline.end));
  const data = { begin: 0, end, passes: [], stop: null, resume: null };
  const { unit } = timeUnit(end);
  const curves = (key) => known.map((run) => {
    const index = runs.indexOf(run);
    return line(run.name, run.timeline[key], unit,
      colour("c" + (1 + index % 6)), { borderDash: DASHES[index % 4],
        borderWidth: 2 });
  });
  const say = (what, key, name) => what + ": " + known.map((run) =>
    `${run.name}: ` + spoken("values", run.timeline[key], name)).join("; ");
  timeChart(root, data, "Left to send", "MiB",
    say("Left to send", "remaining", "MiB"), curves("remaining"), {});
  timeChart(root, data, "Sent", "MiB/s", say("Sent", "sent", "MiB/s"),
    curves("sent"), {});
  timeChart(root, data, "Dirtied by the guest", "MiB/s",
    say("Dirtied", "dirtied", "MiB/s"), curves("dirtied"), {});
  timeChart(root, data, "Downtime expected by QEMU", "ms",
    say("Expected downtime", "expected", "ms"), curves("expected"),
    { last: true });
}
