/**
 * Going into the background (configuration.txt 3.1 daemon, management.txt 3 `-D`).
 *
 * A process with threads cannot fork. So the first process only validates, then starts the real
 * one with posix_spawn: a new session, the same arguments, and all inherited descriptors (`fd@N`
 * works). A pipe tells the first process that the proxy serves; it then exits with 0. If the proxy
 * ends before, its exit status is passed on. The shell that ran `sluice -D` therefore knows the
 * outcome of the whole start, and errors appear on its terminal.
 *
 *   sluice -D ──parse──spawn──────────────read(pipe)──exit 0
 *                        └─ daemon: bind, start workers ─write(pipe)─ stdio to /dev/null
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Configuration } from '../model/config.ts';
import { base, getU64, mem, mem32, putPointer, reserve, reserveBytes } from '../sys/arena.ts';
import { errnoText } from '../sys/errno.ts';
import { libc } from '../sys/libc.ts';
import { type Console, isOneFile } from './console.ts';

const POSIX_SPAWN_SETSID = 0x80;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
/** Size of posix_spawnattr_t in glibc (336 bytes), rounded. */
const SPAWN_ATTRIBUTES_BYTES = 512;
/** Names the descriptor of the pipe in the daemon's environment. */
const MARKER = 'SLUICE_DAEMON_PIPE';

/** Takes the marker out of the environment. @returns the pipe, or null in a first process. */
export function takeDaemonPipe(): number | null {
  const value = process.env[MARKER];
  if (value === undefined) return null;
  delete process.env[MARKER];
  const fd = Number(value);
  return Number.isInteger(fd) && fd > 2 ? fd : null;
}

/** An array of C strings in the arena, ended by a null pointer. */
function stringVector(values: readonly string[]): number {
  const at = reserve((values.length + 1) * 8);
  values.forEach((value, i) => {
    putPointer(at + i * 8, base + reserveBytes(value));
  });
  putPointer(at + values.length * 8, 0);
  return at;
}

/** The command that starts this program again. */
function ownCommand(args: readonly string[]): string[] {
  if (isOneFile) return [process.execPath, ...args];
  return [process.execPath, ...process.execArgv, Bun.main, ...args];
}

/** @returns pid of the daemon, or 0 after an alert. */
function spawnDaemon(args: readonly string[], pipe: number, console: Console): number {
  const command = ownCommand(args);
  const environment = Object.entries({ ...process.env, [MARKER]: String(pipe) }).map(
    ([name, value]) => `${name}=${value}`,
  );
  const attributes = reserve(SPAWN_ATTRIBUTES_BYTES);
  libc.posix_spawnattr_init((base + attributes) as never);
  libc.posix_spawnattr_setflags((base + attributes) as never, POSIX_SPAWN_SETSID);
  const pid = reserve(8);
  const code = libc.posix_spawn(
    (base + pid) as never,
    (base + reserveBytes(command[0]!)) as never,
    null,
    (base + attributes) as never,
    (base + stringVector(command)) as never,
    (base + stringVector(environment)) as never,
  );
  if (code === 0) return mem32[pid >> 2]!;
  console.alert(`[sluice.main()] Cannot start the daemon : ${errnoText(code)}.`);
  return 0;
}

/**
 * Starts the daemon and waits until it serves.
 * @returns the exit status for this process: 0, or the daemon's when it could not start.
 */
export function runDaemon(args: readonly string[], console: Console): number {
  const pipe = reserve(8);
  if (libc.pipe2((base + pipe) as never, 0) < 0) {
    console.alert('[sluice.main()] Cannot create a pipe for the daemon.');
    return 1;
  }
  const readEnd = mem32[pipe >> 2]!;
  const writeEnd = mem32[(pipe >> 2) + 1]!;
  // The daemon must not hold the end that this process reads from.
  libc.fcntl(readEnd, F_SETFD, FD_CLOEXEC);
  const pid = spawnDaemon(args, writeEnd, console);
  if (pid === 0) return 1;
  libc.close(writeEnd);
  const answer = reserve(8);
  const count = libc.read(readEnd, (base + answer) as never, 1);
  if (count === 1 && mem[answer] === READY) return 0;
  const status = reserve(8);
  libc.waitpid(pid, (base + status) as never, 0);
  return exitStatus(getU64(status) & 0xffff);
}

/** Exit status of a wait status; a signal counts as a failure, as in a shell. */
function exitStatus(status: number): number {
  const signal = status & 0x7f;
  if (signal !== 0) return 128 + signal;
  return (status >> 8) & 0xff || 1;
}

const READY = 0x52;

/** Tells the first process that the proxy serves. */
export function reportReady(pipe: number): void {
  try {
    writeSync(pipe, Buffer.from([READY]));
  } catch {
    // The first process was killed; the daemon goes on.
  }
  closeSync(pipe);
}

/** Descriptors 1 and 2 that a `log stdout`, `log stderr` or `log fd@` line writes to. */
function logDescriptors(config: Configuration): Set<number> {
  const used = new Set<number>();
  const all = [config.global.logs, ...config.proxies.map((proxy) => proxy.logs)].flat();
  for (const log of all) if (log.target.kind === 'fd') used.add(log.target.fd);
  return used;
}

/** Opens what `detach` needs, before a chroot takes /dev away. */
export function openNull(): number {
  return openSync('/dev/null', 'r+');
}

/** Leaves the terminal: standard streams go to /dev/null unless logs are written to them. */
export function detach(config: Configuration, nullFd: number): void {
  const kept = logDescriptors(config);
  for (const fd of [0, 1, 2]) if (!kept.has(fd)) libc.dup2(nullFd, fd);
  closeSync(nullFd);
}
