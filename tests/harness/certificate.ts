/**
 * Certificates for tests, made with the openssl program: an authority, and certificates that it signs.
 * Elliptic curves, because they take no time to make.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CertificateOptions {
  /** Names of the subjectAltName, such as `DNS:a.test`. */
  names?: string[];
  subject?: string;
  key?: 'ec' | 'rsa';
  /** Signed by this authority of the same folder instead of itself. */
  authority?: string;
  /** Validity from now; negative = expired. */
  days?: number;
}

function openssl(dir: string, args: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(['openssl', ...args], { cwd: dir, stdin: null });
  if (exitCode !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr.toString()}`);
}

const keyArguments = {
  ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
  rsa: ['-newkey', 'rsa:2048'],
};

/**
 * Makes `NAME.crt`, `NAME.key` and `NAME.pem` (both) in a folder.
 * @returns the path of NAME.pem
 */
export function makeCertificate(
  dir: string,
  name: string,
  options: CertificateOptions = {},
): string {
  const subject = options.subject ?? `/CN=${name}`;
  const days = String(options.days ?? 3650);
  const key = [...keyArguments[options.key ?? 'ec'], '-nodes', '-keyout', `${name}.key`];
  const names = options.names ?? [];
  const extension = names.length > 0 ? `subjectAltName=${names.join(',')}` : '';
  if (options.authority === undefined) {
    const add = extension === '' ? [] : ['-addext', extension];
    openssl(dir, [
      'req',
      '-x509',
      ...key,
      '-out',
      `${name}.crt`,
      '-days',
      days,
      '-subj',
      subject,
      ...add,
    ]);
  } else {
    openssl(dir, ['req', ...key, '-out', `${name}.csr`, '-subj', subject]);
    writeFileSync(join(dir, `${name}.ext`), `basicConstraints=CA:FALSE\n${extension}\n`);
    const ca = options.authority;
    const serial = `0x${Bun.hash(name).toString(16).slice(0, 12)}`;
    openssl(dir, [
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', `${ca}.crt`, '-CAkey', `${ca}.key`],
      ...['-set_serial', serial, '-days', days, '-extfile', `${name}.ext`, '-out', `${name}.crt`],
    ]);
  }
  const pem = join(dir, `${name}.pem`);
  const parts = [`${name}.crt`, `${name}.key`].map((file) => readFileSync(join(dir, file), 'utf8'));
  writeFileSync(pem, parts.join(''));
  return pem;
}
