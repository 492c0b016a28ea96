import type { Loaded } from "../config/load.ts";
import type { Distrust } from "../core/distrust.ts";
import { failureOf } from "../core/errors.ts";
import { distrustOfDescriptor } from "../core/security-descriptor.ts";
import { askPowershell, powershellOf, powershellText } from "../host/powershell.ts";

/** Who can write a file of Windows, or why that cannot be told. */
type WindowsTrust = { readonly distrust: readonly Distrust[] } | { readonly unknown: string };

/**
 * What was read of the configuration, and faulty if others could have written it. `unknown` says why that could not
 * be told: then the file is believed, since a backup is worth more than a check, and whoever reads the log is told.
 */
export async function judgedOnWindows(
  loaded: Loaded,
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly loaded: Loaded; readonly unknown?: string }> {
  if (loaded.absent === true) return { loaded };
  const trust = await windowsTrust(file, env);
  if ("unknown" in trust) return { loaded, unknown: trust.unknown };
  if (trust.distrust.length === 0) return { loaded };
  const faults = trust.distrust.map(({ path: place, ...rest }) => ({ place, path: "", ...rest }));
  return { loaded: { ok: false, faults: loaded.ok === false ? [...faults, ...loaded.faults] : faults } };
}

/** Milliseconds; PowerShell needs about half a second, and many times that when a machine has just started. */
const patience = 20_000;

/**
 * Judges the configuration file of a Windows host, where mode bits mean nothing, by its security descriptor and
 * that of its folder. Never throws: what cannot be told is said, and nothing is refused for it.
 */
async function windowsTrust(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<WindowsTrust> {
  const script =
    `$f=Get-Item -LiteralPath ${powershellText(file)} -Force;` +
    "ConvertTo-Json -Compress @{path=$f.FullName;folder=$f.DirectoryName;" +
    "own=(Get-Acl -LiteralPath $f.FullName).Sddl;above=(Get-Acl -LiteralPath $f.DirectoryName).Sddl}";
  try {
    const manners = { program: powershellOf(env), timeout: patience };
    return judge(await askPowershell(script, "ask who can write the configuration", manners));
  } catch (error) {
    return { unknown: failureOf(error, "ask").found };
  }
}

function judge(answer: unknown): WindowsTrust {
  const { path, folder, own, above } = answer as Readonly<Record<string, unknown>>;
  if (
    typeof path !== "string" ||
    typeof own !== "string" ||
    typeof folder !== "string" ||
    typeof above !== "string"
  )
    return { unknown: "PowerShell: its answer lacks a descriptor" };
  return {
    distrust: [...distrustOfDescriptor(path, "file", own), ...distrustOfDescriptor(folder, "folder", above)],
  };
}
