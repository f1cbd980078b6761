/** The committed OpenAPI documents, and whether an answer is what they say. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { OpenApiDocument } from '../../src/lib/openapi-document.ts'
import type { Answer } from './answer.ts'

const FOLDER = new URL('../../openapi/', import.meta.url)

/** Each document by its name. */
export const committed: ReadonlyMap<string, OpenApiDocument> = await readCommitted()

const ajv = new Ajv2020({ strict: false, allErrors: true })
addFormats.default(ajv)
for (const [name, document] of committed) ajv.addSchema(document, name)

/**
 * Fails unless `answer` is what the committed document says of this place (`post /api/v2`) and
 * status.
 */
export function assertDocumented(name: string, place: string, answer: Answer): void {
  const [method = '', path = ''] = place.split(' ')
  const operation = at(committed.get(name), ['paths', path, method])
  const statuses = Object.keys((operation as { responses: object }).responses)
  const status = [String(answer.status), `${String(answer.status)[0]}XX`].find((known) =>
    statuses.includes(known),
  )
  assert.ok(status, `${place} answered ${answer.status}, which is not documented: ${answer.text}`)
  const response = at(operation, ['responses', status]) as { $ref?: string }
  const pointer = response.$ref ?? pointerOf(['paths', path, method, 'responses', status])
  const type = (answer.headers.get('content-type') ?? '').split(';', 1)[0] ?? ''
  const validate = ajv.getSchema(
    `${name}${pointer}${pointerOf(['content', type, 'schema']).slice(1)}`,
  )
  assert.ok(validate, `${place} ${status} has no schema for ${type}`)
  const value = type.endsWith('json') ? answer.json : answer.text
  assert.ok(validate(value), `${answer.text}\n${schemaErrors(validate)}`)
}

/** The schema at a place in a document, ready to validate with. */
export function schemaAt(name: string, keys: readonly string[]): ValidateFunction {
  const validate = ajv.getSchema(`${name}${pointerOf(keys)}`)
  assert.ok(validate, `${name} has no schema at ${keys.join(' ')}`)
  return validate
}

/** What the last value that `validate` was given breaks. */
export function schemaErrors(validate: ValidateFunction): string {
  return ajv.errorsText(validate.errors)
}

/** What stands at a place in a document. */
export function at(value: unknown, keys: readonly string[]): unknown {
  return keys.reduce((inner, key) => (inner as Record<string, unknown>)[key], value)
}

function pointerOf(keys: readonly string[]): string {
  return `#/${keys.map((key) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`
}

async function readCommitted(): Promise<Map<string, OpenApiDocument>> {
  const documents = new Map<string, OpenApiDocument>()
  for (const file of await readdir(FOLDER)) {
    const text = await readFile(new URL(file, FOLDER), 'utf8')
    documents.set(file.replace('.json', ''), JSON.parse(text) as OpenApiDocument)
  }
  return documents
}
