/**
 * Load for the takeover case: a connection per request at a fixed pace, whatever the answers do, so
 * that a proxy that stalls cannot slow down the questions. A process of its own: its clock must not
 * wait for the bench. The argument is the port; it runs until its input ends, and then prints what
 * it saw as JSON.
 */
export interface TakeoverLoad {
  requests: number;
  /** Refused, reset or cut. */
  failed: number;
  worstMs: number;
  p99Ms: number;
}

const EVERY_MS = 2;
/** A request that takes longer counts as failed. */
const PATIENCE_MS = 30_000;

const request = 'GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n';

/** @returns whether a whole answer came. */
function ask(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    let text = '';
    const timer = setTimeout(() => resolve(false), PATIENCE_MS);
    const end = () => {
      clearTimeout(timer);
      resolve(text.startsWith('HTTP/1.1 200 ') && text.endsWith('served'));
    };
    Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        open: (socket) => void socket.write(request),
        data: (_, bytes) => {
          text += bytes.toString('latin1');
        },
        close: end,
        error: end,
        connectError: end,
      },
    }).catch(end);
  });
}

async function run(port: number): Promise<TakeoverLoad> {
  const times: number[] = [];
  const open: Promise<void>[] = [];
  let failed = 0;
  const timer = setInterval(() => {
    const began = performance.now();
    open.push(
      ask(port).then((whole) => {
        times.push(performance.now() - began);
        if (!whole) failed++;
      }),
    );
  }, EVERY_MS);
  await Bun.stdin.text();
  clearInterval(timer);
  await Promise.all(open);
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.ceil(times.length * share) - 1] ?? 0;
  return { requests: times.length, failed, worstMs: at(1), p99Ms: at(0.99) };
}

if (import.meta.main) console.log(JSON.stringify(await run(Number(process.argv[2]))));
