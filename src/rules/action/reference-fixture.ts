/**
 * The real HAProxy beside an embedded server that reports the bytes it received: what the same
 * rules do there. One process serves many cases, each on a port of its own.
 */
import { connect } from 'node:net';
import { AnsweringServer, Haproxy, haproxy } from '../../log/test-haproxy.ts';

export const hasHaproxy = haproxy !== null;

/** What one request did: the bytes the server saw ('' = none) and the bytes the client got. */
export interface Exchange {
  server: string;
  client: string;
}

/** What the server answers unless a case brings its own. */
export const serverResponse =
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: one, two\r\nSet-Cookie: C=1; p\r\n' +
  'X-A: three\r\n\r\nok';

export class Reference {
  private server: AnsweringServer | null = null;
  private process: Haproxy | null = null;
  private host = '127.0.0.1';

  /** @param sections lines of the `listen` section of each case. */
  start(sections: readonly (readonly string[])[]): Promise<void> {
    return this.serve(sections.length, (bind, i) => [
      `listen l${i}`,
      ` bind ${bind}`,
      ...sections[i]!.map((line) => ` ${line}`),
    ]);
  }

  /** A frontend and a backend per case, on ports of a loopback address. */
  startPairs(
    pairs: readonly { frontend: string[]; backend: string[] }[],
    host: string,
  ): Promise<void> {
    this.host = host;
    return this.serve(pairs.length, (bind, i) => [
      `frontend f${i}`,
      ` bind ${bind}`,
      ...pairs[i]!.frontend.map((line) => ` ${line}`),
      ` default_backend b${i}`,
      `backend b${i}`,
      ...pairs[i]!.backend.map((line) => ` ${line}`),
    ]);
  }

  private async serve(
    count: number,
    sections: (bind: string, i: number) => string[],
  ): Promise<void> {
    const server = await AnsweringServer.open(serverResponse, true);
    const lines = ['defaults', ' mode http', ' timeout client 5s', ' timeout server 5s'];
    lines.push(' timeout connect 5s', ' timeout tarpit 10ms');
    const configuration = (binds: string[]) => {
      const target = ` server s 127.0.0.1:${server.port}`;
      const cases = binds.flatMap((bind, i) => [...sections(bind, i), target]);
      return `${[...lines, ...cases].join('\n')}\n`;
    };
    this.server = server;
    this.process = new Haproxy(count, configuration, [], this.host);
  }

  /** Sends one request to a case and waits for the complete response. */
  async ask(index: number, request: string): Promise<Exchange> {
    const server = this.server!;
    server.lastRequest = '';
    const answer = new Promise<string>((done, fail) => {
      let got = '';
      const socket = connect(this.process!.ports[index]!, this.host);
      socket.on('error', fail);
      socket.on('close', () => done(got));
      socket.on('connect', () => socket.write(request, 'latin1'));
      socket.on('data', (data) => {
        got += data.toString('latin1');
        if (isComplete(got, request.startsWith('HEAD '))) socket.destroy();
      });
    });
    const client = await this.process!.during(answer);
    return { server: server.lastRequest, client };
  }

  async stop(): Promise<void> {
    await this.process?.stop();
    this.server?.close();
  }
}

function isComplete(got: string, head: boolean): boolean {
  const end = got.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(got.slice(0, end));
  if (head || /^HTTP\/1\.. (204|304)/.test(got)) return true;
  return length !== null && got.length >= end + 4 + Number(length[1]);
}
