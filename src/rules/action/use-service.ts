/** Row of the action that lets a service of the proxy answer (configuration.txt 4.4 `use-service`). */
import { ConfigError } from '../../base/config-error.ts';
import { type ActionRow, REQUEST } from './row.ts';
import { compileService, type ServiceArgs } from './serve.ts';
import { startsCondition } from './words.ts';

/** The services, with what logs show in place of a server. */
const labels: Readonly<Record<string, string>> = { 'prometheus-exporter': '<PROMEX>' };

export const serviceActions = [
  {
    name: 'use-service',
    rulesets: REQUEST,
    args: '<service-name>',
    doc: 'lets a service of the proxy answer',
    parse(words) {
      const [service] = words;
      if (service === undefined || startsCondition(service)) {
        throw new ConfigError("'use-service' expects a service name.");
      }
      const label = Object.hasOwn(labels, service) ? labels[service] : undefined;
      if (label === undefined) {
        throw new ConfigError(
          service.startsWith('lua.')
            ? `'${service}' is not supported yet by sluice`
            : `'${service}' unknown service name.`,
        );
      }
      const args: ServiceArgs = { service, label };
      return { args, rest: words.slice(1) };
    },
    compile: compileService,
  },
] as const satisfies readonly ActionRow[];
