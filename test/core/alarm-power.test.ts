import { describe, expect, it } from "vitest";
import type { FoundAlarm } from "../../src/core/alarm.ts";
import { awakening, maySilence, powerGoal } from "../../src/core/alarm-power.ts";
import { day, hour } from "./alarm-life.ts";

const now = new Date("2027-03-01T11:20:00Z");
const ago = (ms: number) => new Date(now.getTime() - ms);
const alarm = (state: FoundAlarm["state"]) =>
  ({ threshold: 26 * 3_600, period: 3_600, evaluationPeriods: 26, state }) as FoundAlarm;

describe("where the system goes", () => {
  it.each([
    ["power-off", " 201 poweroff.target start waiting\n 202 ec2-backup.service stop running\n"],
    ["power-off", "201 halt.target start waiting"],
    ["reboot", "201 reboot.target start waiting\n200 ec2-backup-alarms.service stop running"],
    ["reboot", "201 kexec.target start waiting"],
    ["none", "201 poweroff.target stop waiting"],
    ["none", "7 ec2-backup-alarms.service stop running"],
    ["none", ""],
  ])("is %s by systemd's queue", (goal, jobs) => {
    expect(powerGoal(jobs)).toBe(goal);
  });
});

describe("an alarm for missed backups", () => {
  it("may be silenced while backups are in order, and not when they are late", () => {
    expect(maySilence(alarm("OK"), { captured: ago(25 * hour) }, now)).toBe(true);
    expect(maySilence(alarm("OK"), { captured: ago(27 * hour) }, now)).toBe(false);
    expect(maySilence(alarm("OK"), {}, now)).toBe(false);
  });

  it("comes back as it is after a short time off, and anew if it rang or soon would", () => {
    const fresh = { captured: ago(9 * hour), told: ago(9 * hour) };
    const catchUp = 3 * hour;
    expect(awakening(alarm("OK"), fresh, catchUp, now)).toEqual({ kind: "enable" });
    const renewed = { kind: "renew", warmUpMinutes: 26 * 60 };
    expect(awakening(alarm("ALARM"), fresh, catchUp, now)).toEqual(renewed);
    const old = { captured: ago(24 * hour), told: ago(24 * hour) };
    expect(awakening(alarm("OK"), old, catchUp, now)).toEqual(renewed);
    expect(awakening(alarm("OK"), {}, catchUp, now)).toEqual(renewed);
    const rare = { ...alarm("ALARM"), evaluationPeriods: 168 };
    expect(awakening(rare, { captured: ago(30 * day) }, catchUp, now)).toMatchObject({
      warmUpMinutes: 2_880,
    });
  });
});
