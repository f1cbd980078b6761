import { Type } from 'typebox'
import type { JsonSchema, OpenApiDocument, OpenApiOperation } from '../lib/openapi-document.ts'

const Alive = Type.Object({ ok: Type.Literal(true) }, { additionalProperties: false })
const NotReady = Type.Object(
  {
    ok: Type.Literal(false),
    reason: Type.String({ examples: ['the database does not answer'] }),
  },
  { additionalProperties: false },
)

/** The document of what monitoring asks. Nobody needs a key for it. */
export function healthDocument(version: string): OpenApiDocument {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Health',
      version,
      summary: 'What monitoring and load balancers ask.',
      description:
        'Nobody needs a key for these. Keep `/metrics` away from the public at your proxy.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: {
      '/healthz': {
        get: operation('isAlive', 'Whether the process lives', {
          '200': json('It does', Alive),
        }),
      },
      '/readyz': {
        get: operation('isReady', 'Whether it can serve: database and schema are there', {
          '200': json('It can', Alive),
          '503': json('It cannot, and why', NotReady),
        }),
      },
      '/metrics': {
        get: operation('readMetrics', 'Counters for Prometheus', {
          '200': {
            description: 'The text format of Prometheus',
            content: { 'text/plain': { schema: { type: 'string' } } },
          },
        }),
      },
    },
    components: {},
  }
}

function operation(
  operationId: string,
  summary: string,
  responses: OpenApiOperation['responses'],
): OpenApiOperation {
  return { operationId, summary, tags: ['Health'], security: [], responses }
}

function json(description: string, schema: unknown) {
  return { description, content: { 'application/json': { schema: schema as JsonSchema } } }
}
