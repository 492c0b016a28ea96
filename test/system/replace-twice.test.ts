import { expect, test } from "vitest";
import type { FaultKind } from "../../src/simulator/faults.ts";
import { need } from "../host/places.ts";
import { chanceOf, shuffled } from "./chance.ts";
import { loopDisksCan, loopDisksNeed } from "./loop-disks.ts";
import { cut, dataVolume, ReplaceHost, seed, soak } from "./replace-host.ts";

/** What befalls the second command at a call. */
const blows: readonly { readonly kind: FaultKind; readonly signal?: NodeJS.Signals }[] = [
  { kind: "hang", signal: "SIGKILL" },
  { kind: "hang-after", signal: "SIGKILL" },
  { kind: "hang", signal: "SIGINT" },
  { kind: "hang-after", signal: "SIGINT" },
  { kind: "denied" },
];

const chance = chanceOf(seed + 1);
const below = (count: number) => Math.floor(chance() * count);
/** From the first call that is of this command alone; the last ones never come, and disturb nothing. */
const first = 4;
const places = Array.from({ length: 38 }, (_, index) => index + first);
const rounds = shuffled(
  ["same", "undo"].flatMap((second) =>
    places.flatMap((index) => blows.map((blow) => ({ second, index, ...blow }))),
  ),
  chance,
)
  .slice(0, soak ? undefined : 2)
  .map((one, round) => ({
    ...one,
    before: first + 6 + below(places.length),
    after: blows[below(2)]?.kind ?? "hang",
    third: round % 2 === 0 ? "same" : "undo",
    // Some undo what was finished.
    finished: below(4) === 0,
  }));

/** The volumes of calls that took effect: what is refused, or hangs before it is taken, has none. */
function touched(host: ReplaceHost, action: string): string[] {
  return host.bench
    .apiCalls()
    .filter((call) => call.action === action && ["OK", "hang-after"].includes(call.outcome?.code ?? ""))
    .map(({ parameters }) => parameters as { VolumeId?: string })
    .flatMap(({ VolumeId }) => (VolumeId === undefined ? [] : [VolumeId]));
}

test("a swap whose second command dies too, or fails, is finished or taken back by the third", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await ReplaceHost.start();
  await host.mount("-o", "noatime");
  const options = (await host.mounted()).replace(/^\S+/, "");
  let says = "as it is";
  let place = dataVolume;
  for (const [round, plan] of rounds.entries()) {
    const { before, after, second, index, kind, signal, third, finished } = plan;
    const all = ["--label", `twice-${round}`, "--yes"];
    const where = `round ${round} of SEED=${seed}: ${JSON.stringify(plan)}`;
    const one = finished
      ? await host.replace(all)
      : await cut(host, all, { kind: after, index: before }, "SIGKILL");
    const named = finished ? ["--restore", one.told.plan?.id ?? ""] : [];
    const undo = ["--undo", "--yes"];
    const two = await cut(host, second === "same" ? all : [...undo, ...named], { kind, index }, signal);
    const three = await host.replace(third === "same" ? all : undo);
    const story = [where, two.stdout, two.stderr, three.stdout, three.stderr].join("\n");
    // What was taken back whole is not done again under the same name, also if nobody was told that it was whole.
    const undone = two.told.results?.[0]?.outcome === "undone";
    const refused = three.told.plan?.refusals[0]?.found.startsWith("this replacement was undone") === true;
    if (second === "undo" && third === "same" && (undone || refused))
      expect(three.code, story).toBe(refused ? 2 : 0);
    else expect(three.code, story).toBe(0);

    const volumes = await host.volumes();
    const there = volumes.filter(({ attachments }) =>
      attachments.some(({ device }) => device === "/dev/sdf"),
    );
    expect(there, story).toMatchObject([{ attachments: [{ state: "attached", deleteOnTermination: true }] }]);
    const [now] = there;
    expect(await host.content(), story).toBe(now?.id === place ? says : "as it was");
    expect((await host.mounted()).replace(/^\S+/, ""), story).toBe(options);
    // Neither the original nor what may have been written to was ever removed; what is in use is backed up.
    expect(
      volumes.map(({ id }) => id),
      story,
    ).toContain(place);
    const attached = new Set(touched(host, "AttachVolume"));
    expect(
      touched(host, "DeleteVolume").filter((id) => attached.has(id)),
      story,
    ).toEqual([]);
    expect(Object.keys(now?.tags ?? {}), story).not.toContain("ec2-backup:replaced-by");
    expect(Object.keys(now?.tags ?? {}), story).not.toContain("Backup");
    expect((await host.replace(["--undo"])).told.swaps, story).toEqual([]);
    place = now?.id ?? "";
    says = `of round ${round}`;
    await host.sh("sh", "-c", `printf '${says}\\n' > ${host.mountedAt}/sentinel; sync -f ${host.mountedAt}`);
  }
}, 7_200_000);
