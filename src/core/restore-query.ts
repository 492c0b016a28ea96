import type { Consistency } from "./retention-policy.ts";

/** Which points are meant, in the words of the command line. */
export interface PointQuery {
  /** A time as people write it. */
  readonly at?: string;
  readonly point?: string;
  readonly from?: string;
  readonly jobs: readonly string[];
  readonly tags: readonly { readonly key: string; readonly value?: string }[];
  readonly consistency?: Consistency;
  /** ARN, id or Name tag of the instance that was captured; absent: this one. */
  readonly instance?: string;
  /** Where the snapshots are; absent: in this instance's Region. */
  readonly region?: string;
  /** The name of the repository whose points are meant; absent: every one that is no mirror. */
  readonly repository?: string;
  /** A repository that no configuration names. */
  readonly bare?: BareRepository;
}

/** A repository as the command line names it, for a host that has nothing but this program. */
export interface BareRepository {
  /** In restic's words. */
  readonly url: string;
  readonly passwordFile: string;
  readonly environmentFile?: string;
  readonly cacert?: string;
  /** restic's extended options. */
  readonly options: Readonly<Record<string, string>>;
}

/** The same words, but for the point that was found by them: a newer one may have come meanwhile. */
export function fixedOn(query: PointQuery, point: string): PointQuery {
  const { at: _, ...others } = query;
  return query.from === undefined && query.point === undefined ? { ...others, point } : query;
}

/** What is wanted of the filesystems on restored disks. */
export interface MountWish {
  /** An absolute path. */
  readonly where: string;
  readonly writable: boolean;
}

/** How the blocks of new volumes are brought from the snapshots: by EC2 at a rate that was asked for, or by reading. */
export type Initialize = "rate" | "read";
