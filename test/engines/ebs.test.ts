import { ebsEngine } from "../../src/engines/ebs.ts";
import { engineContract } from "../contracts/engine.ts";
import { connectionTo, serviceOf, windowsWorld } from "../contracts/engine-order.ts";

engineContract("EBS alone", async () => {
  const simulation = await windowsWorld();
  return { engine: ebsEngine(connectionTo(simulation), "1.2.3"), ...serviceOf(simulation), born: "crash" };
});
