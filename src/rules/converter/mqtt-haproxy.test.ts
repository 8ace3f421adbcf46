/** Fields of MQTT packets are what HAProxy finds (configuration.txt 7.3.1). */
import { expect, test } from 'bun:test';
import { expressionDifferences } from '../haproxy-fixture.ts';

const text = (value: string) =>
  `${String.fromCharCode(value.length >> 8, value.length & 255)}${value}`;
const packet = (type: number, body: string) => `${String.fromCharCode(type, body.length)}${body}`;
const will = '\x01\x01\x02\0\0\0\x09\x03\0\x01c\x08\0\x01r\x09\0\x02cd\x18\0\0\0\x07';
const properties =
  '\x11\0\0\x0e\x10\x21\0\x14\x27\0\0\x01\0\x22\0\x0a\x19\x01\x17\0\x15\0\x01m\x16\0\x02da\x26\0\x01k\0\x01v';
const sized = (value: string) => `${String.fromCharCode(value.length)}${value}`;

const v3 = (flags: string, rest: string) => packet(0x10, `\0\x04MQTT\x04${flags}\0\x3c${rest}`);
const v5 = (flags: string, rest: string) => packet(0x10, `\0\x04MQTT\x05${flags}\x01\0${rest}`);

const packets: string[] = [
  v3('\x02', text('device-1')),
  v3('\x02', text('')),
  v3('\xc2', text('id') + text('user') + text('secret')),
  v3('\xf6', text('id') + text('will/topic') + text('bye') + text('user') + text('secret')),
  v3('\x82', text('id') + text('user')),
  v3('\x42', text('id') + text('secret')),
  v3('\x03', text('id')),
  v3('\x1e', text('id') + text('t') + text('p')),
  v3('\x0a', text('id')),
  v3('\x22', text('id')),
  v3('\x02', `${text('id')}x`),
  v3('\x02', text('id').slice(0, -1)),
  v3('\x82', text('id')),
  packet(0x10, `\0\x06MQIsdp\x03\x02\0\x0a${text('old')}`),
  packet(0x10, `\0\x06MQIsdp\x04\x02\0\x0a${text('old')}`),
  packet(0x10, `\0\x04MQTT\x03\x02\0\x0a${text('old')}`),
  packet(0x10, `\0\x04MQTT\x06\x02\0\x0a${text('new')}`),
  packet(0x10, `\0\x04mqtt\x04\x02\0\x0a${text('id')}`),
  packet(0x11, `\0\x04MQTT\x04\x02\0\x0a${text('id')}`),
  `\x10\x90\x80\x00\0\x04MQTT\x04\x02\0\x0a${text('wide')}`,
  `\x10\x8f\x80\x80\x80\x01\0\x04MQTT\x04\x02\0\x0a${text('id')}`,
  v5('\x02', `\0${text('five')}`),
  v5('\x02', `${sized(properties)}${text('five')}`),
  v5('\x42', `\0${text('five')}${text('secret')}`),
  v5('\xc6', `\0${text('id')}${sized(will)}${text('t')}${text('p')}${text('u')}${text('s')}`),
  v5('\x06', `\0${text('id')}\0${text('t')}${text('')}`),
  v5('\x02', `${sized('\x26\0\x01k\0\x01v\x26\0\x01k\0\x01w')}${text('id')}`),
  v5('\x02', `${sized('\x24\x01')}${text('id')}`),
  v5('\x02', `${sized('\x11\0\0')}${text('id')}`),
  v5('\x02', `\x7f${text('id')}`),
  v5('\x02', `${sized('\x21\0\x05\x21\0\x06')}${text('twice')}`),
  packet(0x20, '\0\0'),
  packet(0x20, '\x01\0'),
  packet(0x20, '\0\x05'),
  packet(0x20, '\x02\0'),
  packet(0x20, '\0\0\0'),
  packet(
    0x20,
    `\x01\x87${sized('\x11\0\0\0\x05\x21\0\x07\x24\x01\x25\0\x27\0\0\x02\0\x12\0\x03abc')}`,
  ),
  packet(
    0x20,
    `\0\0${sized('\x22\0\x09\x1f\0\x02no\x26\0\x01k\0\x01v\x28\x01\x29\0\x2a\x01\x13\0\x1e\x1a\0\x01i\x1c\0\x01s\x15\0\x01m\x16\0\x01d')}`,
  ),
  packet(0x20, '\0\0\x01'),
  packet(0x20, '\0'),
  packet(0x20, '\0\0\x02\x17\x01'),
  packet(0x21, '\0\0'),
  packet(0x30, text('topic')),
  packet(0xf0, ''),
  '',
  '\x10',
  '\x30',
  '\x30\x05',
  '\x10\xff\xff\xff\xff',
  '\x10\xff\xff\xff\x7fx',
  '\x10\xff\xff',
  '\x20\x05\0\0',
  `${packet(0x20, '\0\0')}more`,
];

const connect =
  'flags protocol_name protocol_version client_identifier will_topic will_payload username password keepalive 17 33 39 34 25 23 21 22 24 1 2 3 8 9';
const connack =
  'flags protocol_version reason_code 17 33 36 37 39 18 34 31 40 41 42 19 26 28 21 22';

test.skipIf(!Bun.which('haproxy'))(
  '7.3.1: MQTT packets are read as HAProxy reads them',
  async () => {
    const expressions = packets.flatMap((bytes) => {
      const source = `str(${Buffer.from(bytes, 'latin1').toString('base64')}),b64dec`;
      const fields = bytes.startsWith('\x20')
        ? connack.split(' ').map((name) => `mqtt_field_value(connack,${name})`)
        : connect.split(' ').map((name) => `mqtt_field_value(connect,${name})`);
      return ['mqtt_is_valid', ...fields].map((step) => `${source},${step}`);
    });
    const differences: string[] = [];
    // As many as one request has room for.
    for (let from = 0; from < expressions.length; from += 300) {
      const head = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';
      differences.push(...(await expressionDifferences(expressions.slice(from, from + 300), head)));
    }
    // HAProxy 3.2 spoils the end of the name of MQTT 3.1 (docs/differences.md).
    expect(differences.filter((line) => !line.includes('haproxy <4D5149736434>'))).toEqual([]);
  },
);
