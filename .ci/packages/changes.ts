// CHANGELOG.md as package formats want it.

export interface Release {
  readonly version: string;
  /** Seconds. */
  readonly date: number;
  readonly changes: readonly string[];
}

/** Newest first. What is not released yet counts as the version that is built now. `epoch` in seconds. */
export function releasesOf(changelog: string, version: string, epoch: number): Release[] {
  return changelog
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [heading = "", ...lines] = section.split("\n");
      const [, told, day] = /^\[?(\d[^\]\s]*)\]?(?:\s*[-–]\s*(\d{4}-\d\d-\d\d))?/.exec(heading) ?? [];
      const changes = lines
        .join("\n")
        .split(/^- /m)
        .slice(1)
        .map((item) => (item.split(/\n\s*\n|\n#/)[0] ?? "").replace(/\s+/g, " ").trim());
      return {
        version: told ?? version,
        date: day === undefined ? epoch : Date.parse(`${day}T12:00:00Z`) / 1000,
        changes,
      };
    });
}

export function wrapped(text: string, width: number, first: string, others: string): string {
  const lines: string[] = [];
  let line = first;
  for (const word of text.split(" ")) {
    if (line.length + word.length > width && line.trim() !== "" && line !== first) {
      lines.push(line.trimEnd());
      line = others;
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()].join("\n");
}

/** As Debian's policy has it, section 4.4. */
export function debianChangelog(name: string, releases: readonly Release[], maintainer: string): string {
  return releases
    .map(({ version, date, changes }) => {
      const items = changes.map((change) => wrapped(change, 79, "  * ", "    ")).join("\n");
      const when = new Date(date * 1000).toUTCString().replace("GMT", "+0000");
      return `${name} (${version}) unstable; urgency=medium\n\n${items}\n\n -- ${maintainer}  ${when}\n`;
    })
    .join("\n");
}

export function rpmChangelog(releases: readonly Release[], maintainer: string): string {
  return releases
    .map(({ version, date, changes }) => {
      const [day, on, month, year] = new Date(date * 1000).toUTCString().replace(",", "").split(" ");
      const items = changes.map((change) => wrapped(change.replaceAll("%", "%%"), 79, "- ", "  "));
      return `* ${day} ${month} ${on} ${year} ${maintainer} - ${version}-1\n${items.join("\n")}\n`;
    })
    .join("\n");
}
