/** The directory of this host that restic takes an address for; absent for any other kind. */
export function localDirectory(url: string): string | undefined {
  return /^(?:local:)?(\/.*)$/.exec(url)?.[1];
}

/** Where a REST server has the repository; absent for any other kind. */
export function restAddress(url: string): URL | undefined {
  return url.startsWith("rest:") ? new URL(url.slice("rest:".length)) : undefined;
}
