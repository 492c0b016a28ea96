import { writeFileSync } from "node:fs";
import { resticEngine } from "../../src/engines/restic.ts";
import { engineContract } from "../contracts/engine.ts";
import { instance, job } from "../contracts/engine-order.ts";
import { folder } from "../host/places.ts";
import { restics } from "../system/stores/restics.ts";
import { never, Stage } from "./restic-stage.ts";

for (const { name, version, program } of restics())
  if (program !== undefined)
    engineContract(`files by ${name} restic, ${version}`, async () => {
      const place = new Stage(await folder(), program);
      const store = await place.made("store");
      const password = (text: string) => async () => writeFileSync(place.at("password"), text);
      return {
        engine: resticEngine(store, { version: "1.2.3", host: "here", signal: never }),
        service: {
          made: () => store.snapshots([], never),
          later: () => Promise.resolve(),
          refuse: password("another password\n"),
          relent: password("a good password\n"),
        },
        job: {
          ...job(),
          stored: { files: { repository: "store", paths: [place.tree("tree")] }, dumps: [], volumes: false },
        },
        series: `${instance.arn}/default/files`,
        members: ["files"],
        marks: false,
        born: "crash",
      };
    });
