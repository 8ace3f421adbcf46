/**
 * Small configurations of the shapes that operators have, for the parser's random tests: what sluice
 * supports and what it refuses by name.
 */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the configuration's own syntax

const web = `global
  log 127.0.0.1:514 local0 notice
  maxconn 2000
  user haproxy
  group haproxy
  stats socket /run/site.sock mode 660 level admin
  stats timeout 30s
defaults
  mode http
  log global
  option httplog
  option dontlognull
  retries 3
  timeout connect 5s
  timeout client 50s
  timeout server 50s
frontend web
  bind *:8080 name plain
  bind 127.0.0.1:8081,127.0.0.1:8082-8084 maxconn 100
  acl is_static path_beg -i /static /images
  acl is_static path_end .png .jpg
  acl internal src 10.0.0.0/8 192.168.0.0/16
  http-request set-header X-Forwarded-Proto http
  http-request deny deny_status 403 if { path /admin } !internal
  http-request redirect location https://%[hdr(host)]%[path] code 301 if { hdr(host) -i old.test }
  capture request header Host len 40
  use_backend static if is_static
  default_backend app
backend static
  balance roundrobin
  server s1 127.0.0.1:9001 check inter 2s rise 2 fall 3
  server s2 127.0.0.1:9002 check backup
backend app
  option forwardfor except 127.0.0.0/8
  http-reuse safe
  default-server maxconn 50 check weight 10
  server a1 127.0.0.1:9011
  server a2 127.0.0.1:9012 disabled
`;

const tls = `global
  crt-base /etc/ssl
  ca-base /etc/ssl
  ssl-default-bind-options ssl-min-ver TLSv1.2
  tune.ssl.default-dh-param 2048
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend secure
  bind :8443 ssl crt site.pem alpn h2,http/1.1
  http-request set-header X-SSL %[ssl_fc]
  http-request redirect scheme https unless { ssl_fc }
  acl cert ssl_c_used
  http-request deny unless cert
  use_backend %[req.hdr(host),lower,map(/etc/hosts.map,app)]
  default_backend app
backend app
  option httpchk
  http-check send meth GET uri /health
  cookie SRV insert indirect nocache
  server a 127.0.0.1:9443 ssl verify required ca-file ca.pem cookie a check
`;

const tcp = `defaults
  mode tcp
  timeout connect 4s
  timeout client 1h
  timeout server 1h
  option tcplog
listen database
  bind :5432
  balance leastconn
  option tcp-check
  tcp-check expect string ready
  server db1 127.0.0.1:5433 check port 8008
  server db2 127.0.0.1:5434 check port 8008 backup
listen mail
  bind 127.0.0.1:2525
  tcp-request inspect-delay 5s
  tcp-request content reject if { src -f /etc/blocked.lst }
  server mx 127.0.0.1:25 send-proxy-v2
listen desktop
  bind 127.0.0.1:3389
  stick-table type ip size 200k expire 30m
  stick on src
  server t1 127.0.0.1:3390
  server t2 127.0.0.1:3391
`;

const limits = `defaults
  mode http
  timeout connect 1s
  timeout client 10s
  timeout server 10s
  timeout http-request 5s
  timeout tarpit 10s
frontend api
  bind :8000
  stick-table type ip size 100k expire 1m store http_req_rate(10s)
  http-request track-sc0 src
  acl fast sc_http_req_rate(0) gt 100
  http-request tarpit deny_status 429 if fast
  http-request return status 200 content-type text/plain string "ok" if { path /health }
  http-request set-var(txn.who) src
  http-response set-header X-Who %[var(txn.who)]
  log-format "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %tsc %{+Q}r"
  unique-id-format %{+X}o %ci:%cp_%fi:%fp_%Ts
  unique-id-header X-Id
  default_backend api
backend api
  fullconn 500
  server a1 127.0.0.1:9101 maxconn 20 maxqueue 10
`;

const environment = `global
  presetenv PORT 8080
  setenv NAME site
.if defined(DEBUG)
  log stdout format raw local0
.elif !version_before(2.4)
  log "\${SYSLOG-127.0.0.1}:514" local0
.else
  .warning "an old version"
.endif
defaults common
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
defaults quiet from common
  option dontlog-normal
frontend web from common
  bind :\${PORT}
  default_backend app
backend app from quiet
  server a \${HOST}127.0.0.1:9000
ring logs
  format rfc5424
  size 32764
  timeout connect 5s
  timeout server 10s
  server collector 127.0.0.1:6514 log-proto octet-count
`;

const sections = `global
  lua-load /etc/script.lua
  stats-file /var/lib/stats
userlist staff
  user admin insecure-password secret
peers pair
  peer one 127.0.0.1:1024
resolvers dns
  nameserver n1 127.0.0.1:53
cache pages
  total-max-size 64
mailers alerts
  mailer m1 127.0.0.1:25
frontend status
  mode http
  bind :8404
  timeout client 5s
  stats enable
  stats uri /
  stats auth admin:secret
  filter compression
  compression algo gzip
  http-request use-service prometheus-exporter if { path /metrics }
  http-request lua.check
  http-request set-header X-Lua %[lua.now]
  monitor-uri /alive
  errorfile 503 /dev/null
`;

const old = `global
  daemon
  nbproc 1
listen shop 127.0.0.1:8088
  mode http
  contimeout 5000
  clitimeout 50000
  srvtimeout 50000
  option httpclose
  option forwardfor
  reqadd X-Forwarded-Proto: http
  reqidel ^X-Debug:
  rspidel ^Server:
  block if { path_beg /private }
  redirect prefix http://www.shop.test if { hdr(host) shop.test }
  server s1 127.0.0.1:9088 check
`;

export const realisticTexts: readonly string[] = [
  web,
  tls,
  tcp,
  limits,
  environment,
  sections,
  old,
];
