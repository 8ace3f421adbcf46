/**
 * File descriptor limit and connection limit of the process (configuration.txt 3.1 ulimit-n, 3.2
 * maxconn and fd-hard-limit; management.txt 5): each follows from the other when only one is given.
 */
import {
  automaticMaxconn,
  descriptorLimit,
  descriptorsFor,
  pipesWanted,
  pipesWithin,
} from '../model/capacity.ts';
import type { Configuration } from '../model/config.ts';
import { usableCpus } from '../sys/affinity.ts';
import { base, getU64, putPointer, reserve } from '../sys/arena.ts';
import { libc } from '../sys/libc.ts';
import type { Console } from './console.ts';

const RLIMIT_NOFILE = 7;
const limits = reserve(16);

/** Soft and hard limit of open files; "unlimited" reads as a very large number. */
export function readDescriptorLimit(): { soft: number; hard: number } {
  libc.getrlimit(RLIMIT_NOFILE, (base + limits) as never);
  return { soft: getU64(limits), hard: getU64(limits + 8) };
}

function writeDescriptorLimit(soft: number, hard: number): boolean {
  putPointer(limits, soft);
  putPointer(limits + 8, hard);
  return libc.setrlimit(RLIMIT_NOFILE, (base + limits) as never) === 0;
}

/**
 * Number of workers (3.1 nbthread, thread-hard-limit): as configured, else one per CPU, and never
 * more than the hard limit.
 */
export function workerCount(config: Configuration, console: Console): number {
  const { nbthread, threadHardLimit } = config.global;
  const wanted = nbthread || usableCpus();
  if (threadHardLimit === 0 || wanted <= threadHardLimit) return wanted;
  if (nbthread > 0) {
    console.warning(
      `nbthread forced to a higher value (${nbthread}) than the configured thread-hard-limit ` +
        `(${threadHardLimit}), enforcing the limit. Please fix either value to remove this warning.`,
    );
  }
  return threadHardLimit;
}

export interface Limits {
  /** Connections of the process. */
  maxconn: number;
  /** The soft limit of open files that goes with it. */
  descriptors: number;
  /** Pipes for splicing of the process: what the descriptors leave. */
  pipes: number;
}

/**
 * Works out both limits.
 *
 * @param hardLimit the system's hard limit of open files
 * @param memoryLimit bytes (`-m`), 0 = none
 */
export function computeLimits(
  config: Configuration,
  workers: number,
  hardLimit: number,
  memoryLimit: number,
): Limits {
  const { ulimitN } = config.global;
  let { maxconn } = config.global;
  if (maxconn === 0) {
    const descriptors = ulimitN > 0 ? ulimitN : Math.min(hardLimit, descriptorLimit(config));
    maxconn = automaticMaxconn(config, descriptors, workers, memoryLimit);
  }
  const needed = descriptorsFor(config, maxconn, workers);
  // Pipes never keep a process from starting: it has those that the system allows.
  const most = Math.max(needed, Math.min(hardLimit, descriptorLimit(config)));
  const wanted = Math.min(most, needed + 2 * pipesWanted(config, maxconn));
  const descriptors = ulimitN > 0 ? ulimitN : wanted;
  return { maxconn, descriptors, pipes: pipesWithin(config, maxconn, workers, descriptors) };
}

/**
 * Sets the limit of open files. When the system refuses, `strict-limits` (the default) makes that
 * an error; otherwise the process goes on with what it gets.
 * @returns false when the process must not start.
 */
export function applyLimits(
  config: Configuration,
  workers: number,
  wanted: Limits,
  console: Console,
): boolean {
  const { hard } = readDescriptorLimit();
  const raised = writeDescriptorLimit(wanted.descriptors, Math.max(hard, wanted.descriptors));
  if (!raised) {
    const text = `[sluice.main()] Cannot raise FD limit to ${wanted.descriptors}, limit is ${hard}.`;
    if (config.global.strictLimits) {
      console.alert(text);
      return false;
    }
    console.warning(text);
    writeDescriptorLimit(hard, hard);
  }
  const { soft } = readDescriptorLimit();
  const needed = descriptorsFor(config, wanted.maxconn, workers);
  if (soft < needed) {
    console.alert(
      `[sluice.main()] FD limit (${soft}) too low for maxconn=${wanted.maxconn}/maxsock=${needed}. ` +
        `Please raise 'ulimit-n' to ${needed} or more to avoid any trouble.`,
    );
  }
  return true;
}
