/** What must not be seen is replaced by this. */
const hidden = "***";

/**
 * Takes the login out of every address, and the given secrets wherever they stand. What is told to people is
 * made of answers and errors of others too, and these may repeat what they were given.
 */
export function concealer(secrets: readonly string[]): (text: string) => string {
  // One may be the beginning of another, of which then the rest would stay.
  const longestFirst = [...secrets].sort((a, b) => b.length - a.length);
  return (text) =>
    longestFirst.reduce(
      (shown, secret) => shown.replaceAll(secret, hidden),
      text.replace(/:\/\/[^\s/?#"'<>]*@/g, `://${hidden}@`),
    );
}

/** The values of variables that are secrets by their names. Shorter ones would hide innocent words. */
export function secretsOf(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(env).flatMap(([name, value = ""]) =>
    /secret|token|passw|(_pass|_pwd|_auth|api_?key)$/i.test(name) &&
    !/_(file|path|dir|sock)$/i.test(name) &&
    value.length >= 6
      ? [value]
      : [],
  );
}
