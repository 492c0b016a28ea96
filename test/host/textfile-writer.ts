// Writes one job's line into the textfile so many times: `node textfile-writer.ts DIRECTORY LOCKS JOB TIMES`.
import { fileLocks } from "../../src/host/lock.ts";
import { rewriteTextfile } from "../../src/host/textfile.ts";

const [directory = "", locks = "", job = "", times = ""] = process.argv.slice(2);
for (let time = 1; time <= Number(times); time += 1)
  await rewriteTextfile(directory, fileLocks(locks), (there) => {
    const others = there.split("\n").filter((line) => line !== "" && !line.startsWith(`${job} `));
    return [...others, `${job} ${time}`, ""].join("\n");
  });
