/**
 * Checks by a program (configuration.txt 4.2 option external-check): its exit status is the result,
 * and it learns by arguments and environment what it is about.
 */
import { formatAddress } from '../base/value/address.ts';
import type { Configuration, ProxyConfig, ServerConfig } from '../model/config.ts';
import type { Clock } from './clock.ts';
import type { CheckOutcome } from './outcome.ts';
import { CheckStatus } from './result.ts';

export interface ProgramTask {
  config: Configuration;
  proxy: ProxyConfig;
  server: ServerConfig;
  timeoutMs: number;
  /** Connections that the server has now. */
  current(): number;
}

/** What stands for an address that there is not. */
const NOT_USED = 'NOT_USED';
/** Exit statuses of a program that was ended by a signal, and of one that cannot be started. */
const SIGNALLED = -1;
const NOT_STARTED = 255;

interface Place {
  address: string;
  port: string;
}

/** Of the first listener; a backend has none. */
function placeOfProxy(proxy: ProxyConfig): Place | null {
  const bind = proxy.binds.find(({ address }) => ['ipv4', 'ipv6', 'unix'].includes(address.family));
  return bind === undefined ? null : placeOf(bind.address);
}

function placeOf(address: ServerConfig['address']): Place {
  const isIp = address.family === 'ipv4' || address.family === 'ipv6';
  if (!isIp) return { address: address.path, port: '' };
  return { address: formatAddress({ ...address, port: 0 }), port: String(address.port) };
}

export function programArguments(proxy: ProxyConfig, server: ServerConfig): string[] {
  const own = placeOfProxy(proxy);
  const theirs = placeOf(server.address);
  return [own?.address ?? NOT_USED, own?.port || NOT_USED, theirs.address, theirs.port || NOT_USED];
}

export function programEnvironment(
  { config, proxy, server }: Pick<ProgramTask, 'config' | 'proxy' | 'server'>,
  current: number,
): Record<string, string> {
  const own = placeOfProxy(proxy);
  const theirs = placeOf(server.address);
  const kept = config.global.externalCheck === 'preserve-env' ? process.env : {};
  return {
    ...(kept as Record<string, string>),
    HAPROXY_PROXY_ADDR: own?.address ?? '',
    HAPROXY_PROXY_ID: String(proxy.id),
    HAPROXY_PROXY_NAME: proxy.name,
    HAPROXY_PROXY_PORT: own?.port ?? '',
    HAPROXY_SERVER_ADDR: theirs.address,
    HAPROXY_SERVER_CURCONN: String(current),
    HAPROXY_SERVER_ID: String(server.id),
    HAPROXY_SERVER_MAXCONN: String(server.maxconn),
    HAPROXY_SERVER_NAME: server.name,
    HAPROXY_SERVER_PORT: theirs.port,
    HAPROXY_SERVER_SSL: '0',
    HAPROXY_SERVER_PROTO: proxy.mode === 'http' ? 'h1' : 'tcp',
    PATH: proxy.check.external?.path ?? '',
  };
}

/**
 * Starts the program. `done` is called once, never before this has returned.
 * @returns a function that ends the program and gives the check up without a result.
 */
export function startProgram(
  task: ProgramTask,
  clock: Clock,
  done: (outcome: CheckOutcome) => void,
): () => void {
  const { config, proxy, server } = task;
  const later = (outcome: CheckOutcome) => clock.after(0, () => done(outcome));
  const failed = (code: number, info = '') => ({ status: CheckStatus.ProcessError, code, info });
  // 3.1 insecure-fork-wanted: without it the process starts no other one.
  if (!config.global.forkWanted) {
    return later(failed(NOT_STARTED, "'insecure-fork-wanted' is not set in the global section"));
  }
  let isOver = false;
  const conclude = (outcome: CheckOutcome): void => {
    if (isOver) return;
    isOver = true;
    cancelTimer();
    done(outcome);
  };
  let child: { kill(signal: number): void };
  try {
    child = Bun.spawn([proxy.check.external!.command, ...programArguments(proxy, server)], {
      env: programEnvironment(task, task.current()),
      stdio: ['ignore', 'ignore', 'ignore'],
      onExit: (_, code) => {
        if (code === 0) conclude({ status: CheckStatus.ProcessOk, code, info: '' });
        else conclude(failed(code ?? SIGNALLED));
      },
    });
  } catch {
    return later(failed(NOT_STARTED));
  }
  const end = (): void => child.kill(9);
  const cancelTimer = clock.after(task.timeoutMs, () => {
    end();
    conclude({ status: CheckStatus.ProcessTimeout, code: 0, info: '' });
  });
  return () => {
    isOver = true;
    cancelTimer();
    end();
  };
}
