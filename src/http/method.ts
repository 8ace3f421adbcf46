/** Request methods that sluice knows by number (RFC 9110 9.1); any other token is `Other`. */
export const enum Method {
  Other = 0,
  Options = 1,
  Get = 2,
  Head = 3,
  Post = 4,
  Put = 5,
  Delete = 6,
  Trace = 7,
  Connect = 8,
  Patch = 9,
}

export const methodNames = [
  '',
  'OPTIONS',
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'TRACE',
  'CONNECT',
  'PATCH',
] as const;
