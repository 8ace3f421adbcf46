import { describe, expect, test } from 'bun:test';
import { knownCommands } from '../base/known-keywords.ts';
import { Level } from './command.ts';
import { createRuntime, type TestRuntime } from './fixture.ts';
import { commands } from './registry.ts';
import { CliSession } from './session.ts';

const text = `
global
  stats socket /tmp/unused
defaults
  mode http
  timeout client 1s
  timeout server 1s
  timeout connect 1s
frontend f
  bind 127.0.0.1:18080
  default_backend b
backend b
  server s1 127.0.0.1:18081 check
  server s2 127.0.0.1:18082 disabled
`;

function open(level = Level.Admin, runtime: TestRuntime = createRuntime(text)) {
  return new CliSession(runtime.source, level, 10_000, 1024);
}

describe('a connection to the stats socket (management.txt 9.3)', () => {
  test('is closed after the answer to one line', () => {
    const session = open();
    const answer = session.receive('show version\n');
    expect(answer).toMatch(/^3\.4\.0-sluice[0-9.]+\n\n$/);
    expect(session.closing).toBe(true);
    expect(session.receive('show version\n')).toBe('');
  });

  test('waits for the end of the line', () => {
    const session = open();
    expect(session.receive('show ver')).toBe('');
    expect(session.closing).toBe(false);
    expect(session.receive('sion\n')).not.toBe('');
  });

  test('ends every answer of a line with an empty line', () => {
    const answer = open().receive('show version;show cli level\n');
    expect(answer.split('\n\n').length).toBe(3);
    expect(answer).toEndWith('\nadmin\n\n');
  });

  test('answers a command that fails inside, and goes on', () => {
    const runtime = createRuntime(text);
    runtime.source.env.entries = () => {
      throw new Error('no such page');
    };
    const answer = open(Level.Admin, runtime).receive('show env;show cli level\n');
    expect(answer).toBe('Internal error: no such page\n\nadmin\n\n');
  });

  test('stays open with a prompt after "prompt"', () => {
    const session = open();
    expect(session.receive('prompt\n')).toBe('\n> ');
    expect(session.closing).toBe(false);
    expect(session.receive('show cli level\n')).toBe('admin\n\n> ');
  });

  test('runs the rest of the line that holds "prompt"', () => {
    expect(open().receive('prompt;show cli level\n')).toBe('\n> admin\n\n> ');
  });

  test('is closed by a second "prompt", which goes back to one line', () => {
    const session = open();
    session.receive('prompt\n');
    expect(session.receive('prompt\n')).toBe('\n');
    expect(session.closing).toBe(true);
  });

  test('stays open without a prompt after "prompt i"', () => {
    const session = open();
    expect(session.receive('prompt i\n')).toBe('\n');
    expect(session.receive('show cli level\n')).toBe('admin\n\n');
    expect(session.closing).toBe(false);
    session.receive('prompt n\n');
    expect(session.closing).toBe(true);
  });

  test('shows the uptime in the prompt after "prompt timed"', () => {
    const runtime = createRuntime(text);
    runtime.at(((3 * 24 + 4) * 3600 + 5 * 60 + 6) * 1000);
    expect(open(Level.Admin, runtime).receive('prompt timed\n')).toBe('\n[3:04:05:06]> ');
  });

  test('is closed at once by "quit", without an answer', () => {
    const session = open();
    session.receive('prompt\n');
    expect(session.receive('quit;show version\n')).toBe('');
    expect(session.closing).toBe(true);
  });

  test('answers an unknown word with all commands', () => {
    const answer = open().receive('xyzzy\n');
    expect(answer).toStartWith(
      "Unknown command: 'xyzzy'. Please enter one of the following commands only:\n",
    );
    const listed = commands.filter((command) => command.isExperimental !== true);
    for (const command of listed) expect(answer).toContain(`  ${command.usage}`);
    expect(answer).toContain(': disconnect\n\n');
  });

  test('has commands in experimental mode that it neither lists nor runs otherwise', () => {
    const line = 'set var proc.a int(1)';
    const restricted = 'This command is restricted to experimental mode only.\n\n';
    expect(open().receive(`${line}\n`)).toBe(restricted);
    expect(open().receive('help set\n')).not.toContain('set var');
    const answer = open().receive(
      `experimental-mode on; help set v; experimental-mode off; ${line}\n`,
    );
    expect(answer).toContain('  set var <name> ');
    expect(answer).toEndWith(restricted);
  });

  test('answers an unfinished command with those that it may begin', () => {
    const answer = open().receive('show in\n');
    expect(answer).toStartWith("Unknown command: 'show in', but maybe one of the following ones");
    expect(answer).toContain(
      '  show info [desc|json|typed|float]*      : report information about the running process\n',
    );
    expect(answer).not.toContain('show stat');
  });

  test('answers an empty command with an empty line', () => {
    expect(open().receive('\n')).toBe('\n');
    const session = open();
    session.receive('prompt\n');
    expect(session.receive(' \n')).toBe('\n> ');
    expect(session.receive(';show cli level\n')).toBe('\n> admin\n\n> ');
  });

  test('refuses by name what HAProxy has and sluice has not', () => {
    expect(open().receive('show errors\n')).toBe(
      "'show errors' is not supported yet by sluice.\n\n",
    );
    expect(open().receive('set server b/s1 fqdn x\n')).toContain('is not supported yet');
  });

  test('counts requests for show info', () => {
    const runtime = createRuntime(text);
    open(Level.Admin, runtime).receive('show version;show version\n');
    expect(runtime.source.info.cli.requests).toBe(2);
  });

  test('is closed when a line is longer than tune.bufsize', () => {
    const session = open();
    expect(session.receive('x'.repeat(1025))).toContain('longer than tune.bufsize');
    expect(session.closing).toBe(true);
  });
});

describe('levels (5.1 level)', () => {
  test('keep a user from an operator command', () => {
    expect(open(Level.User).receive('show env\n')).toBe('Permission denied\n\n');
    expect(open(Level.Operator).receive('show env HOME\n')).toBe('HOME=/root\n\n');
    expect(open(Level.Operator).receive('show env NOPE\n')).toBe('Variable not found\n\n');
  });

  test('can be lowered but not raised', () => {
    const session = open(Level.Admin);
    const answer = session.receive('user;show cli level;operator;show cli level\n');
    expect(answer).toBe('\nuser\n\nPermission denied\n\nuser\n\n');
  });

  test('hide commands from the help', () => {
    expect(open(Level.User).receive('help\n')).not.toContain('show env');
    expect(open(Level.Admin).receive('help\n')).toContain('show env');
  });
});

describe('set timeout cli', () => {
  test('counts in seconds and takes units', () => {
    const session = open();
    session.receive('prompt i;set timeout cli 2\n');
    expect(session.cli.timeoutMs).toBe(2000);
    session.receive('set timeout cli 3m\n');
    expect(session.cli.timeoutMs).toBe(180_000);
  });

  test('refuses what is no delay', () => {
    expect(open().receive('set timeout cli x\n')).toBe('Invalid timeout value.\n\n');
    expect(open().receive('set timeout cli\n')).toContain('expects a delay');
  });
});

describe('the table of commands', () => {
  test('has each name once, and each is one of HAProxy', () => {
    const names = commands.map((command) => command.name);
    expect(new Set(names).size).toBe(names.length);
    const prefixes = new Set(knownCommands);
    for (const name of names) {
      expect(prefixes.has(name) || prefixes.has(name.split(' ').slice(0, 2).join(' '))).toBe(true);
    }
  });
});
