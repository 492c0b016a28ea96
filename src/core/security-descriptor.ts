import type { Distrust } from "./distrust.ts";

/** Who may change everything on a Windows machine anyhow: SYSTEM, Administrators, the installer of Windows. */
const trusted: ReadonlySet<string> = new Set([
  "SY",
  "S-1-5-18",
  "BA",
  "S-1-5-32-544",
  "LA",
  "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
  // The owner, who is judged as such.
  "CO",
  "OW",
  "S-1-3-0",
  "S-1-3-4",
]);

/** The rights by which a file is changed or made one's own, as bits of an access mask. */
const fileRights = 0x2 | 0x4 | 0x1_0000 | 0x4_0000 | 0x8_0000 | 0x1000_0000 | 0x4000_0000;
/** Those by which a file in a folder is put there or exchanged. A new folder in it does no harm. */
const folderRights = 0x2 | 0x40 | 0x1_0000 | 0x4_0000 | 0x8_0000 | 0x1000_0000 | 0x4000_0000;

/** The rights of the security descriptor definition language (MS-DTYP 2.5.1.1). */
const bits: Readonly<Record<string, number>> = {
  GA: 0x1000_0000,
  GR: 0x8000_0000,
  GW: 0x4000_0000,
  GX: 0x2000_0000,
  FA: 0x1f_01ff,
  FR: 0x12_0089,
  FW: 0x12_0116,
  FX: 0x12_00a0,
  RC: 0x2_0000,
  SD: 0x1_0000,
  WD: 0x4_0000,
  WO: 0x8_0000,
  CC: 0x1,
  DC: 0x2,
  LC: 0x4,
  SW: 0x8,
  RP: 0x10,
  WP: 0x20,
  DT: 0x40,
  LO: 0x80,
  CR: 0x100,
};

/**
 * Why others than administrators could have written a file or a folder of Windows, by its security descriptor as
 * text: its owner and whoever it allows to write. Refusals in it are not weighed up, so that it never seems safer
 * than it is.
 */
export function distrustOfDescriptor(path: string, kind: "file" | "folder", descriptor: string): Distrust[] {
  const expected = `a ${kind} that only Administrators and SYSTEM can write`;
  const found: Distrust[] = [];
  const owner = /^O:(S-[\d-]+|[A-Z]{2})/.exec(descriptor)?.[1];
  if (owner === undefined || !trusted.has(owner))
    found.push({
      path,
      expected,
      found: `the owner ${owner ?? "nobody"}`,
      remedy: `icacls "${path}" /setowner *S-1-5-32-544`,
    });
  for (const who of writers(descriptor, kind))
    found.push({ path, expected, found: `the right to write for ${who}`, remedy: closing(path, kind) });
  return found;
}

function closing(path: string, kind: "file" | "folder"): string {
  const inherit = kind === "folder" ? "(OI)(CI)" : "";
  return `icacls "${path}" /inheritance:r /grant *S-1-5-18:${inherit}F *S-1-5-32-544:${inherit}F`;
}

function writers(descriptor: string, kind: "file" | "folder"): string[] {
  const entries = /D:([A-Z_]*)((?:\([^)]*\))*)/.exec(descriptor);
  // Without a list, or with none, everybody may do everything.
  if (entries === null || /NO_ACCESS_CONTROL/.test(entries[1] ?? "")) return ["everybody"];
  const names: Readonly<Record<string, string>> = { WD: "everybody", BU: "Users", AU: "authenticated users" };
  const found = new Set<string>();
  for (const [, entry = ""] of (entries[2] ?? "").matchAll(/\(([^)]*)\)/g)) {
    const [type = "", flags = "", rights = "", , , who = ""] = entry.split(";");
    const allows = type === "A" || type === "XA" || type === "OA";
    // Meant for what is made in the folder, and not for itself.
    const own = !flags.match(/../g)?.includes("IO");
    const dangerous = kind === "file" ? fileRights : folderRights;
    if (allows && own && !trusted.has(who) && (maskOf(rights) & dangerous) !== 0)
      found.add(names[who] ?? who);
  }
  return [...found];
}

function maskOf(rights: string): number {
  if (/^0x/i.test(rights)) return Number.parseInt(rights, 16);
  // What is not known is taken for everything.
  return (rights.match(/../g) ?? []).reduce((mask, name) => mask | (bits[name] ?? -1), 0);
}
