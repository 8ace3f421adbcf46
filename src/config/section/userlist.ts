/** The `userlist` section (12.2): who may pass `http_auth`, and in which groups. */
import { ConfigError } from '../../base/config-error.ts';
import type { Origin, UserConfig, UserlistConfig } from '../../model/config.ts';
import { CryptError, openCrypt } from '../../sys/crypt.ts';
import type { Diagnostics } from '../diagnostics.ts';
import type { UserlistDraft } from './draft.ts';
import type { KeywordLine, KeywordRow } from './keyword.ts';
import type { ParserState } from './state.ts';
import { badNameCharacter, refuseExtra, tightError } from './words.ts';

/** Opens a section; one that is refused or stands twice goes nowhere. */
export function openUserlist(
  words: readonly string[],
  origin: Origin,
  state: ParserState,
): UserlistDraft {
  const name = words[1] ?? '';
  const draft: UserlistDraft = { config: { ...origin, name, users: [] }, groups: [] };
  try {
    if (name === '') throw tightError("'userlist' expects <name> as arguments.");
    refuseExtra(words, 1);
    const bad = badNameCharacter(name);
    if (bad !== null) {
      throw tightError(`character '${bad}' is not permitted in 'userlist' name '${name}'.`);
    }
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    state.diagnostics.error(origin, problem.message);
    return draft;
  }
  if (state.userlists.some(({ config }) => config.name === name)) {
    state.diagnostics.warning(origin, `: ignoring duplicated userlist '${name}'.`);
  } else {
    state.userlists.push(draft);
  }
  return draft;
}

function nameOf(line: KeywordLine): string {
  const [keyword, name = ''] = line.words;
  if (name === '') throw tightError(`'${keyword}' expects <name> as arguments.`);
  return name;
}

function warnTwice(what: string, name: string, list: UserlistDraft, line: KeywordLine): void {
  line.state.diagnostics.warning(
    line.origin,
    `: ignoring duplicated ${what} '${name}' in userlist '${list.config.name}'.`,
  );
}

function parseGroup(list: UserlistDraft, line: KeywordLine): void {
  const name = nameOf(line);
  if (list.groups.some((group) => group.name === name)) {
    return warnTwice('group', name, list, line);
  }
  const [, , option, users = ''] = line.words;
  if ((option !== undefined && option !== 'users') || line.words.length > 4) {
    throw tightError("'group' only supports 'users' option.");
  }
  list.groups.push({ name, users: namesOf(users) });
}

function namesOf(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}

function parseUser(list: UserlistDraft, line: KeywordLine): void {
  const name = nameOf(line);
  if (list.config.users.some((user) => user.name === name)) {
    return warnTwice('user', name, list, line);
  }
  const user: UserConfig = { name, password: null, insecure: false, groups: [] };
  for (let at = 2; at < line.words.length; at += 2) {
    const word = line.words[at]!;
    const value = line.words[at + 1] ?? '';
    if (word === 'password' || word === 'insecure-password') {
      user.password = value;
      user.insecure = word === 'insecure-password';
    } else if (word === 'groups') {
      user.groups = namesOf(value);
    } else {
      throw tightError(
        "'user' only supports 'password', 'insecure-password' and 'groups' options.",
      );
    }
  }
  if (user.password !== null && !user.insecure) needCrypt();
  list.config.users.push(user);
}

/** The library is loaded now: later the process may be inside a chroot that has none. */
function needCrypt(): void {
  try {
    openCrypt();
  } catch (problem) {
    if (!(problem instanceof CryptError)) throw problem;
    throw new ConfigError(`'user' : ${problem.message}`);
  }
}

/** Puts users into the groups that name them. Unknown names are errors. */
export function finishUserlist(list: UserlistDraft, diagnostics: Diagnostics): UserlistConfig {
  const { config, groups } = list;
  for (const user of config.users) {
    for (const group of user.groups) {
      if (groups.some(({ name }) => name === group)) continue;
      const text = `no such group '${group}' specified in user '${user.name}'`;
      diagnostics.error(null, `userlist '${config.name}': ${text}`);
    }
  }
  for (const group of groups) {
    for (const name of group.users) {
      const user = config.users.find((candidate) => candidate.name === name);
      if (user === undefined) {
        const text = `no such user '${name}' specified in group '${group.name}'`;
        diagnostics.error(null, `userlist '${config.name}': ${text}`);
      } else if (!user.groups.includes(group.name)) {
        user.groups.push(group.name);
      }
    }
  }
  return config;
}

/** Userlists and groups that expressions name must exist, wherever they stand. */
export function checkUserlists(state: ParserState): void {
  for (const { origin, proxy, name, groups } of state.userlistUses) {
    const list = state.userlists.find(({ config }) => config.name === name);
    if (list === undefined && groups.length === 0) {
      const text = name === '' ? 'missing userlist name' : `unable to find userlist '${name}'`;
      state.diagnostics.error(origin, `: ${text} referenced in arg 1 in proxy '${proxy}'.`);
    }
    for (const group of groups) {
      if (list === undefined || list.groups.some((known) => known.name === group)) continue;
      const text = `proxy ${proxy}: acl  http_auth_group(): invalid group '${group}'.`;
      state.diagnostics.error(null, text);
    }
  }
}

export const userlistKeywords = [
  {
    name: 'group',
    args: '<groupname> [ users <user>,<user>,(...) ]',
    doc: 'A group, and users that belong to it.',
    parse: parseGroup,
  },
  {
    name: 'user',
    args: '<username> [ password | insecure-password <password> ] [ groups <group>,<group>,(...) ]',
    doc: 'A user with a password, encrypted by crypt(3) or plain.',
    parse: parseUser,
  },
] as const satisfies readonly KeywordRow<UserlistDraft>[] as readonly KeywordRow<UserlistDraft>[];
