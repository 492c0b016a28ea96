// Completion for bash, zsh and fish, made of the program's own words.
import type { Option } from "commander";
import type { Words } from "./words.ts";

/** `restore volumes` and all others that can be called. */
function all(words: Words): Words[] {
  return words.commands.flatMap((one) => [one, ...all(one)]);
}

const flagsOf = ({ short, long }: Option): string[] => [long, short].filter((one) => one != null) as string[];

/** What may follow: subcommands and flags. */
function following(words: Words, global: readonly Option[]): string[] {
  const flags = [...words.options, ...global].flatMap(flagsOf);
  return [...words.commands.map((one) => last(one.name)), ...new Set(flags)];
}

const last = (name: string): string => name.slice(name.lastIndexOf(" ") + 1);
const takesFile = (option: Option): boolean => /<(file|dir|directory)>/.test(option.flags);
const globalOf = (program: Words): Option[] =>
  program.options.filter(({ long }) => long !== "--version" && long !== "--help");

/** Options that are followed by a value, each once, with the values that there are. */
function valued(program: Words): Map<string, Option> {
  const found = new Map<string, Option>();
  for (const option of [program, ...all(program)].flatMap(({ options }) => options))
    if (option.required && option.long && !found.has(option.long)) found.set(option.long, option);
  return found;
}

/** The deepest command that the words name, then what may follow it. */
export function bash(program: Words): string {
  const options = [...valued(program)];
  const flags = (those: (option: Option) => boolean): string =>
    options.flatMap(([flag, option]) => (those(option) ? [flag] : [])).join(" | ");
  const choices = options.flatMap(([flag, { argChoices = [] }]) =>
    argChoices.length === 0
      ? []
      : [`    ${flag}) COMPREPLY=($(compgen -W '${argChoices.join(" ")}' -- "$cur")); return ;;`],
  );
  const places = all(program).map(
    (one) => `    '${one.name}') words='${following(one, globalOf(program)).join(" ")}' ;;`,
  );
  return `# bash completion for ec2-backup, made of its own definition of commands
_ec2_backup() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev= at= word words index
  COMPREPLY=()
  [ "$COMP_CWORD" -gt 0 ] && prev=\${COMP_WORDS[COMP_CWORD - 1]}
  case $prev in
${choices.join("\n")}
    ${flags(takesFile)})
      compopt -o filenames 2>/dev/null
      COMPREPLY=($(compgen -f -- "$cur"))
      return
      ;;
    ${flags((option) => !takesFile(option) && option.argChoices === undefined)}) return ;;
  esac
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    case " ${all(program)
      .map(({ name }) => name.replaceAll(" ", "/"))
      .join(" ")} " in
      *" \${at:+$at/}$word "*) at=\${at:+$at/}$word ;;
    esac
  done
  case \${at//\\// } in
${places.join("\n")}
    *) words='${following(program, []).join(" ")}' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _ec2_backup ec2-backup
`;
}

/** zsh shows what each word does beside it. */
export function zsh(program: Words): string {
  const global = globalOf(program);
  const quoted = (text: string): string => text.replaceAll("'", "'\\''");
  const described = (words: Words): string[] => [
    ...words.commands.map((one) => `'${last(one.name)}:${quoted(one.description)}'`),
    ...[...words.options, ...(words === program ? [] : global)].map(
      ({ long, description }) => `'${long}:${quoted(description)}'`,
    ),
  ];
  const places = [program, ...all(program)].map((one) => {
    const name = one === program ? "" : one.name;
    return `    '${name}') choices=(${described(one).join(" ")}) ;;`;
  });
  const files = [...valued(program)].filter(([, option]) => takesFile(option)).map(([flag]) => flag);
  const chosen = [...valued(program)].flatMap(([flag, { argChoices = [] }]) =>
    argChoices.length === 0 ? [] : [`    ${flag}) compadd -- ${argChoices.join(" ")}; return ;;`],
  );
  return `#compdef ec2-backup
_ec2_backup() {
  local at= word candidate
  local -a choices known
  known=(${all(program)
    .map(({ name }) => `'${name}'`)
    .join(" ")})
  case \${words[CURRENT-1]} in
    ${files.join("|")}) _files; return ;;
${chosen.join("\n")}
  esac
  for word in \${words[2,CURRENT-1]}; do
    candidate="\${at:+$at }$word"
    (( \${known[(Ie)$candidate]} )) && at=$candidate
  done
  case $at in
${places.join("\n")}
  esac
  _describe 'ec2-backup' choices
}
_ec2_backup "$@"
`;
}

export function fish(program: Words): string {
  const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const option = (place: string, one: Option): string => {
    const files = takesFile(one) ? " -r -F" : one.required ? " -x" : "";
    const values = one.argChoices === undefined ? "" : ` -a ${quoted(one.argChoices.join(" "))}`;
    const short = one.short ? ` -s ${one.short.slice(1)}` : "";
    const long = ` -l ${(one.long ?? "").slice(2)}`;
    return `complete -c ec2-backup${place}${short}${long}${files}${values} -d ${quoted(one.description)}`;
  };
  const place = (words: Words): string => {
    const seen = words.name.split(" ").map((word) => `__fish_seen_subcommand_from ${word}`);
    return ` -n ${quoted(seen.join("; and "))}`;
  };
  const inside = (words: Words, above: string): string[] => [
    ...words.commands.map((one) => {
      const others = words.commands.map(({ name }) => last(name)).join(" ");
      const when =
        above === "" ? "__fish_use_subcommand" : `${above}; and not __fish_seen_subcommand_from ${others}`;
      return `complete -c ec2-backup -n ${quoted(when)} -a ${last(one.name)} -d ${quoted(one.description)}`;
    }),
    ...words.options.map((one) => option(words === program ? "" : place(words), one)),
    ...words.commands.flatMap((one) =>
      inside(
        one,
        one.name
          .split(" ")
          .map((word) => `__fish_seen_subcommand_from ${word}`)
          .join("; and "),
      ),
    ),
  ];
  return `# fish completion for ec2-backup, made of its own definition of commands
complete -c ec2-backup -f
${inside(program, "").join("\n")}
`;
}
