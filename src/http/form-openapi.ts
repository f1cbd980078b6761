/** What the documents of form APIs have in common. */
import type { JsonSchema } from '../lib/openapi-document.ts'

const FORM_TYPES = [
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'application/json',
] as const

/** A schema of the document, by its name there. */
export function schemaRef(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` }
}

/** A form by each way to send it; the first has the examples. */
export function formContent(schema: JsonSchema, examples: ReadonlyMap<string, object>) {
  const [first, ...others] = FORM_TYPES
  const shown = [...examples].map(([name, value]) => [name, { value }] as const)
  return {
    [first]: { schema, examples: Object.fromEntries(shown) },
    ...Object.fromEntries(others.map((type) => [type, { schema }])),
  }
}

/** Said of an answer that may be a repeat's. */
export const REPLAYED_HEADER = {
  'idempotent-replayed': {
    description: '`true` where this is the answer of an earlier request under the same key.',
    schema: { type: 'string', const: 'true' },
  },
} as const
