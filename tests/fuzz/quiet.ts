/** What a proxy must look like when everybody has gone: nothing counted, nothing open. */
import { readdirSync, readlinkSync } from 'node:fs';
import { connectPeer } from '../harness/peer.ts';
import type { Proxy } from '../harness/proxy.ts';
import { until } from '../harness/wait.ts';

/** Open sockets of the process. Pipes are not counted: some are kept for the next transfer. */
export function socketsOf(pid: number): number {
  let count = 0;
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      if (readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:')) count++;
    } catch {
      // Closed in the meantime.
    }
  }
  return count;
}

/** The rows of `show stat` by column name. */
export async function statRows(proxy: Proxy): Promise<Record<string, string>[]> {
  const lines = (await proxy.command('show stat')).trim().split('\n');
  const columns = lines[0]!.replace(/^# /, '').split(',');
  return lines.slice(1).map((line) => {
    const cells = line.split(',');
    return Object.fromEntries(columns.map((column, i) => [column, cells[i] ?? '']));
  });
}

/** A number of `show info`. */
export async function infoNumber(proxy: Proxy, name: string): Promise<number> {
  const text = await proxy.command('show info');
  return Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1] ?? -1);
}

async function busyEntries(proxy: Proxy): Promise<string[]> {
  const busy: string[] = [];
  for (const row of await statRows(proxy)) {
    for (const column of ['scur', 'qcur']) {
      const value = row[column] ?? '';
      if (value !== '' && value !== '0') {
        busy.push(`${row.pxname}/${row.svname} ${column}=${value}`);
      }
    }
  }
  const connections = await infoNumber(proxy, 'CurrConns');
  if (connections !== 0) busy.push(`CurrConns=${connections}`);
  return busy;
}

/**
 * Waits until the proxy has nothing left to do and as many sockets as at `sockets`.
 * @throws Error that names what is still counted, or an exception that the proxy printed.
 */
export async function expectQuiet(proxy: Proxy, sockets: number, ms = 12_000): Promise<void> {
  let busy: string[] = [];
  const quiet = async () => {
    busy = await busyEntries(proxy);
    const open = socketsOf(proxy.pid);
    if (open > sockets) busy.push(`${open} sockets instead of ${sockets}`);
    return busy.length === 0;
  };
  await until(quiet, () => `the proxy is not quiet: ${busy.join(', ')}`, ms);
  expectSilence(proxy);
}

/** No exception, assertion or crash has been printed. */
export function expectSilence(proxy: Proxy): void {
  const bad = /error|exception|assert|panic|crash| at .*\.ts:\d+/i.exec(proxy.stderr);
  if (bad !== null) throw new Error(`the proxy printed:\n${proxy.stderr.slice(0, 4000)}`);
  if (proxy.exitCode !== null) throw new Error(`the proxy ended with ${proxy.exitCode}`);
}

/** A client that must be served whatever happens to others. */
export class HealthyClient {
  served = 0;
  slowestMs = 0;
  #stopped = false;
  readonly #done: Promise<void>;

  /** @param body what every answer must contain */
  constructor(
    readonly port: number,
    readonly body: string,
  ) {
    this.#done = this.#run();
    this.#done.catch(() => undefined);
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const from = performance.now();
      const peer = await connectPeer({ hostname: '127.0.0.1', port: this.port });
      peer.send('GET /healthy HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
      const answer = await peer.readMessage('GET');
      peer.close();
      if (answer.status !== 200 || answer.body !== this.body) {
        throw new Error(`a healthy client got ${answer.start}: ${answer.body.slice(0, 200)}`);
      }
      this.served++;
      this.slowestMs = Math.max(this.slowestMs, performance.now() - from);
      await Bun.sleep(20);
    }
  }

  /** Ends it. @throws Error when a request failed or took longer than `limitMs`. */
  async stop(limitMs = 3000): Promise<void> {
    this.#stopped = true;
    await this.#done;
    if (this.served === 0) throw new Error('the healthy client was never served');
    if (this.slowestMs > limitMs) throw new Error(`a healthy request took ${this.slowestMs} ms`);
  }
}
