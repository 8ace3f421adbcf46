/**
 * Certificates of `crt` and of crt-lists: files, their companions, folders and bundles
 * (configuration.txt 5.1 crt, 3.1 ssl-load-extra-files). Each file is read once. Messages are
 * HAProxy's.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { ConfigError } from '../../base/config-error.ts';
import type { CertificateConfig, TlsDefaults } from '../../model/config.ts';
import { errnoText } from '../../sys/errno-code.ts';
import { type Address, at, missingLibrary, type Openssl, openssl } from '../../sys/openssl.ts';
import { fromByteString } from '../byte-string.ts';
import { ocspResponse } from './ocsp.ts';
import { hostNames, keyTypeOf, readCertificates, readKey, readParameters, stackOf } from './pem.ts';

/** Names that a folder may hold beside certificates. */
const reserved = ['.key', '.issuer', '.ocsp', '.sctl'];
const bundleTypes = ['.dsa', '.ecdsa', '.rsa'];

/** A certificate as it was read, with the names that it is for. */
export interface Certificate {
  config: CertificateConfig;
  names: string[];
}

/** The library, for a line that cannot do without. @throws ConfigError with the package's name */
export function opensslFor(what: string): Openssl {
  const lib = openssl();
  if (lib === null) throw new ConfigError(`'${what}' : ${missingLibrary}`);
  return lib;
}

/** A path below the folder of `ca-base`, `crt-base` or `key-base`, unless it is absolute. */
export function below(folder: string | null, path: string): string {
  return folder === null || isAbsolute(path) ? path : join(folder, path);
}

/** Why a file or folder cannot be used. */
export function whyNot(error: unknown): string {
  return errnoText(Math.abs((error as { errno?: number }).errno ?? 0));
}

export function readFileBytes(path: string): Uint8Array | null {
  try {
    return readFileSync(fromByteString(path));
  } catch {
    return null;
  }
}

export class CertificateFiles {
  private readonly tls: TlsDefaults;
  private readonly warn: (text: string) => void;
  private readonly known = new Map<string, Certificate>();
  private issuers: Address[][] | null = null;

  constructor(tls: TlsDefaults, warn: (text: string) => void) {
    this.tls = tls;
    this.warn = warn;
  }

  /** The certificates of a `crt` argument: a file, a folder or the base of a bundle. */
  load(path: string, what: string): Certificate[] {
    const lib = opensslFor(what);
    const file = below(this.tls.crtBase, path);
    let stat: ReturnType<typeof statSync>;
    try {
      stat = statSync(fromByteString(file));
    } catch (error) {
      const bundle = this.bundle(lib, file);
      if (bundle.length > 0) return bundle;
      throw new ConfigError(
        `unable to stat SSL certificate from file '${file}' : ${whyNot(error)}.`,
      );
    }
    return stat?.isDirectory() ? this.folder(lib, file) : [this.file(lib, file)];
  }

  private loads(kind: string): boolean {
    return this.tls.extraFiles.includes('all') || this.tls.extraFiles.includes(kind);
  }

  private bundle(lib: Openssl, file: string): Certificate[] {
    if (!this.loads('bundle')) return [];
    const found: Certificate[] = [];
    for (const type of bundleTypes) {
      const member = `${file}${type}`;
      if (statSync(fromByteString(member), { throwIfNoEntry: false })?.isFile()) {
        found.push(this.file(lib, member));
      }
    }
    return found;
  }

  private folder(lib: Openssl, folder: string): Certificate[] {
    let names: string[];
    try {
      names = readdirSync(fromByteString(folder), 'latin1') as unknown as string[];
    } catch (error) {
      throw new ConfigError(`unable to scan directory '${folder}' : ${whyNot(error)}.`);
    }
    const found: Certificate[] = [];
    for (const name of names.sort()) {
      if (name.startsWith('.') || reserved.some((end) => name.endsWith(end))) continue;
      const path = `${folder.replace(/\/+$/, '')}/${name}`;
      if (statSync(fromByteString(path), { throwIfNoEntry: false })?.isFile()) {
        found.push(this.file(lib, path));
      }
    }
    return found;
  }

  private file(lib: Openssl, path: string): Certificate {
    const known = this.known.get(path);
    if (known !== undefined) return known;
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(fromByteString(path));
    } catch (error) {
      throw new ConfigError(`unable to load certificate from file '${path}': ${whyNot(error)}.`);
    }
    const made = this.create(lib, { name: path, path, bytes });
    this.known.set(path, made);
    return made;
  }

  /**
   * Makes a certificate of the bytes of its file.
   * @param parts `path` is where companions are looked for; `key` and so on name them instead.
   */
  create(
    lib: Openssl,
    parts: { name: string; path: string; bytes: Uint8Array; key?: string; ocsp?: string },
  ): Certificate {
    const { path, bytes } = parts;
    const { found, reason } = readCertificates(lib, bytes);
    const certificate = found[0];
    if (certificate === undefined) {
      throw new ConfigError(`unable to load certificate from file '${path}': ${reason}.`);
    }
    const key = this.keyOf(lib, path, bytes, parts.key);
    if (lib.X509_check_private_key(at(certificate), at(key)) !== 1) {
      lib.ERR_clear_error();
      throw new ConfigError(
        `inconsistencies between private key and certificate loaded '${path}'.`,
      );
    }
    const chain = this.chainOf(lib, certificate, found.slice(1));
    const config: CertificateConfig = {
      name: parts.name,
      certificate,
      key,
      chain: stackOf(lib, chain),
      dhParameters: readParameters(lib, bytes),
      keyType: keyTypeOf(lib, certificate),
      ocsp: this.ocspOf(lib, parts, certificate, chain),
    };
    this.refuseSctl(path);
    return { config, names: hostNames(lib, certificate) };
  }

  private companion(path: string, kind: string): string {
    const base = this.tls.extraDelExt ? path.replace(/\.[^./]*$/, '') : path;
    return `${base}.${kind}`;
  }

  private keyOf(lib: Openssl, path: string, bytes: Uint8Array, given?: string): Address {
    const own = given === undefined ? readKey(lib, bytes) : 0;
    if (own !== 0) return own;
    const file = given ?? this.companion(path, 'key');
    const other = given !== undefined || this.loads('key') ? readFileBytes(file) : null;
    const key = other === null ? 0 : readKey(lib, other);
    if (key !== 0) return key;
    const text = Buffer.concat([bytes, other ?? new Uint8Array()]).toString('latin1');
    if (/BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(text)) {
      throw new ConfigError(
        `the private key of '${path}' has a passphrase, and 'ssl-passphrase-cmd' is not ` +
          'supported yet by sluice.',
      );
    }
    throw new ConfigError(`No Private Key found in '${file}'.`);
  }

  /** The intermediate certificates: of the file, or of the folder `issuers-chain-path`. */
  private chainOf(lib: Openssl, certificate: Address, own: Address[]): Address[] {
    let chain = own;
    if (chain.length === 0 && this.tls.issuersChainPath !== null) {
      this.issuers ??= this.readIssuers(lib, this.tls.issuersChainPath);
      const fits = (list: Address[]) => lib.X509_check_issued(at(list[0]!), at(certificate)) === 0;
      chain = this.issuers.find(fits) ?? [];
    }
    if (!this.tls.skipSelfIssuedCa) return chain;
    return chain.filter((issuer) => lib.X509_check_issued(at(issuer), at(issuer)) !== 0);
  }

  private readIssuers(lib: Openssl, folder: string): Address[][] {
    const lists: Address[][] = [];
    for (const name of readdirSync(fromByteString(folder)).sort()) {
      const bytes = readFileBytes(`${folder}/${name}`);
      const { found } = bytes === null ? { found: [] } : readCertificates(lib, bytes);
      if (found.length > 0) lists.push(found);
    }
    return lists;
  }

  private ocspOf(
    lib: Openssl,
    parts: { path: string; ocsp?: string },
    certificate: Address,
    chain: readonly Address[],
  ): number[] {
    const { path } = parts;
    const file = parts.ocsp ?? this.companion(path, 'ocsp');
    const bytes = parts.ocsp !== undefined || this.loads('ocsp') ? readFileBytes(file) : null;
    if (bytes === null || bytes.length === 0) return [];
    const extra = this.loads('issuer') ? readFileBytes(this.companion(path, 'issuer')) : null;
    const issuers = extra === null ? chain : [...chain, ...readCertificates(lib, extra).found];
    const isIssuer = (one: Address) => lib.X509_check_issued(at(one), at(certificate)) === 0;
    const issuer = issuers.find(isIssuer);
    if (issuer === undefined) {
      throw new ConfigError(`'${path}' has an OCSP response, but its issuer was not found.`);
    }
    const problem = ocspResponse(lib, bytes, certificate, issuer);
    if (problem === null) return [...bytes];
    this.warn(`'${file}' : ${problem}. Content will be ignored.`);
    return [];
  }

  private refuseSctl(path: string): void {
    const file = this.companion(path, 'sctl');
    if (!this.loads('sctl') || readFileBytes(file) === null) return;
    this.warn(`'${file}' : signed certificate timestamps are not supported yet by sluice.`);
  }
}
