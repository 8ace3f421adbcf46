import { describe, expect, test } from 'bun:test';
import { type CommandLine, isCommandLineError, parseCommandLine } from './command-line.ts';

function parse(...args: string[]): CommandLine {
  const result = parseCommandLine(args);
  if (isCommandLineError(result)) throw new Error(`refused: ${result.message}`);
  return result;
}

function refusal(...args: string[]) {
  const result = parseCommandLine(args);
  if (!isCommandLineError(result)) throw new Error('accepted');
  return result;
}

describe('the command line (management.txt 3)', () => {
  test('takes files by -f and all words after --', () => {
    expect(parse('-f', 'a', '-f', 'b', '--', 'c', '-d').files).toEqual(['a', 'b', 'c', '-d']);
  });

  test('without a file asks for the usage', () => {
    expect(refusal()).toEqual({ message: '', usage: true });
    expect(refusal('-c')).toEqual({ message: '', usage: true });
  });

  test('reads switches', () => {
    const to = parse('-f', 'x', '-c', '-V', '-q', '-D', '-dD', '-dW', '-dS', '-dR');
    expect(to).toMatchObject({
      checkOnly: true,
      verbose: true,
      quiet: true,
      daemon: true,
      diagnostics: true,
      warningsFail: true,
      noSplice: true,
      noReusePort: true,
    });
  });

  test('-d and -db keep the process in the foreground', () => {
    expect(parse('-f', 'x', '-db').foreground).toBe(true);
    expect(parse('-f', 'x', '-d')).toMatchObject({ foreground: true, debug: true });
  });

  test('reads limits: -n, -N in connections, -m in megabytes', () => {
    const to = parse('-f', 'x', '-n', '100', '-N', '20', '-m', '4096');
    expect(to).toMatchObject({ maxconn: 100, proxyMaxconn: 20, memoryLimit: 4096 * 1048576 });
  });

  test('-dK takes the classes in the same word', () => {
    expect(parse('-dKcli,smp', '-f', 'x').keywordClasses).toBe('cli,smp');
    expect(parse('-dKhelp').keywordClasses).toBe('help');
  });

  test('-sf and -st take pids up to the next option, also none', () => {
    const to = parse('-sf', '1', '22', '-st', '333', '-f', 'x', '-sf');
    expect(to.finishPids).toEqual([1, 22]);
    expect(to.terminatePids).toEqual([333]);
  });

  test('-sf refuses a word that is no pid', () => {
    expect(refusal('-f', 'x', '-sf', 'abc').message).toContain("'abc'");
  });

  test('-v and -vv need nothing else', () => {
    expect(parse('-v').version).toBe(1);
    expect(parse('-vv', '-f').version).toBe(2);
  });

  test('-cc takes a condition and needs no file', () => {
    expect(parse('-cc', 'streq(a,b)').condition).toBe('streq(a,b)');
  });

  test('refuses an unknown option with the usage', () => {
    expect(refusal('-Z')).toEqual({ message: "unknown option '-Z'", usage: true });
    expect(refusal('-sfoo', '-f', 'x').usage).toBe(true);
  });

  test('-h shows the usage and complains of nothing', () => {
    expect(refusal('-h')).toEqual({ message: '', usage: true });
  });

  test('refuses an option whose argument is missing', () => {
    for (const option of ['-f', '-p', '-L', '-C', '-n', '-N', '-m', '-cc']) {
      expect(refusal(option).message).toBe(`option '${option}' expects an argument`);
    }
  });

  test.each(['-W', '-Ws', '-dMfail', '-dA', '-dt', '-dV', '-4', '-dL'])(
    'refuses %s by name: it is not supported yet',
    (option) => {
      const { message, usage } = refusal('-f', 'x', option);
      expect(message).toContain('not supported yet');
      expect(usage).toBe(false);
    },
  );

  test('refuses -S and -x, which take a word', () => {
    expect(refusal('-S', '/s', '-f', 'x').message).toContain('not supported yet');
    expect(refusal('-x', '/s', '-f', 'x').message).toContain('not supported yet');
  });

  test.each(['-dG', '-dp', '-dk', '-dv'])('takes %s: what it disables is not used', (option) => {
    expect(parse('-f', 'x', option).files).toEqual(['x']);
  });

  test('-dM takes the byte that fills memory, 0x50 by default', () => {
    expect(parse('-f', 'x', '-dM').poison).toBe(0x50);
    expect(parse('-f', 'x', '-dM0').poison).toBe(0);
    expect(parse('-f', 'x', '-dM0xff').poison).toBe(255);
    expect(refusal('-f', 'x', '-dM256').message).toContain("'256' is not supported");
  });
});
