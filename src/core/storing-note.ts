/** A point that was being stored: it may be there, and nobody knows whether it is whole. */
export interface StoringNote {
  readonly run: string;
  readonly point: string;
  readonly repository: string;
  /** `files` or `dump/<name>`. */
  readonly source: string;
  /** By the host's clock. */
  readonly at: string;
}
