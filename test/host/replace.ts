// Replaces the file that is named first, or with --append adds a line to it; tells how it went as JSON.
import { appendLine, replaceFile } from "../../src/host/atomic-file.ts";

const [file = "", size = "0", how] = process.argv.slice(2);
try {
  const text = "n".repeat(Number(size));
  await (how === "--append" ? appendLine(file, text) : replaceFile(file, text));
  process.stdout.write(JSON.stringify({ done: true }));
} catch (error) {
  const { kind, code, message } = error as { kind?: string; code?: string; message: string };
  process.stdout.write(JSON.stringify({ kind, code, message }));
}
