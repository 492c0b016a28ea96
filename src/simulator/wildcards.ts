const compiled = new Map<string, RegExp>();

/**
 * Whether a text matches a pattern in which `*` stands for any characters, `?` for one, and a backslash takes
 * the next character as it is. Case counts.
 */
export function matchesPattern(pattern: string, text: string): boolean {
  let expression = compiled.get(pattern);
  if (expression === undefined) {
    const source = pattern.replace(/\\([\s\S])|[\s\S]/g, (character, escaped: string | undefined) => {
      if (escaped !== undefined) return literal(escaped);
      if (character === "*") return "[\\s\\S]*";
      return character === "?" ? "[\\s\\S]" : literal(character);
    });
    expression = new RegExp(`^${source}$`, "u");
    if (compiled.size > 1_000) compiled.clear();
    compiled.set(pattern, expression);
  }
  return expression.test(text);
}

function literal(character: string): string {
  return /[\^$\\.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}
