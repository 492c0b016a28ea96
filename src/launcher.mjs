#!/usr/bin/env node
// Starts the agent. Compiling is a good part of a short run, so the code that V8 compiled in an earlier run is
// kept and used again. Node's own compile cache keeps what was compiled before a module is executed, and so
// most functions would be compiled anew each time. Who sets Node's variables for it gets what they say.

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 12)) {
  console.error(
    `ec2-backup: this is Node.js ${process.version}, and 22.12 or newer is needed (https://nodejs.org)`,
  );
  process.exit(78);
}

// Importing these would read all that they export, of which some loads more (some 8 ms).
const builtin = (name) => process.getBuiltinModule(name);
const [fs, module, path] = ["fs", "module", "path"].map(builtin);

const { argv, env } = process;
const uid = process.getuid?.();
const require = module.createRequire(import.meta.url);
const agent = path.join(import.meta.dirname, "agent");
const hour = 3_600_000;
const help = ["--help", "-h", "help"];
/** With these, a run does less than others. */
const idle = ["--dry-run", ...help];
/** It starts once and holds for weeks what it has loaded, of which the means to start quickly would be a part. */
const waits = argv.includes("daemon") && !argv.includes("run");

/** What all load of Node that ask AWS. */
const ofAll = ["child_process", "crypto", "fs/promises", "http", "https", "net", "os", "tls", "v8", "vm"];
/** Of these, most are over too soon to load all that, and a sweep goes on for so long that it gains. */
const others = [...help, "--version", "sweep"];
/** By how much later than V8 would. Large runs still get there. */
const later = [
  "invocation-count-for-maglev=20000",
  "invocation-count-for-maglev-osr=5000",
  "invocation-count-for-turbofan=60000",
  "invocation-count-for-osr=10000",
];

/**
 * Most commands are over before they gain by what V8's optimizing compilers make beside them: a run takes a seventh less
 * CPU time without, and 10 MiB less. Node's own modules come first, since V8 takes the code that Node brings for them
 * only under the flags that it was made with. Versions that we have not seen may not know these, and would say so.
 */
function optimizeLater() {
  for (const name of ofAll) builtin(name);
  for (const flag of later) builtin("v8").setFlagsFromString(`--${flag}`);
}

/** What stands before the code: three checksums, filled up, as V8 wants its code aligned. */
const headSize = 64;
const checksum = (of) => builtin("crypto").hash("sha1", of, "buffer");
/** V8's tag stands for its version, its flags and the processor. */
const compilerSum = () =>
  checksum(`${process.version} ${process.arch} ${builtin("v8").cachedDataVersionTag()}`);

/** Throws unless only we and root can change what a path leads to: compiled code is as good as code. */
function mustBeOurs(place, mayBeLink) {
  for (let at = place; ; at = path.dirname(at)) {
    const { uid: owner, mode } = fs.lstatSync(at);
    const kind = mode & fs.constants.S_IFMT;
    // In a directory like /tmp everybody can write, but not to what is ours.
    const closed = (mode & 0o022) === 0 || ((mode & 0o1000) !== 0 && owner === 0);
    const fits = kind === fs.constants.S_IFDIR ? closed : mayBeLink && kind === fs.constants.S_IFLNK;
    if (!fits || (owner !== uid && owner !== 0)) throw new Error(`${at} is not ours alone`);
    if (at === path.dirname(at)) return;
  }
}

/** The folders of our code, outermost first, in a directory for caches that is there: its parents are never made. */
function foldersOfCode() {
  const usual = uid === 0 ? "/var/cache" : env.XDG_CACHE_HOME || path.join(builtin("os").homedir(), ".cache");
  const caches = env.CACHE_DIRECTORY || usual;
  if (!path.isAbsolute(caches)) throw new Error(`${caches} depends on where we are`);
  // A service manager may have put a link where its users look.
  mustBeOurs(path.resolve(caches), true);
  const place = fs.realpathSync(caches);
  // A unit of systemd may have been given the very directory that who runs by hand would make.
  const ours = path.basename(place) === "ec2-backup" ? place : path.join(place, "ec2-backup");
  return [ours, path.join(ours, "compiled")];
}

/** The code that is kept of this very source, if nobody else could have written it. */
function read(file, compiler, source) {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  let open;
  try {
    open = fs.openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const found = fs.fstatSync(open);
    if (!found.isFile() || found.uid !== uid || (found.mode & 0o022) !== 0) return undefined;
    const bytes = fs.readFileSync(open);
    const code = bytes.subarray(headSize);
    return headOf(compiler, source, code).equals(bytes.subarray(0, headSize)) ? code : undefined;
  } catch {
    return undefined;
  } finally {
    if (open !== undefined) fs.closeSync(open);
  }
}

function headOf(compiler, source, code) {
  return Buffer.concat([compiler, source, checksum(code)], headSize);
}

/** Moved to its place when whole. What a crash of the machine leaves of it fails its checksum. */
function write(file, compiler, source, code) {
  const fresh = `${file}.${process.pid}`;
  const open = fs.openSync(fresh, "wx", 0o600);
  try {
    fs.writeFileSync(open, Buffer.concat([headOf(compiler, source, code), code]));
    fs.renameSync(fresh, file);
  } catch (error) {
    fs.rmSync(fresh, { force: true });
    throw error;
  } finally {
    fs.closeSync(open);
  }
}

function keep(folders, compiler, loaded) {
  for (const folder of folders) {
    try {
      fs.mkdirSync(folder, 0o700);
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    mustBeOurs(folder, false);
  }
  const folder = folders.at(-1);
  const chunks = fs.readdirSync(agent);
  for (const name of fs.readdirSync(folder)) {
    // Of another version, or cut off while it was written. What is new may be another run's.
    const file = path.join(folder, name);
    if (!chunks.includes(name) && fs.lstatSync(file).mtimeMs < Date.now() - hour) fs.rmSync(file);
  }
  for (const { name, source, script } of loaded) {
    write(path.join(folder, name), compiler, source, script.createCachedData());
  }
}

function loadWithKeptCode() {
  const vm = builtin("vm");
  const folders = foldersOfCode();
  const compiler = compilerSum();
  const folder = folders.at(-1);
  let usable = false;
  try {
    mustBeOurs(folder, false);
    usable = true;
  } catch {
    // Not made yet, or not to be used; the rest is for keep() to find out.
  }
  const usual = require.extensions[".js"];
  const [before] = module.wrapper;
  const loaded = [];
  let complete = true;
  require.extensions[".cjs"] = (chunk, filename) => {
    if (path.dirname(filename) !== agent) return usual(chunk, filename);
    const text = module.wrap(fs.readFileSync(filename, "utf8"));
    const source = checksum(text);
    const name = path.basename(filename);
    const cachedData = usable ? read(path.join(folder, name), compiler, source) : undefined;
    const script = new vm.Script(text, {
      filename,
      columnOffset: -before.length,
      cachedData,
      // Drivers of databases load parts of theirs in that way.
      importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    if (cachedData === undefined || script.cachedDataRejected) complete = false;
    loaded.push({ name, source, script });
    const load = (id) => chunk.require(id);
    script.runInThisContext().call(chunk.exports, chunk.exports, load, chunk, filename, agent);
  };
  process.once("exit", (status) => {
    // Only a run that went well has called what runs call; it writes all, as an earlier one may have called less.
    if (complete || status !== 0 || !argv.includes("run") || argv.some((word) => idle.includes(word))) return;
    try {
      keep(folders, compiler, loaded);
    } catch {
      // The next run is slower, no more.
    }
  });
}

if (!waits && major <= 24 && argv.length > 2 && !argv.some((word) => others.includes(word))) optimizeLater();
if (
  !waits &&
  uid !== undefined &&
  env.NODE_COMPILE_CACHE === undefined &&
  env.NODE_DISABLE_COMPILE_CACHE === undefined
) {
  try {
    loadWithKeptCode();
  } catch {
    // There is no place for it that we can trust.
  }
}
require("./agent/main.cjs");
