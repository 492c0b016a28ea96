// What `ec2-backup thaw` does, alone: thaws the leftovers of a runtime directory and prints the report.
import { thawLeftovers } from "../../src/hooks/thaw.ts";

const [runtimeDirectory = ""] = process.argv.slice(2);
const report = await thawLeftovers({ runtimeDirectory, wait: 5_000, urge: process.argv.includes("--urge") });
process.stdout.write(`${JSON.stringify(report)}\n`);
