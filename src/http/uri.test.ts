import { describe, expect, test } from 'bun:test';
import { reserveBytes, text } from '../sys/arena.ts';
import {
  authorityEnd,
  authorityStart,
  hostStart,
  pathEnd,
  pathStart,
  queryMark,
  schemeLength,
  TargetForm,
  targetForm,
} from './uri.ts';

function parts(target: string) {
  const off = reserveBytes(target);
  const len = target.length;
  const end = off + len;
  const path = pathStart(off, len);
  const mark = queryMark(off, len);
  const authority = authorityStart(off, len);
  const authorityStop = authorityEnd(authority, off, len);
  return {
    form: targetForm(off, len),
    scheme: text(off, schemeLength(off, len)),
    authority: text(authority, authorityStop - authority),
    host: text(
      hostStart(authority, authorityStop),
      authorityStop - hostStart(authority, authorityStop),
    ),
    path: path === end ? null : text(path, pathEnd(path, off, len) - path),
    query: mark === end ? null : text(mark + 1, end - mark - 1),
  };
}

describe('RFC 9112 3.2: the parts of a request target', () => {
  const none = { scheme: '', authority: '', host: '', path: null, query: null };
  test('origin-form has a path and perhaps a query', () => {
    expect(parts('/a/b?q=1')).toEqual({
      ...none,
      form: TargetForm.Origin,
      path: '/a/b',
      query: 'q=1',
    });
    expect(parts('/a?b?c')).toMatchObject({ path: '/a', query: 'b?c' });
    expect(parts('/?')).toMatchObject({ path: '/', query: '' });
    expect(parts('//host/path')).toMatchObject({ path: '//host/path', authority: '' });
  });
  test('absolute-form has a scheme and an authority before the path', () => {
    expect(parts('http://u:p@h.com:81/a?b')).toEqual({
      form: TargetForm.Absolute,
      scheme: 'http',
      authority: 'u:p@h.com:81',
      host: 'h.com:81',
      path: '/a',
      query: 'b',
    });
    expect(parts('a+b-c.9://h')).toMatchObject({ scheme: 'a+b-c.9', authority: 'h', path: null });
  });
  test('absolute-form without a path has none, even with a query that holds a slash', () => {
    expect(parts('http://h?a/b')).toMatchObject({ authority: 'h', path: null, query: 'a/b' });
  });
  test('authority-form and asterisk-form have no path', () => {
    expect(parts('h.com:443')).toMatchObject({
      form: TargetForm.Authority,
      authority: 'h.com:443',
      path: null,
    });
    expect(parts('*')).toEqual({ ...none, form: TargetForm.Asterisk });
    expect(parts('')).toEqual({ ...none, form: TargetForm.Empty });
  });
  test('a colon without two slashes does not end a scheme', () => {
    expect(parts('h:80/x://y')).toMatchObject({ form: TargetForm.Authority, scheme: '' });
    expect(parts('1http://h/')).toMatchObject({ scheme: '' });
  });
});
