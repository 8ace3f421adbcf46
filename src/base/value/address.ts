/** Addresses as the configuration writes them (configuration.txt 2.9). */
export interface Address {
  family: 'ipv4' | 'ipv6' | 'unix' | 'abns' | 'fd';
  /** Stream unless the prefix says datagram (`udp@`, `dgram+`). */
  datagram: boolean;
  /** Network order: 4 bytes for ipv4, 16 for ipv6, empty otherwise. All zero = any address. */
  bytes: number[];
  /** 0 when the text names none. For `fd` the descriptor number stands in `fd`. */
  port: number;
  /** unix and abns: path or name. */
  path: string;
  fd: number;
  /** As written, for messages. */
  text: string;
}
