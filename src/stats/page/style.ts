/**
 * How the page looks: tables that scroll sideways on wide screens, cards on narrow ones, light or dark
 * as the reader's system is. No scripts, nothing from elsewhere; ASCII only, because names in the page
 * are the bytes of the configuration.
 */
import { columns } from './column.ts';

/** In cards each cell says what it is; the table head does in tables. */
function labels(): string {
  return columns
    .map(({ group, label }, i) => {
      const text = group === '' ? label : `${group}: ${label}`;
      return `tr>:nth-child(${i + 2})::before{content:"${text}"}`;
    })
    .join('');
}

export const style = `
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1b2430;--soft:#5b6675;--line:#dde2e9;
--up:#1a7f45;--down:#c0272d;--warn:#a66300;--off:#4c6a9c;--head:#eef1f5;--link:#1a5fb4}
@media (prefers-color-scheme:dark){:root{--bg:#12161c;--card:#1a2029;--ink:#e4e9f0;--soft:#93a0b1;
--line:#2b3441;--up:#4cc97f;--down:#ff6b6b;--warn:#f0b04c;--off:#8db1e8;--head:#222a35;--link:#7ab4ff}}
*{box-sizing:border-box}
body{margin:0;padding:1rem;background:var(--bg);color:var(--ink);font:14px/1.4 system-ui,sans-serif}
a{color:var(--link)}
h1{font-size:1.3rem;margin:0}
h2{font-size:1.05rem;margin:0;display:inline}
header p{margin:.2rem 0 .8rem;color:var(--soft)}
nav{display:flex;flex-wrap:wrap;gap:.4rem 1rem;margin:.6rem 0;align-items:center}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:.4rem .8rem;margin:0}
dt{color:var(--soft);font-size:.8rem}dd{margin:0;font-variant-numeric:tabular-nums}
section,.facts,.note{background:var(--card);border:1px solid var(--line);border-radius:8px;
padding:.8rem;margin:0 0 1rem}
.note{border-left:4px solid var(--warn)}.note.good{border-left-color:var(--up)}
.soft{color:var(--soft)}
.wide{overflow-x:auto;margin-top:.5rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.86rem;width:100%}
th,td{padding:.25rem .45rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
thead th{background:var(--head);font-weight:600;text-align:center}
tbody th{text-align:left;position:sticky;left:0;background:var(--card);font-weight:600}
td:nth-child(2){text-align:left;font-weight:600}
.up td:nth-child(2){color:var(--up)}.down td:nth-child(2){color:var(--down)}
.going td:nth-child(2){color:var(--warn)}.off td:nth-child(2){color:var(--off)}
tr.sum{background:var(--head)}tr.sum th{background:var(--head)}
details dl{min-width:18rem;max-width:44rem;padding:.4rem 0;text-align:left;white-space:normal}
summary{cursor:pointer;color:var(--link)}
fieldset{border:0;padding:.6rem 0 0;margin:0}
select,button,input{font:inherit;padding:.25rem .5rem}
footer{color:var(--soft)}
@media (max-width:48rem){body{padding:.5rem}.wide{overflow:visible}
table,tbody,tr{display:block}thead{display:none}
tr{border:1px solid var(--line);border-radius:6px;margin:.5rem 0;padding:.4rem .6rem;
display:grid;grid-template-columns:repeat(auto-fill,minmax(8.5rem,1fr));gap:.2rem .8rem}
th,td{border:0;padding:.1rem 0;text-align:left;white-space:normal}
tbody th,td:last-child{grid-column:1/-1;position:static}td:empty{display:none}
td::before{display:block;color:var(--soft);font-size:.75rem;font-weight:400}
td:last-child::before{display:none}
${labels()}
}
`;
