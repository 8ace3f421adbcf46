import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { captureLayout } from '../../model/capture.ts';
import { proxyConfig } from '../../model/config-fixture.ts';
import { mem, reserve, text } from '../../sys/arena.ts';
import { environment } from '../log-format/environment.ts';
import { testScope } from '../rule-fixture.ts';
import { compileRuleset } from '../ruleset.ts';
import { captureReference } from './capture.ts';
import { contextOf, rulesOf } from './message-fixture.ts';

const request = 'GET /a HTTP/1.1\r\nHost: h\r\nX-T: one two\r\n\r\n';

describe('4.4 capture', () => {
  const slots: { name: string; length: number }[] = [{ name: 'host', length: 4 }];
  const withSlots = {
    ...testScope(),
    captureSlot: (length: number) => slots.push({ name: '', length }) - 1,
  };
  const known = environment.captureLayouts;
  beforeAll(() => {
    rulesOf(['http-request capture req.hdr(x-t) len 5'], withSlots);
    const proxy = proxyConfig({
      captureRequest: slots,
      captureResponse: [{ name: 'x', length: 3 }],
      captureCookie: null,
    });
    environment.captureLayouts = [captureLayout(proxy, 64)];
  });
  afterAll(() => {
    environment.captureLayouts = known;
  });

  function captured(lines: string[], slot: number, response = false): string | null {
    const ctx = contextOf(request);
    const layout = environment.captureLayouts[0]!;
    const block = reserve(layout.size);
    mem.fill(0, block, block + layout.size);
    ctx.stream!.captureOff = block;
    compileRuleset(rulesOf(lines, withSlots)).run(ctx, 0);
    const { at } = (response ? layout.response : layout.request)[slot]!;
    const stored = mem[block + at]! | (mem[block + at + 1]! << 8);
    return stored === 0 ? null : text(block + at + 2, stored - 1);
  }

  test('"len" declares a slot of that size and cuts the value to it', () => {
    expect(slots[1]).toEqual({ name: '', length: 5 });
    expect(captured(['http-request capture req.hdr(x-t) id 1'], 1)).toBe('one t');
  });
  test('"id" uses a slot that exists, one that does not is ignored', () => {
    expect(captured(['http-request capture method id 0'], 0)).toBe('GET');
    expect(captured(['http-request capture method id 9'], 0)).toBeNull();
    expect(captured(['http-response capture int(12345) id 0'], 0, true)).toBe('123');
  });
  test('a sample without a value leaves the slot alone', () => {
    expect(captured(['http-request capture req.hdr(none) id 0'], 0)).toBeNull();
    const both = ['http-request capture method id 0', 'http-request capture req.hdr(none) id 0'];
    expect(captured(both, 0)).toBe('GET');
  });
  test('references can be checked when the section is complete', () => {
    const [byId, other] = rulesOf(['http-response capture status id 3', 'http-request allow']);
    expect(captureReference(byId!)).toEqual({ response: true, slot: 3 });
    expect(captureReference(other!)).toBeNull();
  });
});
