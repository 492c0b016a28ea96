import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { failureOfRestic } from "../../src/engines/restic-failure.ts";
import { folder } from "../host/places.ts";
import { needRestic, restics } from "../system/stores/restics.ts";
import { failureIn, filesOrder, never, order, quiet, Stage, writing } from "./restic-stage.ts";

test.each([
  ["unable to open config file: GET https://127.0.0.1:34403/central/config: Not Found", 10, "not-found"],
  ["unable to open config file: stat /srv/403/config: no such file or directory", 10, "not-found"],
  ["unable to open config file: unexpected HTTP response (403): 403 Forbidden", 1, "denied"],
  ["unexpected HTTP response (502): 502 Bad Gateway", 1, "unreachable"],
])("%s means, with %i, %s", async (said, code, kind) => {
  const place = new Stage(await folder(), "restic");
  const failure = failureOfRestic(
    { code, errors: [`Fatal: ${said}`] },
    "open it",
    place.config("store"),
    (text) => text,
  );
  expect(failure.kind).toBe(kind);
});

describe.each(restics())("what $name restic, $version, cannot do", (restic) => {
  test("is told with what to do about it", async (context) => {
    const place = new Stage(await folder(), needRestic(context, restic));
    const missing = await place.open(place.config("store"));
    expect(await failureIn(missing.open(never))).toMatchObject({
      kind: "not-found",
      code: "NoRepository",
      remedy: expect.stringMatching(/mounted.*ec2-backup repository init store$/),
    });
    expect(
      await failureIn(missing.saveFiles(filesOrder("p", ["/etc/hostname"]), quiet, never)),
    ).toMatchObject({
      kind: "not-found",
    });
    expect(await failureIn(missing.saveStream(order("p"), writing("a", "b"), quiet, never))).toMatchObject({
      kind: "not-found",
    });
    await place.made("store");
    writeFileSync(place.at("other"), "another password\n", { mode: 0o600 });
    const wrong = await place.open(place.config("store", { password: { file: place.at("other") } }));
    expect(await failureIn(wrong.snapshots([], never))).toMatchObject({
      kind: "denied",
      code: "WrongPassword",
      remedy: expect.stringContaining(place.at("other")),
    });
    const store = await place.open(place.config("store"));
    expect(await failureIn(store.init(never))).toMatchObject({ kind: "refused" });
    expect(
      await failureIn(store.saveFiles(filesOrder("p", ["/nowhere/at/all"]), quiet, never)),
    ).toMatchObject({
      kind: "configuration",
      remedy: expect.stringContaining("mounted"),
    });
    const secret = "rest:https://me:very-secret@127.0.0.1:1/store";
    const away = await place.open(
      place.config("away", { url: secret, idleTimeout: 5_000, deadline: 20_000 }),
    );
    const failure = await failureIn(away.open(never));
    expect(failure).toMatchObject({ kind: "unreachable" });
    expect(failure.message).not.toContain("very-secret");
  });

  test("a password may come from a command, whatever its words", async (context) => {
    const place = new Stage(await folder(), needRestic(context, restic));
    await place.made("store");
    const command = ["sh", "-c", `echo "a good  password" | tr -s " "`];
    const store = await place.open(place.config("store", { password: { command } }));
    expect(await store.snapshots([], never)).toEqual([]);
    const odd = place.open(place.config("store", { password: { command: ["echo", `'"`] } }));
    expect(await failureIn(odd)).toMatchObject({ kind: "configuration" });
  });
});

describe("what is looked at before restic is started", () => {
  test("a restic that is missing, too old, no restic, or anybody's", async () => {
    const place = new Stage(await folder(), "/usr/bin/restic");
    const open = (program: string) => failureIn(place.open(place.config("store", { program })));
    expect(await open(place.at("nowhere"))).toMatchObject({
      kind: "configuration",
      remedy: expect.stringContaining("install"),
    });
    writeFileSync(place.at("old"), "#!/bin/sh\necho restic 0.12.1 compiled with go1.16\n", { mode: 0o755 });
    expect(await open(place.at("old"))).toMatchObject({
      found: "restic 0.12.1",
      remedy: expect.stringContaining("0.14"),
    });
    writeFileSync(place.at("no"), "#!/bin/sh\necho hello\n", { mode: 0o755 });
    expect(await open(place.at("no"))).toMatchObject({ found: expect.stringContaining("hello") });
    const open2 = place.fake("anybodys", "exit 0");
    chmodSync(open2, 0o777);
    expect(await open(open2)).toMatchObject({
      kind: "configuration",
      doing: expect.stringContaining("trust"),
    });
  });

  test("files with secrets that others may read or write, and lines that say what only we say", async () => {
    const place = new Stage(await folder(), "/bin/true");
    const program = place.fake("restic", "env; exit 0");
    const open = (more: object) => failureIn(place.open(place.config("store", { program, ...more })));
    chmodSync(place.at("password"), 0o640);
    expect(await open({})).toMatchObject({ remedy: `chmod 600 ${place.at("password")}` });
    chmodSync(place.at("password"), 0o600);
    const environmentFile = place.at("environment");
    writeFileSync(environmentFile, "AWS_ACCESS_KEY_ID=x\n", { mode: 0o602 });
    chmodSync(environmentFile, 0o602);
    expect(await open({ environmentFile })).toMatchObject({ remedy: `chmod 600 ${environmentFile}` });
    chmodSync(environmentFile, 0o600);
    for (const line of ["RESTIC_REPOSITORY=/else", "RESTIC_PASSWORD=x", "LD_PRELOAD=/x.so", "no-equals"]) {
      writeFileSync(environmentFile, `# ours\n${line}\n`);
      const failure = await open({ environmentFile });
      expect(failure).toMatchObject({ kind: "configuration", found: expect.stringContaining("line 2") });
    }
    expect(await open({ password: { file: place.at("nowhere") } })).toMatchObject({ found: "no such file" });
  });
});

describe("a restic that behaves as none does", () => {
  const fake = async (script: string, more: object = {}) => {
    const place = new Stage(await folder(), "/bin/true");
    const store = await place.open(place.config("store", { program: place.fake("restic", script), ...more }));
    return { place, store };
  };

  test("says nothing: it is ended with all that it has started, and this tells why", async () => {
    const { place, store } = await fake(
      `sleep 1000 & echo $! >> "$HOME/pids"; echo $$ >> "$HOME/pids"; wait`,
      {
        idleTimeout: 700,
      },
    );
    const began = performance.now();
    expect(await failureIn(store.snapshots([], never))).toMatchObject({
      kind: "unreachable",
      code: "IdleTimeout",
      found: expect.stringContaining("nothing moved"),
    });
    expect(performance.now() - began).toBeLessThan(15_000);
    const pids = readFileSync(place.at("pids"), "utf8").trim().split("\n");
    const living = () =>
      execFileSync(
        "sh",
        ["-c", `for p in ${pids.join(" ")}; do grep -s '^State:.[^ZX]' /proc/$p/status; done; true`],
        { encoding: "utf8" },
      );
    await expect.poll(living, { timeout: 5_000 }).toBe("");
  });

  test("says for ever that it tries again: nothing moves by that", async () => {
    const { store } = await fake(
      `i=0; while :; do i=$((i+1)); echo "Load(<key>) returned error, retrying after $i ms" >&2; echo '{"message_type":"status","seconds_elapsed":'$i',"percent_done":0}'; sleep 0.1; done`,
      { idleTimeout: 1_000 },
    );
    const failure = await failureIn(store.saveFiles(filesOrder("p", ["/etc/hostname"]), quiet, never));
    // Whether a snapshot came of it cannot be listed either.
    const found = expect.stringMatching(/^nothing moved for 1s.*retrying.*could make sure that no snapshot/s);
    expect(failure).toMatchObject({ code: "MayBeThere", found });
  });

  test("goes on for ever: its deadline ends it", async () => {
    const script = `i=0; while :; do i=$((i+1)); echo "line $i"; sleep 0.1; done`;
    const { store } = await fake(script, { deadline: 1_000 });
    expect(await failureIn(store.snapshots([], never))).toMatchObject({
      kind: "unreachable",
      code: "Deadline",
    });
  });

  test("is told to stop, and does not", async () => {
    const { store } = await fake(`trap "" INT TERM; while :; do sleep 1; done`);
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 500);
    expect(await failureIn(store.snapshots([], stop.signal))).toMatchObject({ kind: "interrupted" });
  });

  test("prints what is no JSON, or what says nothing", async () => {
    const { store } = await fake("echo hello");
    expect(await failureIn(store.snapshots([], never))).toMatchObject({
      found: expect.stringContaining("hello"),
    });
    expect(await failureIn(store.open(never))).toMatchObject({ kind: "unexpected" });
    expect(await failureIn(store.saveFiles(filesOrder("p", ["/etc"]), quiet, never))).toMatchObject({
      kind: "unexpected",
      found: expect.stringContaining("no summary"),
    });
  });

  test("complains at length: the end of it is told, and no more", async () => {
    const { store } = await fake(
      `yes "$(printf %0999d 7)" | head -n 1050 >&2; printf %01048576d 8 >&2; echo >&2; echo "Fatal: the end" >&2; exit 1`,
    );
    const failure = await failureIn(store.snapshots([], never));
    expect(failure).toMatchObject({ kind: "unexpected", found: "restic: the end" });
    expect(failure.message.length).toBeLessThan(1_500);
  });

  test("complains of every file: so many are told, and how many more", async () => {
    const { store } = await fake(
      `case "$*" in *backup*) i=0; while [ $i -lt 12000 ]; do i=$((i+1)); echo '{"message_type":"error","error":{"message":"gone"},"during":"archival","item":"/f'$i'"}'; done >&2; exit 1 ;; esac; exit 1`,
    );
    const failure = await failureIn(store.saveFiles(filesOrder("p", ["/etc"]), quiet, never));
    expect(failure).toMatchObject({ kind: "unexpected" });
  });

  test("its words and its environment hold no secret but those of restic's own variables", async () => {
    const { place, store } = await fake(
      `echo "$*" > "$HOME/words"; env > "$HOME/env"; tty > "$HOME/tty" 2>&1; exit 1`,
    );
    await failureIn(store.snapshots([], never));
    expect(readFileSync(place.at("words"), "utf8")).toBe("snapshots --json --no-lock\n");
    expect(readFileSync(place.at("tty"), "utf8")).toBe("not a tty\n");
    const env = readFileSync(place.at("env"), "utf8");
    expect(env).toContain(`RESTIC_PASSWORD_FILE=${place.at("password")}`);
    expect(env).not.toContain("a good password");
    expect(env).not.toMatch(/^(?:VITEST|NODE_|AWS_)/m);
  });
});
