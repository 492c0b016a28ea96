import { expect, test } from "vitest";
import { folder, need } from "../host/places.ts";
import { FilesPage } from "./files-page.ts";
import { commandsOf, missingLines } from "./readme-page.ts";
import { needRestic, systemRestic } from "./stores/restics.ts";
import { sshdCan, sshdNeed } from "./stores/sshd.ts";

const section = "Files, dumps and repositories";

test(`each command of '${section}' works and prints what the page says`, {
  timeout: 300_000,
}, async (context) => {
  const program = needRestic(context, systemRestic);
  need(context, sshdCan, sshdNeed);
  const page = await commandsOf(section);
  expect(page.length).toBeGreaterThan(10);
  await using stage = await FilesPage.start(await folder(), section, program);
  let chapter = "";
  for (const shown of page) {
    if (shown.chapter !== chapter) await stage.enter(shown.chapter);
    chapter = shown.chapter;
    const { code, stdout, stderr } = await stage.type(shown.command);
    const where = `${chapter}: ${shown.command}\n${stdout}${stderr}`;
    expect(code, where).toBe(0);
    expect(missingLines(shown.lines, stdout), where).toEqual([]);
  }
});
