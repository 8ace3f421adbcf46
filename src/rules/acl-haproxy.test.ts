/** ACLs match what HAProxy's match (configuration.txt 7.1). */
import { expect, test } from 'bun:test';
import { compileCondition, parseCondition } from './condition.ts';
import { askHaproxy, quoteWord } from './haproxy-fixture.ts';
import { testContext, testScope } from './rule-fixture.ts';

const haproxyMissing = !Bun.which('haproxy');

const head =
  'GET /images/png/logo/32x32.png?x=1 HTTP/1.1\r\nHost: www1.dc-eu.example.com:80\r\n' +
  'List: Alpha, beta ,,GAMMA\r\nList: delta\r\nNum: 5, 12, x7\r\nNeg: -3\r\nEmpty:\r\n' +
  'Ip: x, 10.1.2.3\r\nIp6: 2001:db8::1\r\nCookie: a=1; b=Two; a=3\r\nContent-Length: 0\r\n\r\n';

// One condition per line: words between blanks.
const conditions = `
if { path /images/png/logo/32x32.png }
if { path -i /IMAGES/png/logo/32x32.png }
if { path /IMAGES/png/logo/32x32.png }
if { path_beg /static /images /img }
if { path_beg /static /imagesx }
if { path_beg -i /IMG /IMAGES }
if { path_end .gif .png }
if { path_end .gif .PNG }
if { path_end -i .gif .PNG }
if { path_sub logo/32 }
if { path_sub logox }
if { path_sub -i LOGO }
if { path_dir /images }
if { path_dir images/png }
if { path_dir /images/png }
if { path_dir /png/logo/ }
if { path_dir logo/32x32.png }
if { path_dir 32x32.png }
if { path_dir png }
if { path_dir 32x32 }
if { path_dir mages }
if { path_dir / }
if { url_dir 32x32.png }
if { url_dir x=1 }
if { url_dom png?x=1 }
if { url_dom x=1 }
if { url_dom 32x32 }
if { str(a.b/c:d?e) -m dir a.b }
if { str(a.b/c:d?e) -m dir c:d?e }
if { str(a.b/c:d?e) -m dir c:d }
if { str(a.b/c:d?e) -m dir e }
if { str(a.b/c:d?e) -m dom a }
if { str(a.b/c:d?e) -m dom b/c }
if { str(a.b/c:d?e) -m dom d }
if { str(a.b/c:d?e) -m dom e }
if { str(a.b/c:d?e) -m dom .b. }
if { str(a.b/c:d?e) -m dom . }
if { str(a.b.) -m dom . }
if { str(.a.b) -m dom . }
if { str(/a/) -m dir x // }
if { str(a?) -m dir / }
if { str() -m dir / }
if { hdr_dom(host) www1 }
if { hdr_dom(host) .www1 }
if { hdr_dom(host) dc-eu }
if { hdr_dom(host) eu }
if { hdr_dom(host) dc }
if { hdr_dom(host) dc-eu.example }
if { hdr_dom(host) EXAMPLE }
if { hdr_dom(host) -i EXAMPLE }
if { hdr_dom(host) com:80 }
if { hdr_dom(host) 80 }
if { hdr_dom(host) :www1: }
if { hdr_beg(host) -i WWW1. }
if { hdr_beg(host) www. }
if { hdr_end(host) :80 }
if { hdr_len(host) 26 }
if { hdr_len(host) 20:30 }
if { hdr_len(host) gt 26 }
if { hdr_reg(host) ^www[0-9]+[.] }
if { hdr_reg(host) -i ^WWW }
if { hdr_reg(host) ^WWW }
if { hdr(list) beta }
if { hdr(list) delta }
if { hdr(list) gamma }
if { hdr(list) -i gamma }
if { hdr(list,1) Alpha }
if { hdr(list,2) Alpha }
if { hdr(list,-1) delta }
if { req.fhdr(list) delta }
if { req.fhdr(list) "Alpha, beta ,,GAMMA" }
if { hdr(nosuch) -m found }
if { hdr(empty) -m found }
if { hdr(empty) -m len 0 }
if { hdr_cnt(list) 5 }
if { hdr_cnt(list) eq 5 }
if { hdr_cnt(list) gt 4 lt 2 }
if { hdr_cnt(list) ge 6 }
if { hdr_cnt(nosuch) 0 }
if { hdr_val(num) 12 }
if { hdr_val(num) 13: }
if { hdr_val(num) :5 }
if { hdr_val(num) 0 }
if { hdr_val(num) gt 11 }
if { hdr_val(neg) lt 0 }
if { hdr_val(neg) -- -3 }
if { hdr_ip(ip) 10.0.0.0/8 }
if { hdr_ip(ip) 10.1.2.3 }
if { hdr_ip(ip) 10.1.2.4 }
if { hdr_ip(ip) 10.1.0.0/255.255.0.0 }
if { hdr_ip(ip) 10.0.0.3/255.0.0.255 }
if { hdr_ip(ip) 10.0.0.4/255.0.0.255 }
if { hdr_ip(ip) ::ffff:10.1.2.3 }
if { hdr_ip(ip) ::ffff:10.0.0.0/104 }
if { hdr_ip(ip6) 2001:db8::/32 }
if { hdr_ip(ip6) 2001:db9::/32 }
if { hdr_ip(ip6) 2001:db8::1 }
if { hdr_ip(ip6) 0.0.0.0/0 }
if { ipv6(::ffff:1.2.3.4) 1.2.3.4 }
if { ipv6(::1.2.3.4) 1.2.3.0/24 }
if { ipv6(2002:0102:0304::) 1.2.3.4 }
if { ipv6(2003:0102:0304::) 1.2.3.4 }
if { ipv4(10.0.0.12) 10.12 }
if { ipv4(192.168.0.1) 192.168.1 }
if { ipv4(192.168.3.1) 192.168.1/22 }
if { ipv4(127.0.0.1) 127.1 }
if { ipv4(1.2.255.255) 1.2.65535 }
if { src 127.0.0.1 }
if { src 10.0.0.1 127.0.0.0/8 }
if { src ::1 }
if { src,ipmask(8) 127.0.0.0 }
if { src,lower 127.0.0.1 }
if { str(1.2.3.4) -m ip 1.2.3.0/24 }
if { str(x) -m ip 1.2.3.0/24 }
if { cook(a) 1 }
if { cook(a) 3 }
if { cook(a) 2 }
if { cook(b) -i two }
if { cook_cnt(a) 2 }
if { req.cook(c) -m found }
if { method GET }
if { method get }
if { method POST GET }
if { method FOO }
if { meth(FOO) -m str FOO }
if { method -m beg GE }
if { req.ver 1.1 }
if { req.ver 1.0 }
if { bool(1) }
if { bool(0) }
if { int(5) -m bool }
if { int(0) -m bool }
if { bool(1) -m int 1 }
if { int(5) 1:4 6: }
if { int(5) 1:4 5 }
if { int(5) le 5 }
if { int(5) lt 5 }
if { int(5) ge 5 }
if { int(5) gt 5 }
if { int(5) eq 1 5 }
if { int(5) -m str 5 }
if { int(555) -m beg 5 }
if { int(555) -m len 3 }
if { str(abc) -m bin 616263 }
if { str(abc) -m bin 61626364 }
if { bin(00ff) -m bin 00FF }
if { bin(6162) -m str ab }
if { bin(61006263) -m str a }
if { bin(61006263) -m sub bc }
if { bin(61006263) -m beg a }
if { str() -m found }
if { path,field(2,/) images }
if { path_beg,lower /images/png/logo/32x32.png }
if { path,lower -m beg /images }
if { path,regsub(png,gif,g) -m end .gif }
if { str(5) -m int 5 }
if { str(5x) -m int 5 }
if { str(x) -m int 0 }
if { str() -m int 0 }
if { query x=1 }
if { urlp(x) 1 }
if { urlp(y) 1 }
if { hdr(list),upper BETA }
if { hdr(list),field(2,a) l }
if { hdr(list),word(2,t) a }
if { hdr(list),word(1,t) be }
if { str(abc),word(2,_) -m found }
if { str(a_b),word(-3,_) -m found }
if { str(a_b),word(-2,_) -m found }
if { str(__),word(1,_) -m found }
if { str(),word(1,_) -m found }
if { str(a_b_),word(3,_,0) -m found }
if { str(_a_b),word(-3,_,0) -m found }
if { str(abc),field(2,_) -m found }
if { hdr(list),map_nothing } never
if TRUE
if FALSE
if ! FALSE
if !FALSE
if ! TRUE
if TRUE FALSE
if TRUE or FALSE
if FALSE || TRUE
if FALSE FALSE || TRUE TRUE
if FALSE TRUE or TRUE FALSE
if ! FALSE ! FALSE
if !FALSE FALSE || !TRUE
unless TRUE
unless FALSE
unless TRUE FALSE
unless FALSE or TRUE
unless ! TRUE
if { path_beg /x } or { path_beg /images } METH_GET
if ! { path_beg /x } METH_GET HTTP_1.1
if METH_POST
if METH_HEAD
if HTTP_1.0
if HTTP_URL_ABS
if HTTP_URL_SLASH
if HTTP_URL_STAR
if HTTP_CONTENT
if LOCALHOST
if HTTP
if WAIT_END
if !{ path_beg /x }
if !!{ path_beg /images }
`
  .split('\n')
  .filter((line) => line !== '' && !line.includes('map_nothing'));

function words(line: string): string[] {
  return Array.from(line.matchAll(/"([^"]*)"|(\S+)/g), (match) => match[1] ?? match[2]!);
}

test.skipIf(haproxyMissing)('7.1 and 7.2: conditions hold where HAProxy says so', async () => {
  const rules = conditions.map(
    (line, i) => `http-request set-header m${i} 1 ${words(line).map(quoteWord).join(' ')}`,
  );
  const { request: answers } = await askHaproxy(rules, head);
  const ctx = testContext(head);
  const differences: string[] = [];
  conditions.forEach((line, i) => {
    const ours = compileCondition(parseCondition(words(line), testScope()))(ctx);
    const theirs = answers.has(`m${i}`);
    if (ours !== theirs) differences.push(`${line}: haproxy ${theirs}, sluice ${ours}`);
  });
  expect(differences).toEqual([]);
});
