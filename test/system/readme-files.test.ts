import { expect, test } from "vitest";
import { folder, need } from "../host/places.ts";
import { FilesPage } from "./files-page.ts";
import { commandsOf, typePage } from "./readme-page.ts";
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
  await typePage(page, stage);
});
