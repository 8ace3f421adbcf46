/** Test support: what the `haproxy` of the machine says about a configuration text. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const haproxy: string | null = Bun.which('haproxy');

export interface Answer {
  exitCode: number;
  /** `ALERT parsing [t.cfg:1] : text`, with the lines that belong to it. */
  findings: string[];
}

/** Runs `haproxy -c` on texts in a folder of its own; `close` removes it. */
export class HaproxyChecker {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'sluice-haproxy-'));
  private readonly variables: Record<string, string>;

  constructor(variables: Record<string, string> = {}) {
    this.variables = variables;
  }

  /** @param text a byte string, the content of `t.cfg` */
  ask(text: string): Answer {
    writeFileSync(join(this.folder, 't.cfg'), Buffer.from(text, 'latin1'));
    const run = Bun.spawnSync([haproxy!, '-c', '-dD', '-f', 't.cfg'], {
      cwd: this.folder,
      env: this.variables,
      stdout: 'ignore',
      stderr: 'pipe',
    });
    const findings: string[] = [];
    for (const line of run.stderr.toString('latin1').split('\n')) {
      const found = /^\[(\w+)\] +\(\d+\) : config : (.*)$/.exec(line);
      if (found !== null) findings.push(`${found[1]} ${found[2]}`);
      else if (/^ {2}/.test(line) && findings.length > 0)
        findings.push(`${findings.pop()}\n${line}`);
    }
    return { exitCode: run.exitCode, findings };
  }

  /** All errors of a text as they are printed, also those that are about no line. */
  alerts(text: string): string[] {
    writeFileSync(join(this.folder, 't.cfg'), Buffer.from(text, 'latin1'));
    const command = [haproxy!, '-c', '-f', 't.cfg'];
    const { stderr } = Bun.spawnSync(command, {
      cwd: this.folder,
      stdout: 'ignore',
      stderr: 'pipe',
    });
    const found = stderr.toString('latin1').matchAll(/^\[ALERT\] +\(\d+\) : (.*(?:\n [^\n]*)*)$/gm);
    const summary = /^(?:config : )?(?:Error\(s\) found|Fatal errors found)/;
    return [...found].map(([, alert]) => alert!).filter((alert) => !summary.test(alert));
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
