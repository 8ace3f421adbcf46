/**
 * Whom a line trusts: `ca-file`, `ca-verify-file` and `crl-file` (configuration.txt 5.1, 5.2) become one
 * X509_STORE, made once and shared by all threads, and the list of names that clients are told.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { ConfigError } from '../../base/config-error.ts';
import type { TlsSettings } from '../../model/config.ts';
import { type Address, addressOf, at, type Openssl } from '../../sys/openssl.ts';
import { fromByteString } from '../byte-string.ts';
import { below, opensslFor, whyNot } from './certificate.ts';
import { readCertificates, readRevocations, stackOf } from './pem.ts';

/** X509_V_FLAG_CRL_CHECK and X509_V_FLAG_CRL_CHECK_ALL (x509_vfy.h). */
const CRL_CHECK_ALL = 0x4 | 0x8;
const extensions = ['.pem', '.crt', '.cer', '.crl'];
const SYSTEM = '@system-ca';

/** The files of a line, as written. */
export interface TrustFiles {
  caFile: string | null;
  caVerifyFile: string | null;
  crlFile: string | null;
}

export function noTrust(): TrustFiles {
  return { caFile: null, caVerifyFile: null, crlFile: null };
}

export const trustOptions: Readonly<Record<string, keyof TrustFiles>> = {
  'ca-file': 'caFile',
  'ca-verify-file': 'caVerifyFile',
  'crl-file': 'crlFile',
};

interface Trust {
  certificates: Address[];
  revocations: Address[];
}

export class TrustStores {
  private readonly files = new Map<string, Trust>();
  private readonly stores = new Map<string, { store: Address; names: Address }>();

  /**
   * Sees that a file can be used, when its option is read.
   * @param alert says what is wrong with the file, before the error about the line
   */
  check(
    option: string,
    path: string,
    folder: string | null,
    alert: (text: string) => void,
  ): string {
    const file = path === SYSTEM ? path : below(folder, path);
    this.read(opensslFor(option), option, file, alert);
    return file;
  }

  private read(lib: Openssl, option: string, file: string, alert: (text: string) => void): Trust {
    const known = this.files.get(file);
    if (known !== undefined) return known;
    const trust: Trust = { certificates: [], revocations: [] };
    let problem = file === SYSTEM ? '' : fill(lib, file, trust);
    const isEmpty = trust.certificates.length + trust.revocations.length === 0;
    if (problem === '' && file !== SYSTEM && isEmpty) problem = 'no certificate or crl found';
    if (problem !== '') {
      alert(`Couldn't open the ca-file '${file}' (${problem}).`);
      throw new ConfigError(`'${option}' : unable to load ${file}`);
    }
    this.files.set(file, trust);
    return trust;
  }

  /** Puts the store of a complete line into its settings. */
  finish(settings: TlsSettings, files: TrustFiles): void {
    const { caFile, caVerifyFile } = files;
    // Revocations alone trust nobody.
    if (caFile === null && caVerifyFile === null) return;
    const key = JSON.stringify(files);
    const known = this.stores.get(key) ?? this.create(files);
    this.stores.set(key, known);
    settings.trustStore = known.store;
    if (settings.trustNames >= 0) settings.trustNames = known.names;
  }

  private create(files: TrustFiles): { store: Address; names: Address } {
    const lib = opensslFor('ca-file');
    const store = lib.X509_STORE_new();
    const listed = [files.caFile, files.caVerifyFile, files.crlFile];
    for (const file of listed) {
      if (file === SYSTEM) lib.X509_STORE_set_default_paths(store);
      const trust = file === null ? undefined : this.files.get(file);
      for (const one of trust?.certificates ?? []) lib.X509_STORE_add_cert(store, at(one));
      for (const one of trust?.revocations ?? []) lib.X509_STORE_add_crl(store, at(one));
    }
    if (files.crlFile !== null) lib.X509_STORE_set_flags(store, CRL_CHECK_ALL);
    lib.ERR_clear_error();
    const told = files.caFile === null ? undefined : this.files.get(files.caFile);
    const names: Address[] = [];
    for (const one of told?.certificates ?? []) {
      const name = lib.X509_get_subject_name(at(one));
      const isNew = names.every((other) => lib.X509_NAME_cmp(at(other), name) !== 0);
      if (isNew) names.push(addressOf(lib.X509_NAME_dup(name)));
    }
    return { store: addressOf(store), names: stackOf(lib, names) };
  }
}

/** Adds what a file or the files of a folder hold. @returns what is wrong, '' = nothing. */
function fill(lib: Openssl, path: string, trust: Trust): string {
  try {
    const native = fromByteString(path);
    const isFolder = statSync(native).isDirectory();
    const paths = isFolder ? filesOf(native) : [native];
    for (const one of paths) {
      const bytes = readFileSync(one);
      trust.certificates.push(...readCertificates(lib, bytes).found);
      trust.revocations.push(...readRevocations(lib, bytes));
    }
    return '';
  } catch (error) {
    return whyNot(error);
  }
}

function filesOf(folder: string): string[] {
  const names = readdirSync(folder).filter(
    (name) => !name.startsWith('.') && extensions.some((end) => name.endsWith(end)),
  );
  return names.sort().map((name) => `${folder}/${name}`);
}
