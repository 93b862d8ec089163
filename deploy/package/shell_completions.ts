/**
 * Completions for bash and zsh, made from what the program says of itself. Pure.
 *
 * @module
 */

import { commonOptions } from "../../src/cli/arguments.ts";
import type { CommandDescription, OptionDescription } from "../../src/cli/command.ts";

/** What can stand for a value. */
type ValueKind = "directory" | "file" | "key" | "choice" | "other";

function kindOf({ value, choices }: OptionDescription): ValueKind {
  if (choices !== undefined) return "choice";
  return value === undefined ? "other" : kindOfName(value);
}

function kindOfName(name: string): ValueKind {
  if (name === "DIR" || name === "DIRECTORY") return "directory";
  if (["FILE", "PATH", "TRANSCRIPT", "TARGET"].includes(name)) return "file";
  return ["KEY", "FROM"].includes(name) ? "key" : "other";
}

/** The store's keys, without a store no keys; one that JSON has to escape is left out. */
const keysOfStore = 'holdfast ls --json --limit 200 $dir 2>/dev/null | sed -n \'s/^{"key":"\\([^"\\\\]*\\)".*/\\1/p\'';

/**
 * Writes the completions for bash.
 *
 * @param descriptions Every command; hidden ones are left out.
 * @returns The file.
 */
export function bashCompletions(descriptions: readonly CommandDescription[]): string {
  const shown = descriptions.filter(({ hidden }) => hidden !== true);
  const names = shown.map(({ name }) => name).join(" ");
  const valued = new Map<string, OptionDescription>();
  for (const { name: command, options } of shown) {
    for (const option of options) if (option.value !== undefined) valued.set(`${command}/--${option.name}`, option);
  }
  for (const option of commonOptions) if (option.value !== undefined) valued.set(`*/--${option.name}`, option);
  const optionWords = shown.map(({ name, options }) => {
    return `    ${name}) words='${[...options, ...commonOptions].map((option) => `--${option.name}`).join(" ")}' ;;`;
  });
  const first = shown.map(({ name, positionals }) => {
    return `    ${name}) kind='${kindOfName(positionals[0]?.name ?? "")}' ;;`;
  });
  return `# bash completion for holdfast, made from its own help
_holdfast() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous= command= dir= word kind=other words=
  local -i index
  COMPREPLY=()
  (( COMP_CWORD > 0 )) && previous=\${COMP_WORDS[COMP_CWORD - 1]}
  for (( index = 1; index < COMP_CWORD; index++ )); do
    word=\${COMP_WORDS[index]}
    [[ -z $command && $word != -* ]] && command=$word
    [[ \${COMP_WORDS[index - 1]} == --dir ]] && dir="--dir $word"
  done
  if [[ -z $command ]]; then
    COMPREPLY=($(compgen -W '${names} --help --version' -- "$current"))
    return
  fi
  case $command/$previous in
${[...valued].map(([pattern, option]) => `    ${pattern}) kind=${bashValue(option)} ;;`).join("\n")}
    *) kind= ;;
  esac
  if [[ -z $kind && $current == -* ]]; then
    case $command in
${optionWords.map((line) => `  ${line}`).join("\n")}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    return
  fi
  if [[ -z $kind ]]; then
    case $command in
${first.map((line) => `  ${line}`).join("\n")}
    esac
  fi
  case $kind in
    directory) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$current")) ;;
    file) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$current")) ;;
    key) COMPREPLY=($(compgen -W "$(${keysOfStore})" -- "$current")) ;;
    choice:*) COMPREPLY=($(compgen -W "\${kind#choice:}" -- "$current")) ;;
  esac
  # What bash takes for the end of a word is not to be repeated.
  if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions "$current"; fi
}
complete -F _holdfast holdfast
`;
}

function bashValue(option: OptionDescription): string {
  const kind = kindOf(option);
  return kind === "choice" ? `'choice:${(option.choices ?? []).join(" ")}'` : kind;
}

/**
 * Writes the completions for zsh.
 *
 * @param descriptions Every command; hidden ones are left out.
 * @returns The file.
 */
export function zshCompletions(descriptions: readonly CommandDescription[]): string {
  const shown = descriptions.filter(({ hidden }) => hidden !== true);
  const commands = shown.map(({ name, summary }) => `    ${quoted(`${name}:${summary.replaceAll(":", "\\:")}`)}`);
  const cases = shown.map(({ name, options, positionals }) => {
    const specs = [...options, ...commonOptions].map(zshOption);
    positionals.forEach(({ name: what, multiple }, index) => {
      specs.push(quoted(`${multiple === true ? "*" : index + 1}:${what}:${zshAction(kindOfName(what), [])}`));
    });
    return `    ${name}) _arguments ${specs.join(" \\\n      ")} ;;`;
  });
  return `#compdef holdfast
# zsh completion for holdfast, made from its own help

_holdfast_keys() {
  local dir= keys
  [[ -n \${opt_args[--dir]} ]] && dir="--dir \${opt_args[--dir]}"
  keys=(\${(f)"$(${keysOfStore.replace("$dir", "${=dir}")})"})
  compadd -a keys
}

_holdfast() {
  local state line
  local -A opt_args
  local -a commands
  commands=(
${commands.join("\n")}
  )
  _arguments -C '1: :->command' '*:: :->rest'
  if [[ $state == command ]]; then
    _describe command commands
    return
  fi
  case $words[1] in
${cases.join("\n")}
  esac
}

_holdfast "$@"
`;
}

function zshOption(option: OptionDescription): string {
  const text = option.description.replaceAll(/[[\]:]/g, "\\$&");
  const names = option.short === undefined ? "" : `{-${option.short},--${option.name}}`;
  const value = option.value === undefined ? "" : `:${option.value}:${zshAction(kindOf(option), option.choices ?? [])}`;
  return names === "" ? quoted(`--${option.name}[${text}]${value}`) : `${names}${quoted(`[${text}]${value}`)}`;
}

function zshAction(kind: ValueKind, choices: readonly string[]): string {
  if (kind === "directory") return "_files -/";
  if (kind === "file") return "_files";
  if (kind === "key") return "_holdfast_keys";
  return kind === "choice" ? `(${choices.join(" ")})` : " ";
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
