import type { JsonSchema, OpenApiDocument } from '../lib/openapi-document.ts'

/** One field of a request or an answer, as a row of a table. */
export interface FieldRow {
  readonly name: string
  readonly type: string
  readonly required: boolean
  readonly description: string
}

const DEPTH_MAX = 4

/** The schema itself, where `schema` is a name of one in `document`. */
export function resolve(document: OpenApiDocument, schema: JsonSchema): JsonSchema {
  const name = schema.$ref?.split('/').at(-1)
  if (name === undefined) return schema
  const found = document.components.schemas?.[name]
  if (found === undefined) throw new Error(`no schema ${schema.$ref}`)
  return resolve(document, found)
}

/** The fields of an object, those of objects within it after their holder: `data[].id`. */
export function fieldRows(
  document: OpenApiDocument,
  schema: JsonSchema,
  within = '',
): readonly FieldRow[] {
  if (within.split('.').length > DEPTH_MAX) return []
  const { properties = {}, required = [] } = resolve(document, schema)
  return Object.entries(properties).flatMap(([name, given]) => {
    const field = resolve(document, given)
    const path = within === '' ? name : `${within}.${name}`
    const inner = innerOf(document, field)
    const row = {
      name: path,
      type: typeText(document, field),
      required: required.includes(name),
      description: descriptionOf(field),
    }
    if (inner === undefined) return [row]
    return [row, ...fieldRows(document, inner.schema, `${path}${inner.mark}`)]
  })
}

/** The object that a field holds, or holds many of. */
function innerOf(
  document: OpenApiDocument,
  field: JsonSchema,
): { schema: JsonSchema; mark: string } | undefined {
  const schema = resolve(document, field.anyOf?.find((one) => one.type !== 'null') ?? field)
  if (schema.properties !== undefined) return { schema, mark: '' }
  if (schema.items === undefined) return undefined
  const items = resolve(document, schema.items)
  return items.properties === undefined ? undefined : { schema: items, mark: '[]' }
}

/** `text`, `number`, `list of text`, `text or null`: as a reader would say it. */
export function typeText(document: OpenApiDocument, given: JsonSchema): string {
  const schema = resolve(document, given)
  const choices = schema.anyOf ?? schema.oneOf
  if (choices !== undefined) {
    return [...new Set(choices.map((choice) => typeText(document, choice)))].join(' or ')
  }
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.format === 'date-time') return 'instant'
  if (typeof schema.type !== 'string') {
    const types = schema.type?.map((type) => typeText(document, { ...schema, type }))
    return types?.join(' or ') ?? 'anything'
  }
  switch (schema.type) {
    case 'string':
      return 'text'
    case 'integer':
      return 'whole number'
    case 'boolean':
      return 'true or false'
    case 'array':
      return `list of ${typeText(document, schema.items ?? {})}`
    default:
      return schema.type
  }
}

function descriptionOf(schema: JsonSchema): string {
  const parts = [schema.description]
  const choices = schema.enum ?? schema.items?.enum
  if (choices !== undefined) parts.push(choices.map((value) => `\`${String(value)}\``).join(', '))
  if (schema.minimum !== undefined && schema.maximum !== undefined) {
    parts.push(`${schema.minimum} to ${schema.maximum}`)
  }
  if (schema.default !== undefined) parts.push(`default ${JSON.stringify(schema.default)}`)
  return parts.filter((part) => part !== undefined).join(' · ')
}

/** Values that read better than the name of their type. */
const SAMPLES: Readonly<Record<string, unknown>> = {
  email: 'ada@shop.example',
  name: 'Example',
  password: 'a long one of your own',
  currency: 'USD',
  time_zone: 'Europe/Sofia',
  reason: 'Paid by bank transfer',
  rate: '0.90',
  quantity: 100,
  remains: 40,
  start_count: 3572,
  list_charge: '0.10',
  charge: '0.09',
  refunded: '0.00',
  provider: 'simulated',
  discount_percent: 10,
  link: 'https://shop.example/page',
  prefix: 'pur_4fK2m9Qx',
  scopes: ['write:orders', 'read:billing'],
  key: 'pur_4fK2m9Qx…',
  cursor: '…',
  hasMore: false,
  nextCursor: null,
  breaches: [],
  disabled_at: null,
  cancel_requested_at: null,
  operator_id: null,
  legacy_errors: false,
  params: null,
  data: null,
}
const INSTANT = '2026-01-31T09:30:00.000Z'

/** A value of `schema` to look at: its examples, else something of the kind. */
export function sampleOf(document: OpenApiDocument, given: JsonSchema, name = ''): unknown {
  const schema = resolve(document, given)
  const known = SAMPLES[name]
  if (known !== undefined && !(schema.type === 'array' && schema.items?.properties)) return known
  const [example] = schema.examples ?? []
  if (example !== undefined) return example
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return schema.enum[0]
  if (schema.properties !== undefined) {
    return Object.fromEntries(
      Object.entries(schema.properties).map(([field, inner]) => [
        field,
        sampleOf(document, inner, field),
      ]),
    )
  }
  if (schema.anyOf !== undefined) return sampleOf(document, schema.anyOf[0] ?? {}, name)
  switch (schema.type) {
    case 'array':
      // What the list is called says nothing of an object in it.
      return [sampleOf(document, schema.items ?? {}, schema.items?.properties ? '' : name)]
    case 'integer':
    case 'number':
      return schema.minimum ?? 1
    case 'boolean':
      return true
    case 'object':
      return {}
    case 'null':
      return null
    default:
      return schema.format === 'date-time' || name === 'now' ? INSTANT : '…'
  }
}
