/**
 * Mail about servers (configuration.txt 4.2 email-alert, 12.3): each message goes to every mailer of the
 * section over SMTP (RFC 5321), one after the other, from the control thread. Mail is sent once: one that
 * a mailer does not take is lost, and a line on stderr says so.
 */
import { connect, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { formatAddress } from '../base/value/address.ts';
import { formatIp } from '../base/value/ip.ts';
import type { Configuration, MailersConfig, ProxyConfig } from '../model/config.ts';

/** Messages that wait for one mailer; what comes on top of them is lost. */
const WAITING_MAX = 100;

/** Bytes of one answer: a reply of ten lines of 512 bytes (RFC 5321 4.5.3.1.5) is long. */
const ANSWER_MAX = 8192;

type Mailer = MailersConfig['mailers'][0];

/** What is sent, and the first digit of the answer that lets the dialogue go on. */
interface Turn {
  send: string;
  expect: string;
}

export class Mail {
  private readonly config: Configuration;
  private readonly report: (text: string) => void;
  /** Per mailer the end of what it has been given, and how many wait. */
  private readonly queues = new Map<Mailer, { last: Promise<void>; waiting: number }>();

  /** @param report writes a line about mail that is lost */
  constructor(config: Configuration, report: (text: string) => void) {
    this.config = config;
    this.report = report;
  }

  /** @param level that of the event: only what is at least as severe as `email-alert level` is sent */
  send(proxy: ProxyConfig, level: number, text: string): void {
    const { emailAlert } = proxy;
    if (emailAlert.mailers === null || level > emailAlert.level) return;
    const section = this.config.mailers.find(({ name }) => name === emailAlert.mailers);
    if (section === undefined) return;
    const turns = dialogue(proxy, text.replace(/\.$/, ''), new Date());
    for (const mailer of section.mailers) this.queue(section, mailer, turns);
  }

  private queue(section: MailersConfig, mailer: Mailer, turns: readonly Turn[]): void {
    const queue = this.queues.get(mailer) ?? { last: Promise.resolve(), waiting: 0 };
    this.queues.set(mailer, queue);
    if (queue.waiting >= WAITING_MAX) return this.lost(section, mailer, 'too many messages wait');
    queue.waiting++;
    queue.last = queue.last
      .then(() => talk(mailer, turns, section.timeoutMs))
      .catch((error: Error) => this.lost(section, mailer, error.message))
      .finally(() => {
        queue.waiting--;
      });
  }

  private lost(section: MailersConfig, mailer: Mailer, reason: string): void {
    const where = `${section.name}/${mailer.name} (${formatAddress(mailer.address)})`;
    this.report(`Mailer ${where} did not take a message: ${reason}.`);
  }
}

/** The lines of one mail as HAProxy 3.2 writes them. */
function dialogue({ emailAlert }: ProxyConfig, text: string, date: Date): Turn[] {
  const { from, to, myhostname } = emailAlert;
  const day = date.toUTCString().replace(' GMT', ' +0000 (UTC)');
  // A line of the text that is a single dot would end the message (RFC 5321 4.5.2).
  const line = text.replace(/[\r\n]+/g, ' ').replace(/^\./, '..');
  const message =
    `From: ${from}\r\nTo: ${to}\r\nDate: ${day}\r\nSubject: [HAProxy Alert] ${line}\r\n\r\n` +
    `${line}\r\n\r\n.\r\n`;
  return [
    { send: '', expect: '2' },
    { send: `HELO ${myhostname ?? hostname()}\r\n`, expect: '2' },
    { send: `MAIL FROM:<${from}>\r\n`, expect: '2' },
    { send: `RCPT TO:<${to}>\r\n`, expect: '2' },
    { send: 'DATA\r\n', expect: '3' },
    { send: message, expect: '2' },
    { send: 'QUIT\r\n', expect: '2' },
  ];
}

function talk({ address }: Mailer, turns: readonly Turn[], timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let at = 0;
    let received = '';
    const socket: Socket = connect({ host: formatIp(address.bytes), port: address.port });
    const timer = setTimeout(() => fail('no answer in time'), timeoutMs);
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      settle();
    };
    const fail = (reason: string): void => end(() => reject(new Error(reason)));
    socket.setEncoding('latin1');
    socket.on('error', (error) => fail(error.message));
    socket.on('close', () => fail('it closed the connection'));
    socket.on('data', (chunk) => {
      received += chunk;
      if (received.length > ANSWER_MAX) return fail('its answer does not end');
      // The last line of an answer has a blank behind its code (RFC 5321 4.2.1).
      const [, code] = /(?:^|\n)([0-9]{3})(?: [^\n]*)?\r?\n$/.exec(received) ?? [];
      if (code === undefined) return;
      if (!code.startsWith(turns[at]!.expect)) return fail(`it answered ${received.trim()}`);
      received = '';
      at++;
      if (at === turns.length) return end(resolve);
      socket.write(turns[at]!.send, 'latin1');
    });
  });
}
