/**
 * The keys of a host that its console has shown, as lines of known_hosts for a name. cloud-init writes them between two
 * lines of their own (module keys_to_console); nothing else on the console is believed. Absent until all of it is there.
 */
export function hostKeysOf(console: string, name: string): readonly string[] | undefined {
  const begin = "-----BEGIN SSH HOST KEY KEYS-----";
  const end = "-----END SSH HOST KEY KEYS-----";
  const text = console.replaceAll("\r", "");
  // A second boot shows them again, and the last ones count.
  const from = text.lastIndexOf(begin);
  const to = text.indexOf(end, from);
  if (from === -1 || to === -1) return undefined;
  const lines = text.slice(from + begin.length, to).split("\n");
  const keys = lines.flatMap((line) => {
    const [, key] =
      /(?:^|\s)((?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp\d+) [A-Za-z0-9+/]{40,}={0,2})(?:\s|$)/.exec(line) ??
      [];
    return key === undefined ? [] : [`${name} ${key}`];
  });
  return keys.length === 0 ? undefined : [...new Set(keys)];
}
