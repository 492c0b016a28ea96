import type { MachineObstacle } from "./machine-wish.ts";
import type { RecordedMachine } from "./recorded-machine.ts";

/** User data that there is, by its digest. */
export interface FoundUserData {
  readonly sha256: string;
  /** Bytes. */
  readonly length: number;
}

/** Where user data may come from. */
export interface UserDataGround {
  /** `--no-user-data`. */
  readonly none: boolean;
  /** `--user-data FILE`. */
  readonly file?: FoundUserData;
  /** `--user-data-differs`: what is given need not be what was recorded. */
  readonly differs: boolean;
  /** What the point recorded of it; the content where it could be read. */
  readonly recorded: RecordedMachine["userData"];
  readonly content?: FoundUserData;
  /** Of the captured instance while it is there. */
  readonly original?: FoundUserData;
}

/** Which user data the new instance gets. Never its content, which may be secret. */
export interface UserDataChoice {
  readonly from: "none" | "file" | "point" | "original";
  readonly value: string;
  readonly because: string;
  readonly obstacles: readonly MachineObstacle[];
}

/**
 * Where the user data is taken from: the flags, else what the point has of it, else the captured instance while it is
 * there. What is not the one that was recorded is only taken on request; what is lacking is never passed over.
 */
export function chooseUserData(ground: UserDataGround): UserDataChoice {
  const { none, file, recorded, content, original } = ground;
  if (none) return { from: "none", value: "none", because: "flag", obstacles: [] };
  if (file !== undefined) return checked("file", "flag", file, ground);
  if (recorded === "none") return { from: "none", value: "none, as it was", because: "point", obstacles: [] };
  if (content !== undefined && recorded !== undefined && content.sha256 === recorded.sha256)
    return { from: "point", value: told(content), because: "point", obstacles: [] };
  if (original !== undefined) return fromOriginal(original, ground);
  if (recorded === undefined)
    return {
      from: "none",
      value: "not known",
      because: "not recorded",
      obstacles: [
        {
          about: "user data",
          severity: "note",
          found: "whether the machine had user data is not recorded, and it is not there to be asked",
          remedy: "give some with --user-data FILE",
        },
      ],
    };
  return {
    from: "none",
    value: told(recorded),
    because: "lacking",
    obstacles: [
      {
        about: "user data",
        severity: "blocks",
        found: `the machine had user data of ${recorded.length} bytes (sha256 ${recorded.sha256.slice(0, 16)}…), of which the point has only the digest`,
        remedy: "give it with --user-data FILE, or go without: --no-user-data",
      },
    ],
  };
}

function fromOriginal(original: FoundUserData, ground: UserDataGround): UserDataChoice {
  if (original.length > 0) return checked("original", "the instance", original, ground);
  if (ground.recorded === undefined)
    return { from: "none", value: "none", because: "the instance", obstacles: [] };
  return { ...checked("original", "the instance", original, ground), from: "none" };
}

function checked(
  from: "file" | "original",
  because: string,
  found: FoundUserData,
  { recorded, differs }: UserDataGround,
): UserDataChoice {
  const same =
    recorded === undefined || (recorded === "none" ? found.length === 0 : found.sha256 === recorded.sha256);
  const was = recorded === "none" || recorded === undefined ? "none" : told(recorded);
  return {
    from,
    value: `${told(found)}${same ? "" : `; recorded was ${was}`}`,
    because,
    obstacles: same
      ? []
      : [
          {
            about: "user data",
            severity: differs ? "note" : "blocks",
            found: `the user data of ${from === "file" ? "the file" : because} is not what the machine had when it was captured`,
            ...(differs ? {} : { remedy: "take it all the same: --user-data-differs; or --no-user-data" }),
          },
        ],
  };
}

function told({ length, sha256 }: FoundUserData): string {
  return `${length} bytes, sha256 ${sha256.slice(0, 16)}…`;
}
