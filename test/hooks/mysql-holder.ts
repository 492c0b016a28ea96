// Holds MariaDB by the hook until it is killed: what becomes of the lock then is the server's matter.
import { mysqlHook } from "../../src/hooks/mysql.ts";
import { facts, never } from "./facts.ts";

const [socket = "", deadline = ""] = process.argv.slice(2);
const config = {
  kind: "mysql",
  name: "mysql",
  socket,
  lockWait: 2000,
  deadline: Number(deadline),
  lock: "auto",
  onFailure: "abort",
} as const;
const hook = mysqlHook(config, { env: {}, home: "/nonexistent", uid: 0 });
const prepared = await hook.prepare(facts, never);
await prepared.hold(never);
process.stdout.write("held\n");
setInterval(() => undefined, 1000);
