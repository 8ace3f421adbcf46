/**
 * Opens many keep-alive connections, makes one request on each, and holds them until its standard
 * input ends: `opener.ts PORT COUNT [tls]`. Prints `open COUNT` when all are open.
 */
const [port, wanted] = process.argv.slice(2).map(Number) as [number, number];
const request = 'GET /small HTTP/1.1\r\nHost: h\r\n\r\n';

function open(): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = '';
    Bun.connect({
      hostname: '127.0.0.1',
      port,
      ...(process.argv[4] === 'tls' ? { tls: { rejectUnauthorized: false } } : {}),
      socket: {
        open: (socket) => void socket.write(request),
        data: (_, data) => {
          received += data.toString('latin1');
          const head = received.indexOf('\r\n\r\n');
          if (head >= 0 && received.length >= head + 4 + 42) resolve();
        },
        close: () => reject(new Error('a connection was closed')),
        connectError: (_, error) => reject(error),
      },
    }).catch(reject);
  });
}

// Few at a time, so that no backlog overflows and server connections are shared.
for (let at = 0; at < wanted; at += 50) {
  await Promise.all(Array.from({ length: Math.min(50, wanted - at) }, open));
}
console.log(`open ${wanted}`);
await Bun.stdin.text();
process.exit(0);

export {};
