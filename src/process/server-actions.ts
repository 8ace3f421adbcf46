/** The actions of the statistics page (configuration.txt 4.2 `stats admin`), by the names of its form. */
import type { ServerAdmin } from '../checks/admin.ts';
import { type EntityMap, Health } from '../model/shared.ts';
import type { ServerActions } from '../stats/page/post.ts';

interface ActionRow {
  name: string;
  text: string;
  /** @returns false when the server has no use for it. */
  act(admin: ServerAdmin, server: number): boolean;
}

const rows: readonly ActionRow[] = [
  { name: 'ready', text: 'Set state to READY', act: (admin, server) => admin.ready(server) },
  { name: 'drain', text: 'Set state to DRAIN', act: (admin, server) => admin.drain(server) },
  { name: 'maint', text: 'Set state to MAINT', act: (admin, server) => admin.maintain(server) },
  {
    name: 'dhlth',
    text: 'Health: disable checks',
    act: (admin, server) => admin.enableChecks(server, false),
  },
  {
    name: 'ehlth',
    text: 'Health: enable checks',
    act: (admin, server) => admin.enableChecks(server, true),
  },
  {
    name: 'hrunn',
    text: 'Health: force UP',
    act: (admin, server) => admin.setHealth(server, Health.Up),
  },
  {
    name: 'hnolb',
    text: 'Health: force NOLB',
    act: (admin, server) => admin.setHealth(server, Health.Stopping),
  },
  {
    name: 'hdown',
    text: 'Health: force DOWN',
    act: (admin, server) => admin.setHealth(server, Health.Down),
  },
  {
    name: 'dagent',
    text: 'Agent: disable checks',
    act: (admin, server) => admin.enableAgent(server, false),
  },
  {
    name: 'eagent',
    text: 'Agent: enable checks',
    act: (admin, server) => admin.enableAgent(server, true),
  },
  { name: 'arunn', text: 'Agent: force UP', act: (admin, server) => admin.setAgent(server, true) },
  {
    name: 'adown',
    text: 'Agent: force DOWN',
    act: (admin, server) => admin.setAgent(server, false),
  },
];

const SHUTDOWN = 'shutdown';

/** @param shutdown ends the sessions of a server, by its entity */
export function createServerActions(
  admin: ServerAdmin,
  entities: EntityMap,
  shutdown: (server: number) => void,
): ServerActions {
  const names = rows.map(({ name, text }) => [name, text] as const);
  return {
    names: [...names, [SHUTDOWN, 'Kill Sessions']],
    act(action, proxy, server) {
      const entity = entities.server[proxy.index]![server]!;
      if (action === SHUTDOWN) {
        shutdown(entity);
        return true;
      }
      return rows.find(({ name }) => name === action)?.act(admin, entity) ?? false;
    },
  };
}
