import { describe, expect, it } from "vitest";
import { toLastGood } from "../../src/config/last-good.ts";
import { effectiveValues } from "../../src/config/print.ts";
import { fromLastGood } from "../../src/config/read-last-good.ts";
import { repositoriesOf } from "../../src/config/repositories.ts";
import { resolve } from "../../src/config/resolve.ts";
import { fileOf } from "./file-of.ts";

const file = fileOf(`version: 1
timezone: Europe/Berlin
host: { name: build }
repositories:
  central:
    url: rest:https://me:hush@backup.example.com/build
    passwordFile: /etc/central.password
    lockWait: 1m
    check: { schedule: "0 6 * * 6", subset: 1/12 }
    mirror: { to: offsite, retention: { daily: 7, within: 30d } }
  offsite: { url: "s3:https://s3.amazonaws.com/x", passwordCommand: [/bin/pw, hush], timezone: UTC }
jobs:
  nightly:
    files: { repository: central, paths: [/etc, /home], tags: [office] }
    dumps:
      - command: { name: ldap, repository: central, run: [slapcat] }
  both:
    volumes: { root: true }
    files: { repository: central, paths: [/srv] }
  plain: { schedule: "@daily" }
`);

describe("repositories", () => {
  it("are complete where they are used, in the zone of the file", () => {
    const [central, offsite] = repositoriesOf(resolve({ file, tags: {} }).settings);
    expect(central).toMatchObject({
      name: "central",
      password: { file: "/etc/central.password" },
      options: {},
      appendOnly: false,
      lockWait: 60_000,
      idleTimeout: 600_000,
      deadline: 12 * 3_600_000,
      timezone: "Europe/Berlin",
      check: { schedule: "0 6 * * 6", parts: 12 },
      mirror: {
        to: "offsite",
        retention: { counts: { daily: 7 }, within: 30 * 86_400_000, timezone: "Europe/Berlin" },
      },
    });
    expect(offsite).toMatchObject({ password: { command: ["/bin/pw", "hush"] }, timezone: "UTC" });
  });

  it("decide with files and dumps whether a job takes volumes", () => {
    const { jobs } = resolve({ file, tags: {} });
    const of = (name: string) => jobs.find((job) => job.name === name);
    expect(of("nightly")).toMatchObject({
      volumes: { root: false, include: [], exclude: [] },
      stored: {
        volumes: false,
        files: { paths: ["/etc", "/home"] },
        dumps: [{ kind: "command", name: "ldap" }],
      },
    });
    expect(of("both")).toMatchObject({ volumes: { root: true }, stored: { volumes: true, dumps: [] } });
    expect(of("plain")?.stored).toBeUndefined();
  });

  it("are printed with their origins, and neither a login nor a password is", () => {
    const values = effectiveValues(resolve({ file, tags: {} }));
    const of = (path: string) => values.find((value) => value.path === path);
    expect(of("repositories.central.url")).toMatchObject({
      value: "rest:https://...@backup.example.com/build",
      origin: "config.yaml:6",
    });
    expect(of("repositories.central.deadline")).toMatchObject({ value: "12h", origin: "built-in" });
    expect(of("repositories.offsite.passwordCommand")?.value).toBe("/bin/pw");
    expect(of("jobs.nightly.volumes")?.value).toBe("none");
    expect(of("jobs.nightly.files.paths")).toMatchObject({ value: "/etc, /home", origin: "config.yaml:14" });
    expect(JSON.stringify(values)).not.toContain("hush");
  });

  it("are kept with the last good configuration", () => {
    const resolution = resolve({ file, tags: {} });
    const record: unknown = JSON.parse(JSON.stringify(toLastGood(resolution, new Date(0))));
    const kept = fromLastGood(record);
    expect(kept?.jobs).toEqual(resolution.jobs);
    expect(kept?.settings).toEqual(resolution.settings);
    const text = JSON.stringify(record).replace('"volumes":false', '"volumes":true');
    expect(fromLastGood(JSON.parse(text))).toBeUndefined();
  });
});
