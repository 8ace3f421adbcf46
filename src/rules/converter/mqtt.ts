/**
 * The first message of each side of an MQTT connection (configuration.txt 7.3.1 `mqtt_is_valid`,
 * `mqtt_field_value`): CONNECT and CONNACK of MQTT 3.1, 3.1.1 and 5.0 (OASIS MQTT 5.0, 3.1 and 3.2).
 *
 * A packet is walked once; on the way the one field that is asked for is kept.
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import type { ArgConfig } from '../../model/config.ts';
import { mem } from '../../sys/arena.ts';
import { asString } from '../cast.ts';
import type { Convert } from '../context.ts';
import type { ConverterRow } from '../row.ts';
import { type Sample, SampleType } from '../sample.ts';

const enum Packet {
  Connect = 1,
  Connack = 2,
}

const packetNames = [
  ...['', 'connect', 'connack', 'publish', 'puback', 'pubrec', 'pubrel', 'pubcomp', 'subscribe'],
  ...['suback', 'unsubscribe', 'unsuback', 'pingreq', 'pingresp', 'disconnect', 'auth'],
];

/** Fields other than properties, whose number is that of MQTT: those are above all properties. */
const enum Field {
  None = 0,
  Flags = 100,
  ProtocolName,
  ProtocolVersion,
  ClientIdentifier,
  WillTopic,
  WillPayload,
  Username,
  Password,
  KeepAlive,
  ReasonCode,
}

const connectFields: Record<string, Field> = {
  flags: Field.Flags,
  protocol_name: Field.ProtocolName,
  protocol_version: Field.ProtocolVersion,
  client_identifier: Field.ClientIdentifier,
  will_topic: Field.WillTopic,
  will_payload: Field.WillPayload,
  username: Field.Username,
  password: Field.Password,
  keepalive: Field.KeepAlive,
};

const connackFields: Record<string, Field> = {
  flags: Field.Flags,
  protocol_version: Field.ProtocolVersion,
  reason_code: Field.ReasonCode,
};

const enum Form {
  None = 0,
  Byte,
  Short,
  Word,
  /** Two bytes of length, then a string or binary data. */
  Text,
  /** Two of these. */
  Pair,
}

/** Forms of properties by their number (MQTT 5.0, 2.2.2.2), as they occur in one place. */
function compileForms(table: Partial<Record<Form, readonly number[]>>): Uint8Array {
  const of = new Uint8Array(256);
  for (const [form, ids] of Object.entries(table)) for (const id of ids) of[id] = Number(form);
  return of;
}

const USER_PROPERTY = 38;

const connectForms = compileForms({
  [Form.Byte]: [23, 25],
  [Form.Short]: [33, 34],
  [Form.Word]: [17, 39],
  [Form.Text]: [21, 22],
  [Form.Pair]: [USER_PROPERTY],
});

const willForms = compileForms({
  [Form.Byte]: [1],
  [Form.Word]: [2, 24],
  [Form.Text]: [3, 8, 9],
  [Form.Pair]: [USER_PROPERTY],
});

const connackForms = compileForms({
  [Form.Byte]: [36, 37, 40, 41, 42],
  [Form.Short]: [19, 33, 34],
  [Form.Word]: [17, 39],
  [Form.Text]: [18, 21, 22, 26, 28, 31],
  [Form.Pair]: [USER_PROPERTY],
});

const enum ConnectFlag {
  Reserved = 1,
  Will = 4,
  Password = 0x40,
  Username = 0x80,
}

/** Where the packet is read, where it ends, and whether all of it is right so far. */
let at = 0;
let end = 0;
let isWhole = true;

/** What is asked for, and what was found of it. */
let wanted = Field.None as number;
let isFound = false;
let isNumber = false;
let foundNumber = 0;
let foundOff = 0;
let foundLen = 0;

function keepNumber(field: number, value: number): void {
  if (field !== wanted) return;
  isFound = true;
  isNumber = true;
  foundNumber = value;
}

/** @returns whether so many bytes are left; without them nothing more is read */
function has(bytes: number): boolean {
  if (end - at < bytes) isWhole = false;
  return isWhole;
}

/** @param field what the number is, if anyone asks */
function readNumber(bytes: number, field: number): number {
  if (!has(bytes)) return 0;
  let value = 0;
  for (const stop = at + bytes; at < stop; at++) value = value * 256 + mem[at]!;
  keepNumber(field, value);
  return value;
}

function readText(field: number): void {
  const len = readNumber(2, Field.None);
  if (!has(len)) return;
  if (field === wanted && len > 0) {
    isFound = true;
    isNumber = false;
    foundOff = at;
    foundLen = len;
  }
  at += len;
}

/** Bytes of the length of a packet. */
const LENGTH_MAX = 4;

/** A number of one to four bytes of seven bits (MQTT 5.0, 1.5.5). */
function readVariable(): number {
  let value = 0;
  for (let shift = 0; shift < LENGTH_MAX * 7; shift += 7) {
    const byte = readNumber(1, Field.None);
    value |= (byte & 0x7f) << shift;
    if ((byte & 0x80) === 0) return value;
  }
  isWhole = false;
  return 0;
}

/** Numbers of properties of the same packet that have been read: no other may come twice. */
const isRead = new Uint8Array(256);

function readProperties(known: Uint8Array): void {
  const len = readVariable();
  if (!has(len)) return;
  isRead.fill(0);
  // As in HAProxy: a number that is not there is 0.
  if (known[wanted]! !== Form.None && known[wanted]! < Form.Text) keepNumber(wanted, 0);
  const stop = at + len;
  const packetEnd = end;
  end = stop;
  while (isWhole && at < stop) readProperty(known);
  end = packetEnd;
}

function readProperty(known: Uint8Array): void {
  const id = readNumber(1, Field.None);
  if (isRead[id]! > 0 && id !== USER_PROPERTY) isWhole = false;
  isRead[id] = 1;
  switch (known[id]! as Form) {
    case Form.Byte:
      readNumber(1, id);
      break;
    case Form.Short:
      readNumber(2, id);
      break;
    case Form.Word:
      readNumber(4, id);
      break;
    case Form.Pair:
      readText(Field.None);
      readText(Field.None);
      break;
    case Form.Text:
      readText(id);
      break;
    default:
      isWhole = false;
  }
}

/** As in HAProxy, the protocol's name and most of the flags may say what they like. */
function readConnect(): boolean {
  readText(Field.ProtocolName);
  const version = readNumber(1, Field.ProtocolVersion);
  if (version < 3 || version > 5) return false;
  const flags = readNumber(1, Field.Flags);
  if ((flags & ConnectFlag.Reserved) !== 0) return false;
  readNumber(2, Field.KeepAlive);
  if (version === 5) readProperties(connectForms);
  readText(Field.ClientIdentifier);
  if ((flags & ConnectFlag.Will) !== 0) {
    if (version === 5) readProperties(willForms);
    readText(Field.WillTopic);
    readText(Field.WillPayload);
  }
  if ((flags & ConnectFlag.Username) !== 0) readText(Field.Username);
  if ((flags & ConnectFlag.Password) !== 0) readText(Field.Password);
  return isWhole && at === end;
}

/** Version 5.0 has at least the length of its properties on top of the two bytes. */
function readConnack(): boolean {
  keepNumber(Field.ProtocolVersion, end - at === 2 ? 4 : 5);
  const flags = readNumber(1, Field.Flags);
  readNumber(1, Field.ReasonCode);
  if ((flags & ~1) !== 0) return false;
  if (at < end) readProperties(connackForms);
  return isWhole && at === end;
}

/**
 * @param packet the type that it must be; 0 = either
 * @param field what is asked for
 * @returns whether the sample is one valid packet; null = there is more to come
 */
function readPacket(sample: Sample, packet: Packet | 0, field: number): boolean | null {
  at = sample.off;
  end = sample.off + sample.len;
  isWhole = true;
  wanted = field;
  isFound = false;
  const first = readNumber(1, Field.None);
  const len = readVariable();
  if (!isWhole && at - sample.off > LENGTH_MAX) return false;
  if (!has(len)) return null;
  if (end - at !== len) return false;
  if (first === Packet.Connect << 4) return packet !== Packet.Connack && readConnect();
  return first === Packet.Connack << 4 && packet !== Packet.Connect && readConnack();
}

function packetOf(name: string): number {
  const number = /^[0-9]+$/.test(name) ? Number(name) : packetNames.indexOf(name.toLowerCase());
  return number < packetNames.length ? number : -1;
}

/** @returns 0 = there is no such field */
function fieldOf(packet: number, name: string): number {
  const isConnect = packet === Packet.Connect;
  if (!isConnect && packet !== Packet.Connack) return Field.None;
  const named = (isConnect ? connectFields : connackFields)[name.toLowerCase()];
  if (named !== undefined) return named;
  if (!/^[1-9][0-9]?$/.test(name)) return Field.None;
  const id = Number(name);
  const isProperty = isConnect
    ? connectForms[id] !== Form.None || willForms[id] !== Form.None
    : connackForms[id] !== Form.None;
  return isProperty ? id : Field.None;
}

function checkField(args: ArgConfig[]): void {
  const type = String(args[0]);
  const name = String(args[1]);
  const packet = packetOf(type);
  if (packet <= 0) throw new ConfigError(`Unknown MQTT type '${type}'`);
  if (fieldOf(packet, name) === Field.None) {
    throw new ConfigError(`Unknown MQTT field name '${name}' for packet type '${type}'`);
  }
  if (name === String(USER_PROPERTY)) {
    throw new ConfigError(`MQTT property ${USER_PROPERTY} (User Property) is not supported`);
  }
}

function compileField(args: readonly ArgConfig[]): Convert {
  const packet = packetOf(String(args[0])) as Packet;
  const field = fieldOf(packet, String(args[1]));
  return (_ctx, sample) => {
    if (readPacket(sample, packet, field) !== true || !isFound) return false;
    if (!isNumber) sample.setStr(foundOff, foundLen);
    else {
      sample.setInt(foundNumber);
      if (!asString(sample)) return false;
    }
    sample.type = SampleType.Bin;
    return true;
  };
}

export const mqttConverters = [
  {
    name: 'mqtt_field_value',
    args: 'string,string',
    in: 'bin',
    out: 'bin',
    doc: 'a field of an MQTT CONNECT or CONNACK packet: type (connect), name or property number',
    check: checkField,
    compile: compileField,
  },
  {
    name: 'mqtt_is_valid',
    args: '',
    in: 'bin',
    out: 'bool',
    doc: 'whether this is a valid MQTT CONNECT or CONNACK packet',
    compile: () => (_ctx, sample) => {
      const isValid = readPacket(sample, 0, Field.None);
      sample.setBool(isValid === true);
      return isValid !== null;
    },
  },
] as const satisfies readonly ConverterRow[];
