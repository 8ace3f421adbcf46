/** The JSON schema (draft 4) of what `show stat json` and `show info json` give (management.txt 9.3). */

const typed = (type: string, value: object) => ({
  type: 'object',
  properties: { type: { type: 'string', enum: [type] }, value },
  required: ['type', 'value'],
});

const integer = (minimum: number, maximum: number) => ({ type: 'integer', minimum, maximum });

const tags = {
  type: 'object',
  properties: {
    origin: { type: 'string', enum: ['Metric', 'Status', 'Key', 'Config', 'Product', 'Unknown'] },
    nature: {
      type: 'string',
      enum: [
        'Gauge',
        'Limit',
        'Min',
        'Max',
        'Rate',
        'Counter',
        'Duration',
        'Age',
        'Time',
        'Name',
      ].concat(['Output', 'Avg', 'Unknown']),
    },
    scope: { type: 'string', enum: ['Cluster', 'Process', 'Service', 'System', 'Unknown'] },
    persistence: { type: 'string', enum: ['Volatile', 'Persistent', 'Unknown'] },
  },
  required: ['origin', 'nature', 'scope'],
};

const value = {
  oneOf: [
    typed('s32', integer(-2147483648, 2147483647)),
    typed('s64', integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)),
    typed('u32', integer(0, 4294967295)),
    typed('u64', integer(0, Number.MAX_SAFE_INTEGER)),
    typed('str', { type: 'string' }),
  ],
};

const common = {
  field: {
    type: 'object',
    properties: { pos: { type: 'integer', minimum: 0 }, name: { type: 'string' } },
    required: ['pos', 'name'],
  },
  processNum: { type: 'integer', minimum: 1 },
  tags,
  value,
};

const infoItem = {
  title: 'InfoItem',
  type: 'object',
  properties: common,
  required: ['field', 'processNum', 'tags', 'value'],
};

const statItem = {
  title: 'StatItem',
  type: 'object',
  properties: {
    objType: { type: 'string', enum: ['Frontend', 'Backend', 'Server', 'Listener'] },
    proxyId: { type: 'integer', minimum: 0 },
    id: { type: 'integer', minimum: 0 },
    ...common,
  },
  required: ['objType', 'proxyId', 'id', 'field', 'processNum', 'tags', 'value'],
};

export function jsonSchema(): string {
  return JSON.stringify({
    $schema: 'http://json-schema.org/draft-04/schema#',
    oneOf: [
      { title: 'Info', type: 'array', items: infoItem },
      { title: 'Stat', type: 'array', items: { type: 'array', items: statItem } },
    ],
  });
}
