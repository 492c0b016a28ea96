import { describe, expect, test } from "vitest";
import { distrustOfDescriptor } from "../../src/core/security-descriptor.ts";

const closed = "O:BAG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";
const found = (kind: "file" | "folder", text: string) =>
  distrustOfDescriptor("C:\\x", kind, text).map((one) => one.found);

describe("who can write a file of Windows", () => {
  test.each([
    ["as install.ps1 makes it", closed],
    ["with readers", "O:SYG:SYD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)(A;;FR;;;WD)"],
    [
      "of the installer of Windows",
      closed.replace("O:BA", "O:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"),
    ],
    ["where others are refused", `${closed}(D;;FA;;;BU)`],
    ["with an entry for what is made in it", `${closed}(A;OICIIO;FA;;;BU)`],
    ["with audit entries", `${closed}S:AI(AU;SAFA;FA;;;WD)`],
  ])("nobody else: %s", (_, text) => {
    expect(found("file", text)).toEqual([]);
    expect(found("folder", text)).toEqual([]);
  });

  test.each([
    ["FA", true, true],
    ["0x1301bf", true, true],
    ["FW", true, true],
    ["GW", true, true],
    ["GA", true, true],
    ["WD", true, true],
    ["WO", true, true],
    ["SD", true, true],
    ["DC", true, true],
    ["LC", true, false],
    ["DT", false, true],
    ["FR", false, false],
    ["FX", false, false],
    ["RCCCSWRPLO", false, false],
    ["XX", true, true],
  ])("the right %s lets write a file: %s, and exchange one in a folder: %s", (right, file, folder) => {
    const text = `${closed}(A;;${right};;;S-1-5-21-1-2-3-1001)`;
    const words = ["the right to write for S-1-5-21-1-2-3-1001"];
    expect(found("file", text)).toEqual(file ? words : []);
    expect(found("folder", text)).toEqual(folder ? words : []);
  });

  test.each([
    ["an owner", closed.replace("O:BA", "O:S-1-5-21-1-2-3-1001"), ["the owner S-1-5-21-1-2-3-1001"]],
    ["no owner that is told", closed.slice(4), ["the owner nobody"]],
    ["no list at all", "O:BAG:SY", ["the right to write for everybody"]],
    ["no list, in words", "O:BAG:SYD:NO_ACCESS_CONTROL", ["the right to write for everybody"]],
    [
      "users and everybody",
      `${closed}(A;;FA;;;BU)(XA;;FA;;;WD;(1))`,
      ["the right to write for Users", "the right to write for everybody"],
    ],
  ])("others: %s", (_, text, words) => {
    expect(found("file", text)).toEqual(words);
  });

  test("what to type is told", () => {
    const [one] = distrustOfDescriptor("C:\\x y", "folder", `${closed}(A;;FA;;;BU)`);
    expect(one?.remedy).toBe(
      'icacls "C:\\x y" /inheritance:r /grant *S-1-5-18:(OI)(CI)F *S-1-5-32-544:(OI)(CI)F',
    );
  });
});
