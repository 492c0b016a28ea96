import { harmless } from "./harmless.ts";

/** How a dump is loaded again: lines to be run by hand once its file has been restored. */
export interface DumpRestoreWords {
  /** What they do and what to look out for, a sentence each. */
  readonly notes: readonly string[];
  /** Lines for a shell; `file` is the path of the restored file. */
  readonly lines: readonly string[];
}

/**
 * What loads a dump, by the tags of its snapshot. These may come from anybody, so whatever is in them is quoted, and
 * what is unknown is only said to be a file.
 */
export function dumpRestoreWords(
  tags: Readonly<Record<string, string | undefined>>,
  path: string,
): DumpRestoreWords {
  const { kind, format, database, collection } = tags;
  const file = quoted(path);
  const name = quoted(database ?? "");
  switch (`${kind} ${format}`) {
    case "mysql sql":
      return {
        notes: [
          database === undefined
            ? "It makes its databases where they are missing, and replaces the tables that it holds."
            : `It makes the database ${harmless(database)} where it is missing, and replaces the tables that it holds.`,
          ...(database === "mysql"
            ? ["It holds the server's users; load it into a server of the same version."]
            : []),
        ],
        lines: [`mariadb < ${file}`],
      };
    case "postgres globals":
      return {
        notes: [
          "Load it before the databases: it makes roles and tablespaces. That a role is already there is no harm.",
        ],
        lines: [`psql -X -d postgres -f ${file}`],
      };
    case "postgres custom":
      return {
        notes: [
          "It makes the database; where it is there, make an empty one of another name and leave --create out.",
          `Single tables: pg_restore --list ${file} shows them, --table=NAME takes one.`,
        ],
        lines: [`pg_restore --create --exit-on-error -d postgres ${file}`],
      };
    case "mongodb archive":
      return {
        notes: ["Documents that are there already stay as they are; --drop replaces the collections."],
        lines: [`mongorestore --archive=${file}`],
      };
    case "mongodb json":
      return {
        notes: [
          "Documents that are there already stay as they are; --drop replaces the collection. Indexes are not in it.",
        ],
        lines: [`mongoimport --db=${name} --collection=${quoted(collection ?? "")} --file=${file}`],
      };
    case "redis rdb":
      return {
        notes: [
          "Stop the server, put the file in place of its dump.rdb, and start it.",
          "A server with appendonly yes reads its append-only files instead: start it with --appendonly no, then CONFIG SET appendonly yes.",
        ],
        lines: [`install -o redis -g redis -m 660 ${file} /var/lib/redis/dump.rdb`],
      };
    default:
      return { notes: ["It is what the program of the dump printed."], lines: [] };
  }
}

/** A word for a shell, whatever is in it. */
function quoted(text: string): string {
  const safe = harmless(text);
  return /^[\w@%+=:,./-]+$/.test(safe) ? safe : `'${safe.replaceAll("'", "'\\''")}'`;
}
