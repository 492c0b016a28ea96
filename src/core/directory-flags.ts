import { BackupError } from "./errors.ts";

/** What `EC2_BACKUP_FLAGS_AWS` and `AWS_BACKUP_INSTANCE_TYPE` say of the instance that is started. */
export interface InstanceFlags {
  readonly type?: string;
  readonly subnet?: string;
  readonly image?: string;
}

/** What `EC2_BACKUP_FLAGS_SSH` says. */
export interface SshFlags {
  /** Files of `-i`. */
  readonly identities: readonly string[];
  readonly user?: string;
  readonly port?: number;
  /** All else, as ssh is given it. */
  readonly words: readonly string[];
}

const aws = "EC2_BACKUP_FLAGS_AWS";
const ssh = "EC2_BACKUP_FLAGS_SSH";
const typeVariable = "AWS_BACKUP_INSTANCE_TYPE";

/** Why a flag of `aws ec2 run-instances` has no place here. */
const refusedOfAws: Readonly<Record<string, string>> = {
  "--key-name": "each copy has a key pair of its own; name your key in EC2_BACKUP_FLAGS_SSH: -i FILE",
  "--security-groups": "each copy has a security group of its own, open to your address only",
  "--security-group-ids": "each copy has a security group of its own, open to your address only",
  "--count": "one instance is started",
  "--region": "set AWS_REGION, or use --region of `ec2-backup directory`",
  "--profile": "set AWS_PROFILE",
  "--placement":
    "the instance goes where the volume is; a new volume goes to --zone of `ec2-backup directory`",
  "--user-data": "the instance has user data of its own, by which it ends if nobody ends it",
  "--block-device-mappings": "the volume is attached when the instance runs",
  "--kms-key-id":
    "a new volume is encrypted as the account says; for another key make it yourself and name it by -v",
  "--encrypted": "a new volume is encrypted as the account says; for more make it yourself and name it by -v",
  "--dry-run": "use --dry-run of `ec2-backup directory`",
};

/** Reads the flags strictly: what is not understood is refused with the reason. */
export function instanceFlags(env: Readonly<Record<string, string | undefined>>): InstanceFlags {
  const words = splitWords(env[aws] ?? "", aws);
  const found: { type?: string; subnet?: string; image?: string } = {};
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    const [name = "", ...rest] = word.split("=");
    const value = (): string => {
      const given = word.includes("=") ? rest.join("=") : words[++at];
      if (given === undefined || given === "" || given.startsWith("--"))
        throw refused(aws, word, "it has no value");
      return given;
    };
    const set = (key: "type" | "subnet" | "image", pattern: RegExp, like: string): void => {
      const given = value();
      if (!pattern.test(given)) throw refused(aws, `${name} ${given}`, `expected something like ${like}`);
      if (found[key] !== undefined && found[key] !== given)
        throw refused(aws, word, `it is there twice, with ${found[key]} too`);
      found[key] = given;
    };
    if (name === "--instance-type") set("type", instanceType, "t3.small");
    else if (name === "--subnet-id") set("subnet", /^subnet-[0-9a-f]+$/, "subnet-0123456789abcdef0");
    else if (name === "--image-id") set("image", /^ami-[0-9a-f]+$/, "ami-0123456789abcdef0");
    else
      throw refused(
        aws,
        word,
        refusedOfAws[name] ?? "it is not known here: --instance-type, --subnet-id and --image-id are",
      );
  }
  const type = env[typeVariable];
  if (type === undefined || type === "") return found;
  if (!instanceType.test(type))
    throw refused(typeVariable, type, "expected an instance type, such as t3.small");
  if (found.type !== undefined && found.type !== type)
    throw refused(typeVariable, type, `${aws} says ${found.type}; say one of them`);
  return { ...found, type };
}

const instanceType = /^[a-z][a-z0-9-]*\.[a-z0-9-]+$/;

/** Options that say whom to trust or what else to do. Those decide safety, and are ours. */
const refusedOfSsh: Readonly<Record<string, string>> = {
  stricthostkeychecking: "the key of the instance is learned from its console, and no other is believed",
  userknownhostsfile: "the key of the instance is learned from its console, and no other is believed",
  globalknownhostsfile: "the key of the instance is learned from its console, and no other is believed",
  knownhostscommand: "the key of the instance is learned from its console, and no other is believed",
  verifyhostkeydns: "the key of the instance is learned from its console, and no other is believed",
  hostkeyalias: "the key of the instance is learned from its console, and no other is believed",
  nohostauthenticationforlocalhost:
    "the key of the instance is learned from its console, and no other is believed",
  checkhostip: "the key of the instance is learned from its console, and no other is believed",
  updatehostkeys: "the key of the instance is learned from its console, and no other is believed",
  hostname: "the address is that of the instance",
  batchmode: "nobody is asked",
  localcommand: "it would run a program of its own",
  permitlocalcommand: "it would run a program of its own",
  remotecommand: "the command is ours",
  requesttty: "data goes through it",
  sessiontype: "data goes through it",
  stdinnull: "data goes through it",
  forkafterauthentication: "it would go on by itself",
  controlmaster: "it would go on by itself",
  controlpersist: "it would go on by itself",
  controlpath: "it would go by another connection",
  host: "it would say of whom the other options are",
  match: "it would say of whom the other options are",
  include: "it would bring in options that nobody has looked at",
};

/** Reads the flags strictly. `home` is what `~/` stands for. */
export function sshFlags(env: Readonly<Record<string, string | undefined>>, home: string): SshFlags {
  const given = splitWords(env[ssh] ?? "", ssh);
  const identities: string[] = [];
  const words: string[] = [];
  const found: { user?: string; port?: number } = {};
  for (let at = 0; at < given.length; at++) {
    const word = given[at] ?? "";
    const letter = /^-([A-Za-z0-9])/.exec(word)?.[1] ?? "";
    if (["4", "6", "C", "v", "q"].includes(letter) && word.length === 2) {
      words.push(word);
      continue;
    }
    if (letter === "" || !"ilpoJbcm".includes(letter))
      throw refused(
        ssh,
        word,
        "it is not known here: -i, -l, -p, -o, -J, -b, -c, -m, -4, -6, -C, -q and -v are",
      );
    const value = word.length > 2 ? word.slice(2) : given[++at];
    if (value === undefined || value === "") throw refused(ssh, word, "it has no value");
    if (letter === "i") identities.push(homely(value, home));
    else if (letter === "l") found.user = userOf(value);
    else if (letter === "p") found.port = portOf(value);
    else if (letter === "o") readOption(value, home, { identities, words, found });
    else words.push(`-${letter}`, value);
  }
  return { identities, words, ...found };
}

function readOption(
  option: string,
  home: string,
  into: { identities: string[]; words: string[]; found: { user?: string; port?: number } },
): void {
  const [, name = "", value = ""] = /^\s*([A-Za-z]+)\s*[=\s]\s*(.*?)\s*$/.exec(option) ?? [];
  if (name === "" || value === "") throw refused(ssh, `-o ${option}`, "expected NAME=VALUE");
  const reason = refusedOfSsh[name.toLowerCase()];
  if (reason !== undefined) throw refused(ssh, `-o ${option}`, reason);
  if (name.toLowerCase() === "identityfile") into.identities.push(homely(value, home));
  else if (name.toLowerCase() === "user") into.found.user = userOf(value);
  else if (name.toLowerCase() === "port") into.found.port = portOf(value);
  else into.words.push("-o", `${name}=${value}`);
}

function userOf(value: string): string {
  if (!/^[a-z_][a-z0-9_.-]*$/i.test(value)) throw refused(ssh, `-l ${value}`, "expected the name of a user");
  return value;
}

function portOf(value: string): number {
  const port = Number(value);
  if (!/^\d+$/.test(value) || port < 1 || port > 65_535) throw refused(ssh, `-p ${value}`, "expected a port");
  return port;
}

function homely(file: string, home: string): string {
  return file.startsWith("~/") ? `${home}/${file.slice(2)}` : file;
}

/** Words as a shell would split them, by blanks and quotes; nothing is expanded. */
export function splitWords(text: string, variable: string): readonly string[] {
  const words: string[] = [];
  const word = /(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+/gs;
  const rest = text.replace(word, (found) => {
    words.push(
      found.replace(/\\(.)|'([^']*)'|"((?:[^"\\]|\\.)*)"/gs, (_, escaped, single, double) =>
        String(escaped ?? single ?? (double as string).replace(/\\(["\\$`])/g, "$1")),
      ),
    );
    return "";
  });
  if (rest.trim() !== "") throw refused(variable, text, "a quote has no end");
  return words;
}

function refused(variable: string, what: string, found: string): BackupError {
  return new BackupError({ kind: "usage", doing: `use ${variable}`, found: `${what} is refused: ${found}` });
}
