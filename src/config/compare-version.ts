/**
 * Orders versions as `haproxy -v` and OpenSSL write them: up to three numbers, then a stage
 * (`-dev4` < `-pre1` < `-rc2` < released) and the number of fixes behind a release (`3.4.1-12`).
 * Missing parts are zero; OpenSSL's letters (`1.1.1w`) order after the bare number.
 */

const stages = ['dev', 'pre', 'rc', ''];

function rank(version: string): number[] {
  const match =
    /^v?(?:(\d+)(?:\.(\d+)(?:\.(\d+)([a-z])?(?:\.(\d+))?)?)?)?(?:-(dev|pre|rc)(\d+)?)?(?:-(\d+))?/.exec(
      version.trim(),
    )!;
  const number = (text: string | undefined) => (text === undefined ? 0 : Number(text));
  const [, major, minor, patch, letter, extra, stage, stageNumber, fixes] = match;
  return [
    number(major),
    number(minor),
    number(patch),
    letter === undefined ? 0 : letter.charCodeAt(0),
    number(extra),
    stages.indexOf(stage ?? ''),
    number(stageNumber),
    number(fixes),
  ];
}

/** Negative when `a` is older than `b`, 0 when they are the same, positive when newer. */
export function compareVersions(a: string, b: string): number {
  const left = rank(a);
  const right = rank(b);
  for (let i = 0; i < left.length; i++) {
    if (left[i] !== right[i]) return left[i]! - right[i]!;
  }
  return 0;
}
