import { describe, expect, test } from 'bun:test';
import { Diagnostics } from './diagnostics.ts';
import { formatDiagnostic } from './print.ts';

const origin = { file: 'x.cfg', line: 12 };

describe('diagnostics on standard error', () => {
  test('severities fill a column, the process and the place follow', () => {
    const diagnostics = new Diagnostics();
    diagnostics.error(origin, "unknown keyword 'x' in 'global' section");
    diagnostics.warning(origin, 'careful');
    diagnostics.notice(null, 'New process forked');
    diagnostics.diag(origin, ": 'hello'.");
    diagnostics.error(origin, ': unmatched quote at position 1:\n  "a\n  ^');
    expect(diagnostics.list.map((found) => formatDiagnostic(found, 1234))).toEqual([
      "[ALERT]    (1234) : config : parsing [x.cfg:12] : unknown keyword 'x' in 'global' section",
      '[WARNING]  (1234) : config : parsing [x.cfg:12] : careful',
      '[NOTICE]   (1234) : config : New process forked',
      "[DIAG]     (1234) : config : parsing [x.cfg:12]: 'hello'.",
      '[ALERT]    (1234) : config : parsing [x.cfg:12]: unmatched quote at position 1:\n  "a\n  ^',
    ]);
  });
});
