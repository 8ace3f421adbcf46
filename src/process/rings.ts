/** Forwarding of `ring` sections to their servers (configuration.txt 12.5). */
import type { LogShared } from '../log/logger.ts';
import { Ring } from '../log/ring.ts';
import type { Configuration } from '../model/config.ts';
import type { Console } from './console.ts';

/**
 * Starts a forwarder per ring and server. The module is loaded only when there is one: it needs
 * node:net, which costs every start more than ten milliseconds.
 */
export async function startRings(
  config: Configuration,
  logShared: LogShared,
  console: Console,
): Promise<{ close(): void }> {
  if (!config.rings.some((ring) => ring.servers.length > 0)) return { close: () => undefined };
  const { startRingForwarders } = await import('../log/ring-forward.ts');
  const rings = logShared.rings.map((buffer) => new Ring(buffer));
  const forwarders = startRingForwarders(config.rings, rings, (text) => console.warning(text));
  return {
    close: () => {
      for (const forwarder of forwarders) forwarder.stop();
    },
  };
}
