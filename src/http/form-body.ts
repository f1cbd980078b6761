import { Busboy } from '@fastify/busboy'
import querystring from 'fast-querystring'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { invalidField, Refusal } from '../core/refusal.ts'

/** A form's fields. A field that was sent twice has its last value, as in PHP. */
export type Fields = Readonly<Record<string, string | undefined>>

/** A list of a hundred may come as a field for each of its items. */
const FIELDS_MAX = 250
const FIELD_BYTES_MAX = 1_000_000

/** Lets `app` take bodies as forms (urlencoded or multipart) and as JSON. */
export function acceptForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => done(null, querystring.parse(body as string)),
  )
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? {} : JSON.parse(body as string))
    } catch {
      done(new Refusal('invalid_input', { detail: 'The body is not valid JSON' }))
    }
  })
  app.addContentTypeParser('multipart/form-data', (request, payload, done) => {
    parseMultipart(request, payload).then((fields) => done(null, fields), done)
  })
  app.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => {
    // Old clients name no type at all, and what they send is a form.
    if (!request.headers['content-type']) done(null, querystring.parse(body as string))
    else done(new Refusal('invalid_input', { detail: WRONG_TYPE }))
  })
}

const WRONG_TYPE = 'Send the body as application/x-www-form-urlencoded, multipart or JSON'

/** The fields of the query and the body together; the body's win. */
export function fieldsOf(request: FastifyRequest): Fields {
  const fields: Record<string, string | undefined> = Object.create(null)
  addFields(fields, request.query, { isJson: false })
  addFields(fields, request.body, { isJson: JSON_TYPE.test(request.headers['content-type'] ?? '') })
  return fields
}

const JSON_TYPE = /^application\/json/i

function addFields(
  fields: Record<string, string | undefined>,
  source: unknown,
  by: { isJson: boolean },
): void {
  if (source === null || source === undefined) return
  if (typeof source !== 'object' || Array.isArray(source)) {
    throw new Refusal('invalid_input', { detail: 'The body must be a form or a JSON object' })
  }
  for (const [sentName, value] of Object.entries(source)) {
    const part = sentName.endsWith(']') ? LIST_PART.exec(sentName) : null
    const name = part?.[1] ?? sentName
    const text = textOf(name, value, by)
    if (text === undefined) continue
    // PHP writes a list as orders[0]=1&orders[1]=2.
    fields[name] = part && fields[name] !== undefined ? `${fields[name]},${text}` : text
  }
}

/** The fields that hold ids, one or many. */
const LIST = /^(orders?|refills?)$/
const LIST_PART = /^(orders?|refills?)\[\d*\]$/

/** A field's text: JSON's numbers and booleans as they are written, a list with commas. */
function textOf(name: string, value: unknown, by: { isJson: boolean }): string | undefined {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
    case 'boolean':
      return String(value)
    case 'object':
      if (value === null) return undefined
      if (Array.isArray(value)) return listText(name, value, by)
  }
  throw notText(name)
}

function notText(name: string): Refusal {
  return invalidField(`/${name}`, `${name} must be a text or a number`, 'invalid_type')
}

/**
 * `orders: [1, 2]` is `1,2`; a form's field sent twice has its last value. Several values in
 * JSON for anything else are refused: one of them is not what was asked for.
 */
function listText(
  name: string,
  values: readonly unknown[],
  by: { isJson: boolean },
): string | undefined {
  // A list within a list is nothing that any client sends, and could be nested without end.
  if (values.some(Array.isArray)) throw notText(name)
  if (LIST.test(name)) {
    return values.map((value) => textOf('item', value, by) ?? '').join(',')
  }
  if (by.isJson && values.length > 1) throw notText(name)
  return textOf(name, values.at(-1), by)
}

function parseMultipart(
  request: FastifyRequest,
  payload: NodeJS.ReadableStream,
): Promise<Record<string, string[]>> {
  return new Promise((resolve, reject) => {
    // A list comes as one field several times.
    const fields: Record<string, string[]> = Object.create(null)
    const wrong = (detail: string) => reject(new Refusal('invalid_input', { detail }))
    let busboy: InstanceType<typeof Busboy>
    try {
      busboy = new Busboy({
        headers: request.headers as { 'content-type': string },
        limits: { fields: FIELDS_MAX, fieldSize: FIELD_BYTES_MAX, files: 0, parts: FIELDS_MAX },
      })
    } catch {
      wrong('The multipart body has no boundary')
      return
    }
    let bytes = 0
    payload.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > request.routeOptions.bodyLimit) reject(new Refusal('payload_too_large'))
    })
    busboy.on('field', (name, value, _nameCut, valueCut) => {
      if (valueCut) reject(new Refusal('payload_too_large'))
      fields[name] = [...(fields[name] ?? []), value]
    })
    for (const limit of ['fieldsLimit', 'partsLimit'] as const) {
      busboy.on(limit, () => wrong(`More than ${FIELDS_MAX} fields`))
    }
    busboy.on('finish', () => resolve(fields))
    busboy.on('error', () => wrong('The multipart body is not valid'))
    payload.on('error', reject)
    payload.pipe(busboy)
  })
}
