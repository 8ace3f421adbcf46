// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the configuration's own syntax
import { afterEach, describe, expect, test } from 'bun:test';
import {
  type AddressSyntax,
  formatAddress,
  parseAddress,
  parseCidr,
  setHostResolver,
  splitAddressList,
} from './address.ts';

const bind: AddressSyntax = { port: 'required', range: true };
const server: AddressSyntax = { port: 'offset', range: false };
const log: AddressSyntax = { port: 'optional', range: false, datagram: true };
const bare: AddressSyntax = { port: 'none', range: false };
const variables: Record<string, string> = { HOST: '10.0.0.1', PORT: '80', ALL: '$HOST:$PORT' };
const parse = (text: string, what: AddressSyntax) =>
  parseAddress(text, what, { get: (name) => variables[name] ?? null });
const any6 = new Array<number>(16).fill(0);
const loopback6 = [...any6.slice(1), 1];

afterEach(() => setHostResolver(null));

describe('addresses (2.9)', () => {
  test.each([
    ['$HOST:80', '10.0.0.1', 80],
    ['${HOST}:${PORT}', '10.0.0.1', 80],
    ['ipv4@$HOST:8$PORT', '10.0.0.1', 880],
    ['${HOST:$PORT', '10.0.0.1', 80],
    ['$NOPE:80', '0.0.0.0', 80],
    ['$$HOST:80$', '10.0.0.1', 80],
  ])('%s has its variables replaced outside of quotes', (text, host, port) => {
    const [address] = parse(text, bind);
    expect(address!.bytes.join('.')).toBe(host);
    expect(address).toMatchObject({ port, text });
  });

  test('a value is not expanded again, and one that is missing is named', () => {
    expect(() => parse('$ALL', bind)).toThrow(
      "invalid character '$' in port number '$PORT' in '$ALL'",
    );
    expect(() => parse('${NOPE}', bind)).toThrow("'${NOPE}' resolves to an empty address");
  });

  test.each([
    ['127.0.0.1:80', 'ipv4', [127, 0, 0, 1], 80],
    ['*:80', 'ipv4', [0, 0, 0, 0], 80],
    [':80', 'ipv4', [0, 0, 0, 0], 80],
    ['[::1]:80', 'ipv6', loopback6, 80],
    ['::1:80', 'ipv6', loopback6, 80],
    [':::80', 'ipv6', any6, 80],
    ['[127.0.0.1]:80', 'ipv4', [127, 0, 0, 1], 80],
    ['1.2.3:80', 'ipv4', [1, 2, 0, 3], 80],
    ['ipv4@:80', 'ipv4', [0, 0, 0, 0], 80],
    ['ipv4@10.0.0.1:00080', 'ipv4', [10, 0, 0, 1], 80],
    ['ipv6@:80', 'ipv6', any6, 80],
    ['ipv6@*:80', 'ipv6', any6, 80],
    ['ipv6@:::80', 'ipv6', any6, 80],
    ['ip@[::1]:80', 'ipv6', loopback6, 80],
    ['tcp@127.0.0.1:80', 'ipv4', [127, 0, 0, 1], 80],
    ['tcp4@:80', 'ipv4', [0, 0, 0, 0], 80],
    ['tcp6@[::1]:80', 'ipv6', loopback6, 80],
    ['stream+ipv4@127.0.0.1:80', 'ipv4', [127, 0, 0, 1], 80],
    ['stream+ip@::1:65535', 'ipv6', loopback6, 65_535],
  ] as const)('%s', (text, family, bytes, port) => {
    const parsed = parse(text, bind);
    expect(parsed).toHaveLength(1);
    expect(parsed[0]).toMatchObject({ family, port, datagram: false, portOffset: false, text });
    expect(parsed[0]!.bytes).toEqual([...bytes]);
  });

  test.each([
    ['/tmp/x.sock', 'unix', '/tmp/x.sock'],
    ['unix@x.sock', 'unix', 'x.sock'],
    ['stream+unix@/x', 'unix', '/x'],
    ['uxst@/x', 'unix', '/x'],
    ['abns@name', 'abns', 'name'],
    ['/run/a:80', 'unix', '/run/a:80'],
  ] as const)('%s is a path or name', (text, family, path) => {
    expect(parse(text, bind)).toMatchObject([{ family, path, datagram: false, port: 0 }]);
  });

  test('fd@3 is an inherited descriptor, not for servers', () => {
    expect(parse('fd@3', bind)).toMatchObject([{ family: 'fd', fd: 3 }]);
    expect(parse('dgram+fd@3', log)).toMatchObject([{ fd: 3, datagram: true }]);
    expect(() => parse('fd@3', server)).toThrow(
      "a file descriptor is not acceptable here in 'fd@3'",
    );
  });

  test('a range yields one address per port, none shared', () => {
    const parsed = parse('127.0.0.1:80-82', bind);
    expect(parsed.map((address) => address.port)).toEqual([80, 81, 82]);
    parsed[0]!.bytes[0] = 9;
    expect(parsed[1]!.bytes[0]).toBe(127);
  });

  test('a server may have no port, a port, or an offset to the port of the client', () => {
    expect(parse('127.0.0.1', server)).toMatchObject([{ port: 0, portOffset: false }]);
    expect(parse('[::1]', server)).toMatchObject([{ port: 0, bytes: loopback6 }]);
    expect(parse('127.0.0.1:', server)).toMatchObject([{ port: 0, portOffset: false }]);
    expect(parse('127.0.0.1:+80', server)).toMatchObject([{ port: 80, portOffset: true }]);
    expect(parse('127.0.0.1:-80', server)).toMatchObject([{ port: -80, portOffset: true }]);
    expect(parse('127.0.0.1:+', server)).toMatchObject([{ port: 0, portOffset: true }]);
  });

  test('a keyword that defaults to datagrams takes both kinds (2.9.2, 2.9.3)', () => {
    expect(parse('127.0.0.1:514', log)).toMatchObject([{ datagram: true, port: 514 }]);
    expect(parse('tcp@127.0.0.1:514', log)).toMatchObject([{ datagram: false }]);
    expect(parse('udp4@127.0.0.1', log)).toMatchObject([{ datagram: true, port: 0 }]);
    expect(parse('udp6@[::1]:1', log)).toMatchObject([{ family: 'ipv6', datagram: true }]);
    expect(parse('/dev/log', log)).toMatchObject([{ family: 'unix', datagram: true }]);
    expect(parse('uxst@/x', log)).toMatchObject([{ family: 'unix', datagram: false }]);
    expect(parse('uxdg@/x', log)).toMatchObject([{ family: 'unix', datagram: true }]);
  });

  test.each([
    ['127.0.0.1', "missing port specification in '127.0.0.1'"],
    ['127.0.0.1:', "missing port specification in '127.0.0.1:'"],
    ['[::1]', "missing port specification in '[::1]'"],
    ['::1', "invalid address: ':' in '::1'"],
    ['127.0.0.1:0', "invalid port '0'"],
    ['127.0.0.1:65536', "invalid port '65536'"],
    ['127.0.0.1:80-', "invalid port ''"],
    ['127.0.0.1:1-70000', "invalid port '70000'"],
    ['127.0.0.1:82-80', "invalid port range '82-80'"],
    ['127.0.0.1:abc', "invalid character 'a' in port number 'abc' in '127.0.0.1:abc'"],
    ['127.0.0.1:80x', "invalid character 'x' in port number '80x' in '127.0.0.1:80x'"],
    ['127.0.0.1:+80', "port offset not permitted here in '127.0.0.1:+80'"],
    ['127.0.0.1:-80', "port offset not permitted here in '127.0.0.1:-80'"],
    ['ipv4@[::1]:80', "invalid address: '[::1]' in 'ipv4@[::1]:80'"],
    ['ipv6@127.0.0.1:80', "invalid address: '127.0.0.1' in 'ipv6@127.0.0.1:80'"],
    ['foo@127.0.0.1:80', "invalid address: 'foo@127.0.0.1' in 'foo@127.0.0.1:80'"],
    ['[]:80', "invalid address: '[]' in '[]:80'"],
    ['[*]:80', "invalid address: '[*]' in '[*]:80'"],
    ['[::1:80', "invalid address: '[::1' in '[::1:80'"],
    ['256.0.0.1:80', "invalid address: '256.0.0.1' in '256.0.0.1:80'"],
    ['udp@127.0.0.1:80', "dgram-type address not acceptable in 'udp@127.0.0.1:80'"],
    ['uxdg@/x', "dgram-type address not acceptable in 'uxdg@/x'"],
    ['fd@', "file descriptor '' is not a valid integer in 'fd@'"],
    ['fd@1x', "file descriptor '1x' is not a valid integer in 'fd@1x'"],
    ['unix@', "missing socket path in 'unix@'"],
    ['abns@', "missing socket name in 'abns@'"],
    ['', "'' resolves to an empty address (environment variable missing?)"],
  ])('bind %s is refused', (text, message) => {
    expect(() => parse(text, bind)).toThrow(message);
  });

  test('ranges and ports are refused where the keyword takes none', () => {
    expect(() => parse('127.0.0.1:80-81', server)).toThrow('port range not permitted here');
    expect(() => parse('127.0.0.1:+1', log)).toThrow('port offset not permitted here');
    expect(() => parse('127.0.0.1:1', bare)).toThrow('port specification not permitted');
    expect(() => parse('127.0.0.1:+70000', server)).toThrow("invalid port offset '+70000'");
  });

  test('a path longer than the kernel takes is refused', () => {
    expect(parse(`/${'x'.repeat(96)}`, bind)).toHaveLength(1);
    expect(() => parse(`/${'x'.repeat(97)}`, bind)).toThrow('too long (max 97)');
    expect(parse(`abns@${'x'.repeat(107)}`, bind)).toHaveLength(1);
    expect(() => parse(`abns@${'x'.repeat(108)}`, bind)).toThrow('too long (max 107)');
  });

  test.each([
    'abnsz@x',
    'sockpair@3',
    'stream+sockpair@3',
    'mptcp@:80',
    'mptcp4@:80',
    'mptcp6@:80',
    'quic4@:80',
    'quic6@:80',
    'quic+ip@:80',
    'rhttp@x',
  ])('%s is refused by name', (text) => {
    const prefix = /^[^@]*@|^quic\+/.exec(text)![0];
    expect(() => parse(text, bind)).toThrow(/addresses are not supported yet in/);
    expect(() => parse(text, bind)).toThrow(prefix.slice(0, 4));
  });

  test('a host name is asked of the resolver, with the family of the prefix', () => {
    const asked: string[] = [];
    setHostResolver((host, family) => {
      asked.push(`${host} ${family}`);
      if (host !== 'web') return null;
      return family === 'ipv6' ? loopback6 : [192, 0, 2, 1];
    });
    expect(parse('web:80', bind)[0]!.bytes).toEqual([192, 0, 2, 1]);
    expect(parse('ipv6@web:80', bind)[0]!.family).toBe('ipv6');
    expect(() => parse('other:80', bind)).toThrow("invalid address: 'other' in 'other:80'");
    expect(asked).toEqual(['web any', 'web ipv6', 'other any']);
  });

  test('a list is cut at commas; only the last address may be empty', () => {
    expect(splitAddressList(':80,:81')).toEqual([':80', ':81']);
    expect(splitAddressList(':80,')).toEqual([':80']);
    expect(() => splitAddressList(':80,,:81')).toThrow('resolves to an empty address');
  });

  test.each([
    ['127.0.0.1:80', '127.0.0.1:80'],
    ['[2001:db8::1]:8124', '2001:db8::1:8124'],
    ['/tmp/x', '/tmp/x'],
    ['abns@x', 'abns@x'],
    ['fd@3', 'fd@3'],
  ])('%s prints as %s in messages', (text, printed) => {
    expect(formatAddress(parse(text, bind)[0]!)).toBe(printed);
  });
});

describe('networks (7.1.6)', () => {
  test.each([
    ['127.0.0.1', [127, 0, 0, 1], 32],
    ['10.0.0.0/8', [10, 0, 0, 0], 8],
    ['10.12/8', [10, 0, 0, 0], 8],
    ['192.168.1/22', [192, 168, 0, 0], 22],
    ['10.0.0.0/255.0.0.0', [10, 0, 0, 0], 8],
    ['1.2.3.4/255.255.255.128', [1, 2, 3, 0], 25],
    ['1.2.3.4/0.0.0.0', [0, 0, 0, 0], 0],
    ['10.0.0.0/08', [10, 0, 0, 0], 8],
    ['::1', loopback6, 128],
    ['::/0', any6, 0],
    ['2001:db8:ffff::/33', [0x20, 0x01, 0x0d, 0xb8, 0x80, ...any6.slice(5)], 33],
  ])('%s', (text, bytes, prefix) => {
    expect(parseCidr(text)).toEqual({ bytes, prefix });
  });

  test.each([
    '',
    'foo',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/8x',
    '10.0.0.0/1.2',
    '1.2.3.4.5',
    '::1/129',
    '::/ffff::',
    '2001:db8::/255.0.0.0',
    '/8',
  ])('%p is no network', (text) => {
    expect(() => parseCidr(text)).toThrow(`'${text}' is not a valid IPv4 or IPv6 address`);
  });

  test('a mask with holes is refused by name', () => {
    expect(() => parseCidr('10.0.0.0/255.0.255.0')).toThrow('with holes is not supported yet');
  });

  test('a host name stands for IPv4 only', () => {
    setHostResolver((host, family) => (host === 'web' && family === 'ipv4' ? [1, 2, 3, 4] : null));
    expect(parseCidr('web/24')).toEqual({ bytes: [1, 2, 3, 0], prefix: 24 });
  });
});
